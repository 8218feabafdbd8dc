"""The audit of the pins: what is said of each kind of answer, and that none is not a clean one."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from audit_pins import Answer, asked, keep, pins_of, report, stored

PINS = [("flask", "3.1.0"), ("jinja2", "3.1.6")]
DAY = date(2026, 3, 2)


def test_pins_are_read_with_their_versions(checkout: Path) -> None:
    text = "Flask==3.1.0 \\\n    --hash=sha256:00\njinja2[i18n]==3.1.6 ; a > '3'\n# a==1\n"
    assert pins_of([text, text]) == PINS
    real = pins_of([(checkout / "requirements.txt").read_text(encoding="utf-8")])
    assert len(real) > 30
    assert "flask" in dict(real)


def test_what_an_advisory_names_is_told_and_is_a_failure() -> None:
    said, bad = report(PINS, Answer(DAY, {PINS[0]: ["PYSEC-1"], PINS[1]: []}))
    assert bad
    assert "flask 3.1.0: PYSEC-1. Take a newer version." in said
    assert "2 pinned packages compared with advisories of 2026-03-02." in said


def test_what_was_not_compared_is_said() -> None:
    said, bad = report(PINS, Answer(DAY, {PINS[0]: []}))
    assert not bad
    assert "1 pinned packages compared" in said
    assert "NOT compared: 1" in said
    said, bad = report(PINS, None)
    assert not bad
    assert "2 pinned packages were NOT compared" in said


def test_an_answer_is_stored_for_times_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "advisories.json"
    assert stored(path) is None
    answer = Answer(DAY, {PINS[0]: ["PYSEC-1"], PINS[1]: []})
    keep(answer, path)
    assert stored(path) == answer


def test_where_no_advisories_can_be_reached_there_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"flask==3.1.0 --hash=sha256:{'0' * 64}\n")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    assert asked([requirements]) is None


def test_without_a_network_the_check_goes_on_and_says_what_it_has_not_done(checkout: Path) -> None:
    program = [sys.executable, str(checkout / "tools" / "audit_pins.py"), "--offline"]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "compared with advisories" in ran.stdout
