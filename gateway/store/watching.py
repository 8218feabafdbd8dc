"""What the pages of health read: one question for each stretch of time, answered from an index.

Nothing here grows with history: every question names a flow and days, or states that few rows have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.alarms import AlarmRow
from gateway.store.database import Transaction
from gateway.store.drops import WAITING, DropRow
from gateway.store.packages import FIRST_REHEARSAL
from gateway.store.schema import alarms, deliveries, drops, mails, packages, threads, windows


@dataclass(frozen=True)
class Outcome:
    """What became of a window: ``placed`` of ``deliveries``; ``number`` is the package's NN."""

    day: date
    due_at: datetime
    state: str
    missed: bool
    package_id: str | None
    kind: str | None
    package_state: str | None
    number: int | None
    deliveries: int
    placed: int
    placed_at: datetime | None  # the last of them


def outcomes(tx: Transaction, flow: str, first: date, last: date) -> list[Outcome]:
    """What became of the flow's windows of those days, both included, the first first."""
    placed_at = sa.func.max(deliveries.c.placed_at, type_=deliveries.c.placed_at.type)
    rows = tx.execute(
        sa.select(
            windows.c.day,
            windows.c.due_at,
            windows.c.state,
            windows.c.missed,
            windows.c.package_id,
            packages.c.kind,
            packages.c.state.label("package_state"),
            packages.c.number,
            sa.func.count(deliveries.c.id).label("deliveries"),
            sa.func.count(deliveries.c.placed_at).label("placed"),
            placed_at.label("placed_at"),
        )
        .outerjoin(packages, packages.c.id == windows.c.package_id)
        .outerjoin(deliveries, deliveries.c.package_id == packages.c.id)
        .where(windows.c.flow == flow, windows.c.day.between(first, last))
        .group_by(*windows.c, packages.c.kind, packages.c.state, packages.c.number)
        .order_by(windows.c.day)
    ).mappings()
    return [Outcome(**row) for row in rows]


@dataclass(frozen=True)
class Journey:
    """A delivery, and when it took each of its steps."""

    package_id: str
    day: date
    kind: str
    package_state: str
    party: str
    state: str
    placed_at: datetime | None
    collected_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None


def journeys_of_days(tx: Transaction, flow: str, first: date, last: date) -> list[Journey]:
    """The deliveries of the flow's packages of those days, both included; rehearsals are none."""
    row, package = deliveries.c, packages.c
    asked = (
        sa.select(
            row.package_id,
            package.day,
            package.kind,
            package.state.label("package_state"),
            row.party,
            row.state,
            row.placed_at,
            row.collected_at,
            row.opened_at,
            row.acknowledged_at,
        )
        .join(packages, package.id == row.package_id)
        .where(
            package.flow == flow,
            package.day.between(first, last),
            package.number < FIRST_REHEARSAL,
        )
        .order_by(package.day, package.number, row.party)
    )
    return [Journey(**item) for item in tx.execute(asked).mappings()]


def drops_of_time(
    tx: Transaction, flow: str, since: datetime, until: datetime, limit: int
) -> list[DropRow]:
    """The flow's first drops that came at ``since`` or later, and before ``until``."""
    rows = tx.execute(
        sa.select(drops)
        .where(drops.c.flow == flow, drops.c.received_at >= since, drops.c.received_at < until)
        .order_by(drops.c.received_at, drops.c.number)
        .limit(limit)
    ).mappings()
    return [DropRow(**row) for row in rows]


def drops_by_state(tx: Transaction, flow: str, since: datetime, until: datetime) -> dict[str, int]:
    """How many of the flow's drops of that time there are in each state."""
    rows = tx.execute(
        sa.select(drops.c.state, sa.func.count())
        .where(drops.c.flow == flow, drops.c.received_at >= since, drops.c.received_at < until)
        .group_by(drops.c.state)
        .order_by(drops.c.state)
    )
    return {str(state): int(count) for state, count in rows}


def alarms_of_time(tx: Transaction, since: datetime, until: datetime, limit: int) -> list[AlarmRow]:
    """The first alarms that were raised at ``since`` or later, and before ``until``."""
    rows = tx.execute(
        sa.select(alarms)
        .where(alarms.c.raised_at >= since, alarms.c.raised_at < until)
        .order_by(alarms.c.raised_at, alarms.c.id)
        .limit(limit)
    ).mappings()
    return [AlarmRow(**row) for row in rows]


def queries_of_time(tx: Transaction, flow: str, since: datetime, until: datetime) -> dict[str, int]:
    """How many queries about the flow's packages were asked in that time, by their state now."""
    rows = tx.execute(
        sa.select(threads.c.state, sa.func.count())
        .where(threads.c.opened_at >= since, threads.c.opened_at < until, threads.c.flow == flow)
        .group_by(threads.c.state)
    )
    return {str(state): int(count) for state, count in rows}


@dataclass(frozen=True)
class Waiting:
    """What waits for the worker, or for a window."""

    unread: int  # drops that were taken, and are being read
    staged: int  # drops that wait for their window
    unplaced: int  # deliveries that are sealed, and in no outbox yet
    unsent: int  # e-mails


def waiting(tx: Transaction) -> Waiting:
    """Count what waits; few rows are in these states, however long the history."""
    return Waiting(
        unread=_count(tx, drops, ("received",)),
        staged=_count(tx, drops, WAITING),
        unplaced=_count(tx, deliveries, ("sealed",)),
        unsent=_count(tx, mails, ("queued",)),
    )


def _count(tx: Transaction, table: sa.Table, states: Sequence[str]) -> int:
    asked = sa.select(sa.func.count()).select_from(table).where(table.c.state.in_(states))
    return int(tx.execute(asked).scalar_one())


def first_day(tx: Transaction, flow: str) -> date | None:
    """The day of the flow's first window, or None."""
    found: date | None = tx.execute(
        sa.select(sa.func.min(windows.c.day)).where(windows.c.flow == flow)
    ).scalar_one()
    return found
