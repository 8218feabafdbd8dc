"""Rows of rehearsals: a test package for a party, until its three receipts are back."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, packages, rehearsals


@dataclass(frozen=True)
class RehearsalRow:
    """A rehearsal; ``state`` is its delivery's, ``passed_at`` None while receipts are missing."""

    package_id: str
    party: str
    state: str
    begun_at: datetime
    passed_at: datetime | None


_WITH_STATE = sa.select(
    rehearsals.c.package_id,
    rehearsals.c.party,
    deliveries.c.state,
    rehearsals.c.begun_at,
    rehearsals.c.passed_at,
).join(
    deliveries,
    sa.and_(
        deliveries.c.package_id == rehearsals.c.package_id,
        deliveries.c.party == rehearsals.c.party,
    ),
)


def begin(tx: Transaction, package_id: str, party: str, at: datetime) -> None:
    """A rehearsal begins with its package."""
    tx.execute(sa.insert(rehearsals).values(package_id=package_id, party=party, begun_at=at))


def complete(tx: Transaction) -> list[RehearsalRow]:
    """Rehearsals not yet passed whose package was collected, opened, and accepted or queried."""
    rows = tx.execute(
        _WITH_STATE.where(
            rehearsals.c.passed_at.is_(None),
            deliveries.c.collected_at.is_not(None),
            deliveries.c.opened_at.is_not(None),
            deliveries.c.acknowledged_at.is_not(None),
        ).order_by(rehearsals.c.package_id)
    ).mappings()
    return [RehearsalRow(**row) for row in rows]


def passed(tx: Transaction, package_id: str, at: datetime) -> bool:
    """A rehearsal ends; whether it had not ended before."""
    changed = tx.execute(
        sa.update(rehearsals)
        .where(rehearsals.c.package_id == package_id, rehearsals.c.passed_at.is_(None))
        .values(passed_at=at)
    )
    return changed.rowcount == 1


def last_number(tx: Transaction, flow: str, package_start: str) -> int | None:
    """The highest number among a day's rehearsals of a flow (ids begin so), or None."""
    highest: int | None = tx.execute(
        sa.select(sa.func.max(packages.c.number))
        .join(rehearsals, rehearsals.c.package_id == packages.c.id)
        .where(packages.c.flow == flow, packages.c.id.startswith(package_start, autoescape=True))
    ).scalar_one()
    return highest


def latest(tx: Transaction, limit: int = 20) -> list[RehearsalRow]:
    """The latest rehearsals, newest first."""
    rows = tx.execute(
        _WITH_STATE.order_by(rehearsals.c.begun_at.desc(), rehearsals.c.package_id).limit(limit)
    ).mappings()
    return [RehearsalRow(**row) for row in rows]


def packages_of(tx: Transaction) -> set[str]:
    """The packages of all rehearsals there ever were."""
    return set(tx.execute(sa.select(rehearsals.c.package_id)).scalars())
