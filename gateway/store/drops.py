"""Rows of drops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import drops, packages

WAITING = ("accepted", "partly-held")  # staged, and waiting for their window


@dataclass(frozen=True)
class DropRow:
    """A drop as the database knows it. ``findings`` counts them by code; sizes in bytes."""

    number: int
    id: str
    flow: str
    party: str
    state: str
    received_at: datetime
    size: int
    sha256: str
    original: str
    agreement_hash: str
    rows: int | None
    accepted: int | None
    held: int | None
    repeats: int | None
    already_sent: int | None
    findings: dict[str, int] | None
    columns_sealed: bytes | None
    package_id: str | None
    replaced_by: str | None


def add(
    tx: Transaction,
    *,
    drop_id: str,
    flow: str,
    party: str,
    received_at: datetime,
    size: int,
    sha256: str,
    original: str,
    agreement_hash: str,
) -> None:
    """A drop has been sealed into the vault."""
    tx.execute(
        sa.insert(drops).values(
            id=drop_id,
            flow=flow,
            party=party,
            state="received",
            received_at=received_at,
            size=size,
            sha256=sha256,
            original=original,
            agreement_hash=agreement_hash,
        )
    )


def get(tx: Transaction, drop_id: str) -> DropRow | None:
    """The drop of that id, or None."""
    row = tx.execute(sa.select(drops).where(drops.c.id == drop_id)).mappings().first()
    return DropRow(**row) if row else None


def waiting(tx: Transaction, flow: str) -> list[DropRow]:
    """The drops whose rows the flow's next package carries, in the order they came.

    They are put in order here: asked for in order, SQLite would go through all drops of the flow.
    """
    rows = tx.execute(
        sa.select(drops).where(drops.c.flow == flow, drops.c.state.in_(WAITING))
    ).mappings()
    return sorted((DropRow(**row) for row in rows), key=lambda row: row.number)


def of_packages(tx: Transaction, package_ids: Sequence[str]) -> list[DropRow]:
    """The drops whose rows those packages carried first, in the order they came."""
    rows = tx.execute(
        sa.select(drops)
        .where(drops.c.package_id.in_(package_ids), drops.c.state == "sent")
        .order_by(drops.c.number)
    ).mappings()
    return [DropRow(**row) for row in rows]


def released_from(tx: Transaction, drop: DropRow) -> list[DropRow]:
    """The waiting drops that hold rows released from this one: they share its sealed original."""
    rows = tx.execute(
        sa.select(drops)
        .where(
            drops.c.original == drop.original,
            drops.c.number > drop.number,
            drops.c.state.in_(WAITING),
        )
        .order_by(drops.c.number)
    ).mappings()
    return [DropRow(**row) for row in rows]


def count_anew(tx: Transaction, drop: DropRow) -> None:
    """Keep the counts of a drop as they are given here; its rows stay as many."""
    tx.execute(
        sa.update(drops)
        .where(drops.c.id == drop.id)
        .values(
            accepted=drop.accepted,
            held=drop.held,
            repeats=drop.repeats,
            already_sent=drop.already_sent,
        )
    )


def earlier_same(tx: Transaction, flow: str, sha256: str, drop_id: str) -> DropRow | None:
    """The latest other drop of the flow with the same bytes that was taken, or None.

    What travelled in a package that was recalled may be dropped again as it is.
    """
    recalled = sa.select(packages.c.id).where(packages.c.state == "recalled")
    row = (
        tx.execute(
            sa.select(drops)
            .where(
                drops.c.flow == flow,
                drops.c.sha256 == sha256,
                drops.c.id != drop_id,
                drops.c.state.in_((*WAITING, "sent")),
                sa.or_(drops.c.package_id.is_(None), drops.c.package_id.not_in(recalled)),
            )
            .order_by(drops.c.number.desc())
        )
        .mappings()
        .first()
    )
    return DropRow(**row) if row else None


def latest(tx: Transaction, limit: int = 50) -> Sequence[DropRow]:
    """The latest drops of all flows, newest first."""
    rows = tx.execute(sa.select(drops).order_by(drops.c.number.desc()).limit(limit)).mappings()
    return [DropRow(**row) for row in rows]


def latest_of(tx: Transaction, party: str, flow: str, limit: int = 50) -> list[DropRow]:
    """The latest drops of a party and flow, newest first."""
    rows = tx.execute(
        sa.select(drops)
        .where(drops.c.party == party, drops.c.flow == flow)
        .order_by(drops.c.number.desc())
        .limit(limit)
    ).mappings()
    return [DropRow(**row) for row in rows]


def page_of(
    tx: Transaction, party: str, flow: str, before: int | None, limit: int
) -> list[DropRow]:
    """The drops of a party and flow that came before that number, newest first; None: the last."""
    where = [drops.c.flow == flow, drops.c.party == party]
    if before is not None:
        where.append(drops.c.number < before)
    rows = tx.execute(
        sa.select(drops).where(*where).order_by(drops.c.number.desc()).limit(limit)
    ).mappings()
    return [DropRow(**row) for row in rows]


def last_number(tx: Transaction) -> int:
    """The number of the drop that came last, of any flow; 0 where there is none."""
    return int(tx.execute(sa.select(sa.func.max(drops.c.number))).scalar_one() or 0)


def came_after(tx: Transaction, flow: str, sha256: str, number: int) -> DropRow | None:
    """The first drop of the flow with those bytes that came after the one of that number."""
    row = (
        tx.execute(
            sa.select(drops)
            .where(drops.c.flow == flow, drops.c.sha256 == sha256, drops.c.number > number)
            .order_by(drops.c.number)
            .limit(1)
        )
        .mappings()
        .first()
    )
    return DropRow(**row) if row else None


def unsettled(tx: Transaction) -> list[DropRow]:
    """Drops that were sealed but not yet judged: a restart goes on with them."""
    rows = tx.execute(
        sa.select(drops).where(drops.c.state == "received").order_by(drops.c.number)
    ).mappings()
    return [DropRow(**row) for row in rows]


def counted(tx: Transaction, party: str, since: datetime, until: datetime) -> dict[str, int]:
    """How many drops of a party came later than ``since`` and not after ``until``, by state now."""
    rows = tx.execute(
        sa.select(drops.c.state, sa.func.count())
        .where(drops.c.party == party, drops.c.received_at > since, drops.c.received_at <= until)
        .group_by(drops.c.state)
        .order_by(drops.c.state)
    )
    return {str(state): int(count) for state, count in rows}
