"""A moment as people write it at the command line."""

from datetime import UTC, datetime

import click
import pytest

from gateway.cli.entering import moment_of


def test_a_moment_is_londons_unless_it_says_otherwise() -> None:
    assert moment_of("2026-07-02T16:00") == datetime(2026, 7, 2, 15, tzinfo=UTC)
    assert moment_of("2026-07-02T16:00+00:00") == datetime(2026, 7, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["noon", "", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"])
def test_what_is_no_moment_in_any_calendar_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2026-03-02T16:00"):
        moment_of(text)
