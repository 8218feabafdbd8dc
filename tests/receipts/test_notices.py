"""Alarms as people read of them: each is documented, and its words say nothing they must not."""

import re
from pathlib import Path

import pytest

from gateway.engine import keywatch
from gateway.engine.arrivals import _DOOR_CODES
from gateway.receipts.notices import TITLES
from gateway.receipts.owing import CODES


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs" / "alarms.md").read_text(encoding="utf-8")


def test_every_alarm_is_documented(page: str) -> None:
    for code in {*TITLES, *CODES.values(), *_DOOR_CODES, *keywatch._CODES}:
        assert f"`{code}`" in page, code


def test_every_alarm_that_is_raised_by_name_is_documented(page: str, checkout: Path) -> None:
    """Codes written where an alarm is raised, in whatever module."""
    found = set()
    for path in (checkout / "gateway").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'raise_alarm\(\s*tx,\s*f?"([a-z]+\.[a-z-]+)"', text))
    assert {"window.missed", "clock.back", "disk.low", "mail.failing"} <= found
    for code in found:
        assert f"`{code}`" in page, code


def test_each_deadline_alarm_has_a_title() -> None:
    assert set(CODES.values()) <= set(TITLES)
