"""When windows come due: the first day, missed and covered ones, weeks, clocks that jump."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rehearsing import NIL, NOTIFICATIONS, UPDATES, AtWork, clean_row, packed

from gateway.engine.clock import note_moment
from gateway.engine.parts import Parts
from gateway.engine.windows import open_windows

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def parts(work: AtWork) -> Iterator[Parts]:
    """The parts of a home that has not ticked yet; what is asked of windows needs no gpg."""
    with work.parts("2026-03-02T09:00") as (made, _):
        yield made


def at(text: str) -> datetime:
    """A London time."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def opened(parts: Parts, text: str, flow: str = NOTIFICATIONS) -> None:
    open_windows(parts, parts.flow(flow), at(text))


def days(work: AtWork, flow: str = NOTIFICATIONS) -> list[str]:
    return [day for day, *_ in work.windows(flow)]


# --- which windows there are ---------------------------------------------------------------------


def test_windows_begin_on_the_day_of_the_first_tick(work: AtWork, parts: Parts) -> None:
    opened(parts, "2026-03-04T09:00")
    assert days(work) == []
    opened(parts, "2026-03-05T16:00")
    assert days(work) == ["2026-03-04", "2026-03-05"]


def test_a_home_that_starts_at_a_weekend_has_its_first_window_on_monday(
    work: AtWork, parts: Parts
) -> None:
    opened(parts, "2026-03-07T12:00")
    opened(parts, "2026-03-09T15:59")
    assert days(work) == []
    opened(parts, "2026-03-09T16:00")
    assert days(work) == ["2026-03-09"]


def test_bank_holidays_and_weekends_have_none(work: AtWork, parts: Parts) -> None:
    """Good Friday and Easter Monday of 2026 are 3 and 6 April."""
    opened(parts, "2026-04-01T09:00")
    opened(parts, "2026-04-08T09:00")
    assert days(work) == ["2026-04-01", "2026-04-02", "2026-04-07"]


def test_the_weekly_window_is_on_friday_noon_or_the_working_day_before(
    work: AtWork, parts: Parts
) -> None:
    opened(parts, "2026-03-23T09:00", UPDATES)
    for moment, due in (
        ("2026-03-27T11:59", 0),
        ("2026-03-27T12:00", 1),
        ("2026-04-02T11:59", 1),
        ("2026-04-02T12:00", 2),  # Maundy Thursday: the Friday is Good Friday
        ("2026-04-10T11:00", 2),
        ("2026-04-10T12:00", 3),
    ):
        opened(parts, moment, UPDATES)
        assert len(days(work, UPDATES)) == due, moment
    assert days(work, UPDATES) == ["2026-03-27", "2026-04-02", "2026-04-10"]


def test_a_window_is_recorded_once_with_its_leaf(work: AtWork, parts: Parts) -> None:
    for _ in range(3):
        opened(parts, "2026-03-02T16:00")
    assert work.windows() == [("2026-03-02", "due", False, None)]
    (leaf,) = work.leaves("window.due")
    assert leaf["subject"] == "window:notifications:2026-03-02"
    assert leaf["facts"] == {
        "flow": "notifications",
        "day": "2026-03-02",
        "due": "2026-03-02T16:00:00+00:00",
        "missed": False,
    }


@pytest.mark.parametrize(
    ("moment", "missed"), [("16:00", False), ("16:30", False), ("16:31", True)]
)
def test_a_window_is_missed_after_its_grace(
    work: AtWork, parts: Parts, moment: str, missed: bool
) -> None:
    opened(parts, "2026-03-02T09:00")
    opened(parts, f"2026-03-02T{moment}")
    assert work.windows() == [("2026-03-02", "due", missed, None)]
    assert ("window.missed" in work.alarms()) == missed


@pytest.mark.parametrize(
    ("day", "due_utc"),
    [
        ("2026-03-27", 16),  # Friday before the clocks go forward
        ("2026-03-30", 15),  # Monday after
        ("2026-10-23", 15),  # Friday before they go back
        ("2026-10-26", 16),  # Monday after
    ],
)
def test_a_window_is_at_four_by_the_clock_on_the_wall(
    work: AtWork, parts: Parts, day: str, due_utc: int
) -> None:
    moment = datetime.fromisoformat(day).replace(hour=due_utc, tzinfo=UTC)
    flow = parts.flow(NOTIFICATIONS)
    open_windows(parts, flow, moment - timedelta(hours=8))
    open_windows(parts, flow, moment - timedelta(seconds=1))
    assert days(work) == []
    open_windows(parts, flow, moment)
    assert days(work) == [day]


# --- a clock that jumps --------------------------------------------------------------------------


def test_a_clock_that_goes_back_is_alarmed_once_and_opens_nothing(
    work: AtWork, parts: Parts
) -> None:
    opened(parts, "2026-03-02T09:00")
    for moment in ("2026-03-04T16:05", "2026-03-02T16:05", "2026-03-02T16:06", "2026-03-03T16:30"):
        note_moment(parts, at(moment))
        opened(parts, moment)
    assert days(work) == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert work.alarms()["clock.back"] == "home"
    (leaf,) = work.leaves("clock.back")
    assert leaf["facts"] == {"seconds": 2 * 24 * 3600}
    note_moment(parts, at("2026-03-04T16:06"))
    assert "clock.back" not in work.alarms()
    opened(parts, "2026-03-05T16:00")
    assert days(work)[-1] == "2026-03-05"


@pytest.mark.parametrize(("back", "alarmed"), [(60, False), (61, True)])
def test_a_minute_of_the_clock_s_own_correction_is_no_alarm(
    work: AtWork, parts: Parts, back: int, alarmed: bool
) -> None:
    note_moment(parts, at("2026-03-02T09:00"))
    note_moment(parts, at("2026-03-02T09:00") - timedelta(seconds=back))
    assert ("clock.back" in work.alarms()) == alarmed


# --- through real ticks --------------------------------------------------------------------------


def test_both_clock_changes_send_one_package_a_day(work: AtWork) -> None:
    work.tick("2026-03-27T09:00")
    for moment, sent in (
        ("2026-03-27T16:00", ["2026-03-27"]),
        ("2026-03-30T15:59", []),
        ("2026-03-30T16:00", ["2026-03-30"]),
        ("2026-03-30T17:00", []),
    ):
        work.drop(NIL)
        report = work.tick(moment)
        assert [item.package_id[-13:-3] for item in packed(report)] == sent, moment


def test_the_hour_that_comes_twice_sends_nothing_twice(work: AtWork) -> None:
    """On Sunday 25 October 2026; on Monday, 15:00 UTC is no longer four o'clock."""
    work.tick("2026-10-23T09:00")
    assert len(packed(work.tick("2026-10-23T16:00"))) == 1
    assert packed(work.tick("2026-10-25T01:30+01:00")) == []
    assert packed(work.tick("2026-10-25T01:30+00:00")) == []
    assert packed(work.tick("2026-10-26T15:30")) == []
    assert len(packed(work.tick("2026-10-26T16:00"))) == 1
    assert "clock.back" not in work.alarms()


def test_an_outage_of_three_days_ends_in_one_package_that_covers_them(work: AtWork) -> None:
    work.tick("2026-03-02T09:00")
    work.rows(clean_row(1))
    report = work.tick("2026-03-05T10:00")
    (package,) = packed(report)
    assert package.package_id == "notifications-2026-03-04-01"
    assert [day.isoformat() for day in package.covers] == ["2026-03-02", "2026-03-03"]
    name = "notifications-2026-03-04-01"
    assert work.windows() == [
        ("2026-03-02", "covered", True, name),
        ("2026-03-03", "covered", True, name),
        ("2026-03-04", "packed", True, name),
    ]
    assert work.packages() == work.packages("panel") == [name]
    missed = [subject for code, subject in work.open_alarms() if code == "window.missed"]
    assert missed == [f"window:notifications:2026-03-0{day}" for day in (2, 3, 4)]

    before = work.database(), work.files()
    again = work.tick("2026-03-05T10:00")
    assert (again.dispatched, again.placed) == ([], [])
    assert (work.database(), work.files()) == before

    (ordinary,) = packed(work.tick("2026-03-05T16:00"))
    assert (ordinary.package_id, ordinary.covers) == ("notifications-2026-03-05-01", ())


def test_a_clock_that_jumps_back_sends_nothing_twice(work: AtWork) -> None:
    work.tick("2026-03-02T09:00")
    work.rows(clean_row(1))
    assert len(packed(work.tick("2026-03-03T16:00"))) == 1
    files = work.files()
    for moment in ("2026-03-02T16:00", "2026-03-03T10:00", "2026-03-03T16:05"):
        report = work.tick(moment)
        assert (report.dispatched, report.placed) == ([], [])
    assert work.files() == files
