"""The figures of a flow, week by week: windows on time, and how long recipients take to answer.

They go back half a year and no further, so that a page costs the same after ten years as after
one. What counts as on time is what the assurance report counts (`engine.figures`).
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import TypeVar

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.engine.figures import Rate
from gateway.store import watching
from gateway.store.database import Transaction
from gateway.store.watching import Journey, Outcome
from gateway.web.watching.days import LATE, MISSED, ON_TIME, grace_of, words_of

WEEKS = 26
WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Answering:
    """How a recipient answered packages of a week: ``hours``, the median of working hours."""

    answered: int
    of: int
    hours: float | None


@dataclass(frozen=True)
class WeekFigures:
    """A flow's week, by the days of its windows. ``answering``: by recipient."""

    monday: date
    on_time: int
    late: int
    missed: int
    windows: int
    answering: Mapping[str, Answering]

    @property
    def name(self) -> str:
        """As ISO 8601 has it: 2026-W10."""
        return week_name(self.monday)

    @property
    def rate(self) -> Rate:
        """Windows on time, of those that came due."""
        return Rate(self.on_time, self.windows)


def week_name(day: date) -> str:
    """The ISO week of a day: 2026-W10."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def weeks_of(
    tx: Transaction,
    agreed: Agreed,
    flow: Flow,
    recipients: Sequence[str],
    until: date,
    count: int = WEEKS,
) -> list[WeekFigures]:
    """The figures of the last weeks, that of ``until`` among them, the first first.

    Weeks before the flow's first window are left out.
    """
    last = until - timedelta(days=until.weekday())
    first = last - (count - 1) * WEEK
    end = last + WEEK - timedelta(days=1)
    outcomes = _by_week(watching.outcomes(tx, flow.id, first, end))
    journeys = _by_week(watching.journeys_of_days(tx, flow.id, first, end))
    begun = min(outcomes, default=end)
    mondays = [first + step * WEEK for step in range(count)]
    return [
        _figures(monday, agreed, flow, recipients, outcomes[monday], journeys[monday])
        for monday in mondays
        if monday >= begun
    ]


_Dated = TypeVar("_Dated", Outcome, Journey)


def _by_week(rows: Iterable[_Dated]) -> defaultdict[date, list[_Dated]]:
    found: defaultdict[date, list[_Dated]] = defaultdict(list)
    for row in rows:
        found[row.day - timedelta(days=row.day.weekday())].append(row)
    return found


def _figures(
    monday: date,
    agreed: Agreed,
    flow: Flow,
    recipients: Sequence[str],
    outcomes: Sequence[Outcome],
    journeys: Sequence[Journey],
) -> WeekFigures:
    timings = [words_of(item, grace_of(flow), agreed)[0] for item in outcomes]
    return WeekFigures(
        monday=monday,
        on_time=timings.count(ON_TIME),
        late=timings.count(LATE),
        missed=timings.count(MISSED),
        windows=len(timings),
        answering={
            party: _answering(agreed, [item for item in journeys if item.party == party])
            for party in recipients
        },
    )


def _answering(agreed: Agreed, journeys: Sequence[Journey]) -> Answering:
    hours = [
        agreed.working_hours.between(item.placed_at, item.acknowledged_at) / _HOUR
        for item in journeys
        if item.placed_at and item.acknowledged_at
    ]
    placed = sum(item.placed_at is not None for item in journeys)
    return Answering(len(hours), placed, round(median(hours), 2) if hours else None)


def as_csv(weeks: Sequence[WeekFigures], recipients: Sequence[str]) -> bytes:
    """The same figures for a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    head = ["week", "first day", "windows", "on time", "late", "missed"]
    for party in recipients:
        head += [f"placed for {party}", f"answered by {party}", f"median working hours of {party}"]
    writer.writerow(head)
    for week in weeks:
        row: list[object] = [week.name, week.monday.isoformat(), week.windows]
        row += [week.on_time, week.late, week.missed]
        for party in recipients:
            told = week.answering[party]
            row += [told.of, told.answered, "" if told.hours is None else told.hours]
        writer.writerow(row)
    return text.getvalue().encode("utf-8-sig")
