"""When a request under the Freedom of Information Act 2000 is to be answered (section 10).

The twentieth working day after the day of receipt. A working day of that Act is no Saturday or
Sunday, no Christmas Day, no Good Friday, and no bank holiday in **any** part of the United Kingdom
(section 10(6)): it has fewer of them than any one nation, and the parties cannot agree on others.
"""

from datetime import date
from functools import cache

from gateway.agreement.model import Calendar
from gateway.agreement.workingdays import ONE_DAY, WorkingDays

NATIONS = ("ENG", "WLS", "SCT", "NIR")
ANSWERED_WITHIN = 20


def is_foi_day(day: date) -> bool:
    """Whether the day is a working day of the Act."""
    return all(nation.is_working(day) for nation in _nations())


def foi_day_after(day: date, count: int) -> date:
    """The ``count``-th working day of the Act after ``day``; 0: the day itself."""
    if count < 0:
        raise ValueError("working days are only counted forwards")
    while count:
        day += ONE_DAY
        count -= is_foi_day(day)
    return day


def answer_due_on(received: date) -> date:
    """The last day on which a request received on that day is answered in time."""
    return foi_day_after(received, ANSWERED_WITHIN)


def foi_days_left(today: date, due: date) -> int:
    """How many working days of the Act are left after today, the due day included."""
    left, day = 0, today
    while day < due:
        day += ONE_DAY
        left += is_foi_day(day)
    return left


@cache
def _nations() -> tuple[WorkingDays, ...]:
    return tuple(WorkingDays(Calendar(subdivision=nation)) for nation in NATIONS)
