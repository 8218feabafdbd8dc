"""Windows of a flow: local by the clock, kept in UTC, across clock changes and holidays."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.model import Calendar, DayChange, Window
from gateway.agreement.windows import WindowMoment, london_date, moments, next_moment
from gateway.agreement.workingdays import WorkingDays, days_from

ENGLAND = WorkingDays(Calendar())
DAILY = Window(frequency="working-day", at=time(16))
FRIDAY = Window(frequency="weekly", weekday="friday", at=time(12))
LONDON = ZoneInfo("Europe/London")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def instants(window: Window, first: str, until: str) -> list[str]:
    found = moments(window, ENGLAND, date.fromisoformat(first), utc(until))
    assert all(moment.at.tzinfo is UTC for moment in found)
    assert all(moment.at.astimezone(LONDON).date() == moment.day for moment in found)
    return [moment.at.strftime("%a %Y-%m-%d %H:%MZ") for moment in found]


def test_four_in_the_afternoon_across_the_clocks_going_forward() -> None:
    assert instants(DAILY, "2023-03-23", "2023-03-28T23:00") == [
        "Thu 2023-03-23 16:00Z",
        "Fri 2023-03-24 16:00Z",
        "Mon 2023-03-27 15:00Z",
        "Tue 2023-03-28 15:00Z",
    ]


def test_four_in_the_afternoon_across_the_clocks_going_back() -> None:
    assert instants(DAILY, "2023-10-26", "2023-10-31T23:00") == [
        "Thu 2023-10-26 15:00Z",
        "Fri 2023-10-27 15:00Z",
        "Mon 2023-10-30 16:00Z",
        "Tue 2023-10-31 16:00Z",
    ]


def test_no_window_on_the_state_funeral() -> None:
    assert instants(DAILY, "2022-09-16", "2022-09-20T23:00") == [
        "Fri 2022-09-16 15:00Z",
        "Tue 2022-09-20 15:00Z",
    ]


def test_no_window_at_christmas_with_substitute_days() -> None:
    assert instants(DAILY, "2021-12-24", "2021-12-30T00:00") == [
        "Fri 2021-12-24 16:00Z",
        "Wed 2021-12-29 16:00Z",
    ]


def test_noon_each_friday_across_both_clock_changes() -> None:
    assert instants(FRIDAY, "2023-03-20", "2023-04-01T00:00") == [
        "Fri 2023-03-24 12:00Z",
        "Fri 2023-03-31 11:00Z",
    ]
    assert instants(FRIDAY, "2023-10-25", "2023-11-04T00:00") == [
        "Fri 2023-10-27 11:00Z",
        "Fri 2023-11-03 12:00Z",
    ]


def test_a_weekly_window_moves_before_good_friday() -> None:
    assert instants(FRIDAY, "2023-04-01", "2023-04-15T00:00") == [
        "Thu 2023-04-06 11:00Z",
        "Fri 2023-04-14 11:00Z",
    ]


def test_a_weekly_window_moves_before_christmas_and_boxing_day() -> None:
    assert instants(FRIDAY, "2025-12-15", "2026-01-03T00:00") == [
        "Fri 2025-12-19 12:00Z",
        "Wed 2025-12-24 12:00Z",
        "Fri 2026-01-02 12:00Z",
    ]


def test_a_weekly_window_moves_before_the_moved_may_day_and_the_jubilee() -> None:
    assert instants(FRIDAY, "2020-05-04", "2020-05-10T00:00") == ["Thu 2020-05-07 11:00Z"]
    assert instants(FRIDAY, "2022-05-30", "2022-06-05T00:00") == ["Wed 2022-06-01 11:00Z"]


def test_a_moved_window_before_the_first_day_is_not_due() -> None:
    assert instants(FRIDAY, "2023-04-07", "2023-04-13T00:00") == []


def test_a_week_without_a_working_day_has_no_second_window() -> None:
    closed = tuple(
        DayChange(date=day, name="Closed") for day in days_from(date(2024, 7, 8), date(2024, 7, 12))
    )
    days = WorkingDays(Calendar(add=closed))
    found = moments(FRIDAY, days, date(2024, 7, 1), utc("2024-07-20T00:00"))
    assert [moment.day for moment in found] == [date(2024, 7, 5), date(2024, 7, 19)]


def test_until_is_included_to_the_second() -> None:
    due = utc("2024-07-01T15:00")
    day = date(2024, 7, 1)
    assert moments(DAILY, ENGLAND, day, due) == [WindowMoment(day, due)]
    assert moments(DAILY, ENGLAND, day, due - timedelta(seconds=1)) == []


def test_the_next_moment_is_strictly_later() -> None:
    due = utc("2024-07-01T15:00")
    assert next_moment(DAILY, ENGLAND, due - timedelta(seconds=1)).at == due
    assert next_moment(DAILY, ENGLAND, due) == WindowMoment(
        date(2024, 7, 2), utc("2024-07-02T15:00")
    )
    assert next_moment(FRIDAY, ENGLAND, utc("2023-04-06T11:00")).day == date(2023, 4, 14)
    assert next_moment(FRIDAY, ENGLAND, utc("2023-04-05T11:00")).day == date(2023, 4, 6)


def test_just_after_midnight_in_summer_is_the_london_day() -> None:
    assert london_date(utc("2024-06-30T23:30")) == date(2024, 7, 1)
    assert london_date(utc("2024-12-31T23:30")) == date(2024, 12, 31)
    assert next_moment(DAILY, ENGLAND, utc("2024-06-30T23:30")).day == date(2024, 7, 1)


def test_a_weekly_window_needs_a_weekday() -> None:
    with pytest.raises(ValueError, match="weekday"):
        moments(
            Window(frequency="weekly", at=time(9)), ENGLAND, date(2024, 1, 1), utc("2024-02-01")
        )


def test_the_windows_of_the_memorandum(memorandum: Any) -> None:
    days = memorandum.working_days
    after = utc("2016-03-24T17:00")  # Maundy Thursday
    daily = next_moment(memorandum.agreement.flow("notifications").window, days, after)
    weekly = next_moment(memorandum.agreement.flow("scr-updates").window, days, after)
    assert daily == WindowMoment(date(2016, 3, 29), utc("2016-03-29T15:00"))
    assert weekly == WindowMoment(date(2016, 4, 1), utc("2016-04-01T11:00"))


starts = st.dates(date(2010, 1, 1), date(2040, 1, 1))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(starts, st.integers(1, 60), times)
def test_every_working_day_has_exactly_one_window(first: date, length: int, at: time) -> None:
    last = first + timedelta(days=length)
    until = datetime.combine(last + timedelta(days=1), time(0), tzinfo=LONDON)
    window = Window(frequency="working-day", at=at)
    found = [m for m in moments(window, ENGLAND, first, until) if m.day <= last]
    assert [m.day for m in found] == [d for d in days_from(first, last) if ENGLAND.is_working(d)]


@given(starts, st.integers(1, 200), times, st.sampled_from([DAILY, FRIDAY]))
def test_moments_strictly_increase_and_continue(
    first: date, length: int, at: time, kind: Window
) -> None:
    window = kind.model_copy(update={"at": at})
    until = datetime.combine(first + timedelta(days=length), at, tzinfo=UTC)
    found = moments(window, ENGLAND, first, until)
    for earlier, later in pairwise(found):
        assert earlier.day < later.day
        assert earlier.at < later.at
        assert next_moment(window, ENGLAND, earlier.at) == later
    assert next_moment(window, ENGLAND, until).at > until
    assert all(ENGLAND.is_working(moment.day) for moment in found)


@given(starts, st.integers(2, 40))
def test_each_week_has_exactly_one_weekly_window(monday: date, weeks: int) -> None:
    monday -= timedelta(days=monday.weekday())
    until = datetime.combine(monday + timedelta(weeks=weeks), time(0), tzinfo=LONDON)
    found = moments(FRIDAY, ENGLAND, monday, until)
    assert [(moment.day - monday).days // 7 for moment in found] == list(range(weeks))
