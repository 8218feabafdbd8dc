"""The due moments of a flow: local by the agreement's clock, kept in UTC (design §5.1, Windows)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.agreement.model import Window
from gateway.agreement.workingdays import ONE_DAY, WorkingDays

LONDON = ZoneInfo("Europe/London")
WEEK = timedelta(days=7)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, order=True)
class WindowMoment:
    """One window: its local ``day``, which dates the package, and the instant in UTC."""

    day: date
    at: datetime


def moments(window: Window, days: WorkingDays, first: date, until: datetime) -> list[WindowMoment]:
    """Every window whose day is ``first`` or later and that is due at or before ``until``.

    ``until`` is aware. The moments strictly increase: should a whole week hold no working day, its
    weekly window falls on that of an earlier week and is not due twice.
    """
    due: list[WindowMoment] = []
    for day in _days(window, days, first):
        moment = WindowMoment(day, _instant(window, days, day))
        if moment.at > until:
            return due
        due.append(moment)
    return due


def london_date(moment: datetime) -> date:
    """The date in London at an aware moment: what people call today."""
    return moment.astimezone(LONDON).date()


def next_moment(window: Window, days: WorkingDays, after: datetime) -> WindowMoment:
    """The first window due strictly later than ``after`` (aware)."""
    start = after.astimezone(days.zone).date()
    coming = (WindowMoment(day, _instant(window, days, day)) for day in _days(window, days, start))
    return next(moment for moment in coming if moment.at > after)


def _days(window: Window, days: WorkingDays, first: date) -> Iterator[date]:
    """The local days of the windows from ``first`` on, without end, each once."""
    if window.frequency == "working-day":
        day = days.on_or_after(first)
        while True:
            yield day
            day = days.add(day, 1)
    target = _weekday_on_or_after(window, first)
    last = first - ONE_DAY
    while True:
        day = days.on_or_before(target)
        if day > last:
            yield day
            last = day
        target += WEEK


def _weekday_on_or_after(window: Window, first: date) -> date:
    if window.weekday is None:
        raise ValueError("a weekly window needs a weekday")
    return first + timedelta(days=(WEEKDAYS.index(window.weekday) - first.weekday()) % 7)


def _instant(window: Window, days: WorkingDays, day: date) -> datetime:
    return datetime.combine(day, window.at, tzinfo=days.zone).astimezone(UTC)
