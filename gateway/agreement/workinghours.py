"""Working hours: the agreed hours of each working day, and deadlines counted in them.

Every argument is an aware time and every answer is in UTC. Hours are those of the clock on the
wall: a day on which the clocks change has as many working hours as any other, for no agreed hours
span the night in which they do.
"""

from datetime import UTC, date, datetime, timedelta

from gateway.agreement.model import Calendar, Deadline
from gateway.agreement.workingdays import ONE_DAY, WorkingDays


class WorkingHours:
    """The working hours of one calendar: from ``opens`` to ``closes`` on each working day."""

    def __init__(self, calendar: Calendar) -> None:
        self.days = WorkingDays(calendar)
        self._opens, self._closes = calendar.opens, calendar.closes
        self._spans: dict[date, tuple[datetime, datetime]] = {}

    def span(self, day: date) -> tuple[datetime, datetime]:
        """When the hours of a working day begin and end. The day is not asked whether it is one."""
        if day not in self._spans:
            begin, end = (
                datetime.combine(day, clock, self.days.zone).astimezone(UTC)
                for clock in (self._opens, self._closes)
            )
            self._spans[day] = begin, end
        return self._spans[day]

    def add(self, at: datetime, hours: int = 0, minutes: int = 0) -> datetime:
        """The first moment at which so much working time has gone by since ``at``.

        Nothing added is ``at`` itself. What would end at closing time ends there, not at the next
        opening. Raises ValueError for a negative time.
        """
        left = _asked(hours, minutes)
        at = at.astimezone(UTC)
        day = self.days.on_or_after(self._local_day(at))
        while left:
            begin, end = self.span(day)
            begin = max(begin, at)
            if begin < end:
                if left <= end - begin:
                    return begin + left
                left -= end - begin
            day = self.days.add(day, 1)
        return at

    def before(self, at: datetime, hours: int = 0, minutes: int = 0) -> datetime:
        """The last moment from which so much working time still lies before ``at``.

        The mirror of `add`: what would begin at an opening begins there. Raises ValueError for a
        negative time.
        """
        left = _asked(hours, minutes)
        at = at.astimezone(UTC)
        day = self.days.on_or_before(self._local_day(at))
        while left:
            begin, end = self.span(day)
            end = min(end, at)
            if begin < end:
                if left <= end - begin:
                    return end - left
                left -= end - begin
            day = self.days.on_or_before(day - ONE_DAY)
        return at

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments; none when ``end`` is not later."""
        total = timedelta()
        if end <= start:
            return total
        day, last = self.days.on_or_after(self._local_day(start)), self._local_day(end)
        while day <= last:
            begin, close = self.span(day)
            total += max(timedelta(), min(close, end) - max(begin, start))
            day = self.days.add(day, 1)
        return total

    def closing_on(self, day: date, working_days: int) -> datetime:
        """When the hours end on the so-many-th working day after ``day``; 0: that day's own end."""
        return self.span(self.days.add(day, working_days))[1]

    def last_closed(self, at: datetime) -> date:
        """The last working day whose hours have ended by then."""
        day = self.days.on_or_before(self._local_day(at))
        return day if self.span(day)[1] <= at else self.days.on_or_before(day - ONE_DAY)

    def deadline_at(self, deadline: Deadline, start: datetime) -> datetime:
        """When a deadline is over that runs from ``start``.

        In working days: the close of that working day, counted from the day after ``start``. One
        counted ``before`` is over so many working hours before ``start``.
        """
        if deadline.working_days is not None:
            return self.closing_on(self._local_day(start), deadline.working_days)
        hours = deadline.working_hours or 0
        return self.before(start, hours) if deadline.before else self.add(start, hours)

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self.days.zone).date()


def _asked(hours: int, minutes: int) -> timedelta:
    asked = timedelta(hours=hours, minutes=minutes)
    if asked < timedelta():
        raise ValueError("working time is only counted forwards")
    return asked
