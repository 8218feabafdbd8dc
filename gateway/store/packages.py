"""Rows of packages and of their deliveries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, packages

WITHDRAWN = ("recalled", "quarantined")  # states of a delivery that is served no longer


FIRST_REHEARSAL = 90  # numbers from here on are test packages', which no window has


@dataclass(frozen=True)
class PackageRow:
    """The one sealed artefact of a window."""

    id: str
    flow: str
    day: date
    number: int
    kind: str
    state: str
    made_at: datetime
    agreement_hash: str
    zip_sha256: str
    password_sealed: bytes
    rows: int
    updates: int
    held: int
    repeats: int
    superseded_by: str | None


@dataclass(frozen=True)
class DeliveryRow:
    """A package for one recipient; ``sha256``, ``manifest``, ``signature`` name vault objects."""

    id: str
    package_id: str
    party: str
    protection: str
    state: str
    file_name: str
    sha256: str
    size: int
    manifest: str
    signature: str
    attempts: int
    last_fault: str | None
    placed_at: datetime | None
    collected_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    withheld_at: datetime | None = None


def add_package(tx: Transaction, **values: Any) -> None:
    """A package has been sealed and its bytes kept; columns as in the schema."""
    tx.execute(sa.insert(packages).values(state="sealed", **values))


def add_delivery(tx: Transaction, **values: Any) -> None:
    """A delivery waits to be placed; columns as in the schema."""
    delivery_id = f"{values['package_id']}:{values['party']}"
    tx.execute(sa.insert(deliveries).values(id=delivery_id, state="sealed", **values))


def get(tx: Transaction, package_id: str) -> PackageRow | None:
    """The package of that id, or None."""
    row = tx.execute(sa.select(packages).where(packages.c.id == package_id)).mappings().first()
    return PackageRow(**row) if row else None


def to_place(tx: Transaction, flows: Collection[str] | None = None) -> list[DeliveryRow]:
    """Deliveries whose bytes are kept but not yet placed, in the order of their packages.

    ``flows``: of those flows alone.
    """
    asked = sa.select(deliveries).where(deliveries.c.state == "sealed")
    if flows is not None:
        theirs = sa.select(packages.c.id).where(packages.c.flow.in_(flows))
        asked = asked.where(deliveries.c.package_id.in_(theirs))
    return [DeliveryRow(**row) for row in tx.execute(asked.order_by(deliveries.c.id)).mappings()]


def deliveries_of(tx: Transaction, package_id: str) -> list[DeliveryRow]:
    """The package's deliveries."""
    rows = tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.package_id == package_id)
        .order_by(deliveries.c.party)
    ).mappings()
    return [DeliveryRow(**row) for row in rows]


def delivery(tx: Transaction, package_id: str, party: str) -> DeliveryRow | None:
    """The package's delivery to a party, or None."""
    row = (
        tx.execute(
            sa.select(deliveries).where(
                deliveries.c.package_id == package_id, deliveries.c.party == party
            )
        )
        .mappings()
        .first()
    )
    return DeliveryRow(**row) if row else None


def deliveries_to(
    tx: Transaction, party: str, flow: str, states: Sequence[str], limit: int = 1_000
) -> list[DeliveryRow]:
    """A party's deliveries of a flow in those states, oldest package first."""
    rows = tx.execute(
        sa.select(deliveries)
        .join(packages, packages.c.id == deliveries.c.package_id)
        .where(
            deliveries.c.party == party,
            packages.c.flow == flow,
            deliveries.c.state.in_(states),
        )
        .order_by(packages.c.day, packages.c.number)
        .limit(limit)
    ).mappings()
    return [DeliveryRow(**row) for row in rows]


def attempted(tx: Transaction, delivery_id: str, fault: str | None) -> None:
    """Count an attempt to place a delivery, with the code of its fault, if any."""
    tx.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(attempts=deliveries.c.attempts + 1, last_fault=fault)
    )


def to_withhold(tx: Transaction) -> list[DeliveryRow]:
    """Recalled deliveries whose files may still lie in an outbox, by package."""
    rows = tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.state.in_(WITHDRAWN), deliveries.c.withheld_at.is_(None))
        .order_by(deliveries.c.id)
    ).mappings()
    return [DeliveryRow(**row) for row in rows]


def withheld(tx: Transaction, delivery_id: str, at: datetime | None) -> None:
    """The files of a recalled delivery are out of the outbox; None: look at them once more."""
    tx.execute(sa.update(deliveries).where(deliveries.c.id == delivery_id).values(withheld_at=at))


def note_collected(tx: Transaction, delivery_id: str, at: datetime) -> None:
    """A delivery was collected without a move: its download ended after its recall."""
    tx.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.collected_at.is_(None))
        .values(collected_at=at)
    )


def owing_statement(tx: Transaction, unseen: Collection[str] = ()) -> list[DeliveryRow]:
    """Deliveries recalled after they were collected, whose holder has signed nothing since.

    ``unseen``: parties whose collections are not seen; theirs are owing once they were placed.
    """
    unseen_there = deliveries.c.party.in_(unseen) & deliveries.c.placed_at.is_not(None)
    rows = tx.execute(
        sa.select(deliveries)
        .where(
            deliveries.c.state == "recalled",
            sa.or_(deliveries.c.collected_at.is_not(None), unseen_there),
        )
        .order_by(deliveries.c.id)
    ).mappings()
    return [DeliveryRow(**row) for row in rows]


def predecessors(tx: Transaction, package_id: str) -> list[PackageRow]:
    """The packages that this one replaces, the one it replaced last first."""
    found: list[PackageRow] = []
    wanted = package_id
    while True:
        asked = sa.select(packages).where(packages.c.superseded_by == wanted)
        row = tx.execute(asked).mappings().first()
        if row is None:
            return found
        found.append(PackageRow(**row))
        wanted = found[-1].id


def standing(tx: Transaction, package_id: str) -> PackageRow | None:
    """The package that stands for this one at last: itself, unless it was superseded."""
    package = get(tx, package_id)
    while package is not None and package.superseded_by is not None:
        package = get(tx, package.superseded_by)
    return package


def next_number(tx: Transaction, flow: str, day: date) -> int:
    """The next free NN of a flow's day, rehearsals not counted."""
    asked = sa.select(sa.func.max(packages.c.number)).where(
        packages.c.flow == flow,
        packages.c.day == day,
        packages.c.number < FIRST_REHEARSAL,
    )
    return int(tx.execute(asked).scalar_one() or 0) + 1


def all_placed(tx: Transaction, package_id: str) -> bool:
    """Whether no delivery of the package waits to be placed."""
    waiting = sa.select(deliveries.c.id).where(
        deliveries.c.package_id == package_id, deliveries.c.state == "sealed"
    )
    return tx.execute(waiting.limit(1)).first() is None


def page_of(
    tx: Transaction, flow: str, before: tuple[date, int] | None, limit: int
) -> list[PackageRow]:
    """The flow's packages before that day and number, newest first; None: the last."""
    where = [packages.c.flow == flow]
    if before is not None:
        day, number = before
        earlier = sa.and_(packages.c.day == day, packages.c.number < number)
        where += [packages.c.day <= day, sa.or_(packages.c.day < day, earlier)]
    rows = tx.execute(
        sa.select(packages)
        .where(*where)
        .order_by(packages.c.day.desc(), packages.c.number.desc())
        .limit(limit)
    ).mappings()
    return [PackageRow(**row) for row in rows]


def deliveries_of_all(tx: Transaction, package_ids: Sequence[str]) -> list[DeliveryRow]:
    """The deliveries of those packages, by package and party."""
    rows = tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.package_id.in_(package_ids))
        .order_by(deliveries.c.package_id, deliveries.c.party)
    ).mappings()
    return [DeliveryRow(**row) for row in rows]


def latest(tx: Transaction, limit: int = 50) -> list[PackageRow]:
    """The latest packages of all flows, newest first."""
    rows = tx.execute(
        sa.select(packages).order_by(packages.c.made_at.desc(), packages.c.id).limit(limit)
    ).mappings()
    return [PackageRow(**row) for row in rows]
