"""Working days: Monday to Friday, less bank holidays, as the agreement adds to and takes from them.

Bank holidays come from the `holidays` library (design §8). Without the subdivision it would miss
Easter Monday, so the calendar always names one.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

from gateway.agreement.model import Calendar

ONE_DAY = timedelta(days=1)
SATURDAY = 5


class WorkingDays:
    """The working days of one calendar. Every argument and answer is a local date."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self.zone = ZoneInfo(calendar.timezone)
        self._bank_holidays = country_holidays(calendar.country, subdiv=calendar.subdivision)
        self._added = frozenset(change.date for change in calendar.add)
        self._removed = frozenset(change.date for change in calendar.remove)
        self._known: dict[date, bool] = {}  # the same few years are asked for again and again

    def is_bank_holiday(self, day: date) -> bool:
        """Whether the day is a bank holiday in law, whatever the parties agreed about it."""
        return day in self._bank_holidays

    def is_working(self, day: date) -> bool:
        """Whether the parties work on the day. A weekend never is, whatever was taken out."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = self._is_working(day)
        return known

    def _is_working(self, day: date) -> bool:
        if day.weekday() >= SATURDAY or day in self._added:
            return False
        return day in self._removed or not self.is_bank_holiday(day)

    def add(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day`` (0: the day itself). No negative counts."""
        if count < 0:
            raise ValueError("working days are only counted forwards")
        while count:
            day += ONE_DAY
            count -= self.is_working(day)
        return day

    def on_or_before(self, day: date) -> date:
        """The day itself when it is a working day, or the last one before it."""
        while not self.is_working(day):
            day -= ONE_DAY
        return day

    def on_or_after(self, day: date) -> date:
        """The day itself when it is a working day, or the first one after it."""
        while not self.is_working(day):
            day += ONE_DAY
        return day

    def between(self, start: date, end: date) -> int:
        """How many working days lie after ``start``, up to ``end`` included; 0 when none do."""
        return sum(self.is_working(day) for day in days_from(start + ONE_DAY, end))

    def non_working(self, first_year: int, last_year: int) -> frozenset[date]:
        """The weekdays of those years, both included, that are not working days."""
        return _non_working(self._calendar, first_year, last_year)


@lru_cache(maxsize=64)
def _non_working(calendar: Calendar, first_year: int, last_year: int) -> frozenset[date]:
    """See `WorkingDays.non_working`: decades of days, for each agreement that is read."""
    days = WorkingDays(calendar)
    span = days_from(date(first_year, 1, 1), date(last_year, 12, 31))
    return frozenset(day for day in span if day.weekday() < SATURDAY and not days.is_working(day))


def days_from(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``, both included; none when ``last`` is earlier."""
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)
