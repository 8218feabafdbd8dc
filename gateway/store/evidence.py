"""What an evidence pack and the assurance report read: facts alone, and nothing that is sealed."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import (
    agreement_signatures,
    agreement_versions,
    answers,
    deliveries,
    destructions,
    handovers,
    holds,
    packages,
    receipts,
    register_entries,
    register_steps,
    sent_references,
)

Row = dict[str, Any]
_MANY = 500  # values asked for at once


def packages_of_period(tx: Transaction, since: datetime, until: datetime) -> list[str]:
    """Packages that were sealed, placed or answered by a receipt in that time, by id."""
    in_time = sa.select(packages.c.id).where(_within(packages.c.made_at, since, until))
    placed = sa.select(deliveries.c.package_id).where(_within(deliveries.c.placed_at, since, until))
    answered = (
        sa.select(deliveries.c.package_id)
        .join(receipts, receipts.c.delivery_id == deliveries.c.id)
        .where(_within(receipts.c.recorded_at, since, until))
    )
    return sorted(tx.execute(sa.union(in_time, placed, answered)).scalars())


def packages_that_carried(tx: Transaction, macs: Iterable[tuple[str, bytes]]) -> set[str]:
    """Packages known to have carried a reference, that answer it, or that these replaced.

    ``macs``: each flow with the reference's keyed digest there. Known are the first and the latest.
    """
    found: set[str] = set()
    for flow, mac in macs:
        table = sent_references
        for row in tx.execute(
            sa.select(table.c.first_package_id, table.c.package_id).where(
                table.c.flow == flow, table.c.reference_mac == mac
            )
        ):
            found |= {row.first_package_id, row.package_id}
        found |= set(
            tx.execute(
                sa.select(answers.c.package_id).where(
                    answers.c.flow == flow, answers.c.reference_mac == mac
                )
            ).scalars()
        )
    replaced: list[tuple[str, str]] = [
        (row.id, row.superseded_by)
        for row in tx.execute(
            sa.select(packages.c.id, packages.c.superseded_by).where(
                packages.c.superseded_by.is_not(None)
            )
        )
    ]
    while more := {old for old, new in replaced if new in found} - found:
        found |= more
    return found


def packages_by_id(tx: Transaction, ids: Iterable[str]) -> list[Row]:
    """What those packages are."""
    columns = "id flow day kind state made_at agreement_hash superseded_by rows held"
    return _by(tx, packages, columns, packages.c.id, ids)


def deliveries_of_packages(tx: Transaction, ids: Iterable[str]) -> list[Row]:
    """The deliveries of those packages."""
    columns = (
        "id package_id party state sha256 manifest signature placed_at collected_at opened_at "
        "acknowledged_at"
    )
    return _by(tx, deliveries, columns, deliveries.c.package_id, ids)


def steps_of_packages(tx: Transaction, ids: Iterable[str]) -> list[Row]:
    """How far the deliveries of those packages came, and when; what they are made of stays."""
    columns = "package_id party state placed_at collected_at opened_at acknowledged_at"
    return _by(tx, deliveries, columns, deliveries.c.package_id, ids)


def receipts_of_deliveries(
    tx: Transaction, ids: Iterable[str], since: datetime, until: datetime
) -> list[Row]:
    """The receipts for those deliveries that were recorded in that time."""
    columns = "id delivery_id kind officer way at recorded_at sha256 body signature person"
    found = _by(tx, receipts, columns, receipts.c.delivery_id, ids)
    return [row for row in found if since <= row["recorded_at"] < until]


def agreements(tx: Transaction) -> list[Row]:
    """Every version of an agreement that was ever in force here, the first first."""
    asked = sa.select(agreement_versions).order_by(agreement_versions.c.first_seen_at)
    return [dict(row) for row in tx.execute(asked).mappings()]


def agreement_statements(tx: Transaction) -> list[Row]:
    """What parties have signed about agreements, in order."""
    asked = sa.select(agreement_signatures).order_by(agreement_signatures.c.id)
    return [dict(row) for row in tx.execute(asked).mappings()]


def register_facts(
    tx: Transaction,
    registers: Sequence[str] = (),
    since: date | None = None,
    *,
    going: bool = False,
) -> list[Row]:
    """Every entry of the registers, with its steps: what its texts say is left out.

    Of those registers alone, and of entries of that day or later, where they are given;
    ``going`` adds the older entries that have not ended.
    """
    wanted = ["id", "register", "party", "state", "opened_on", "due_at", "made_at", "ended_at"]
    table = register_entries
    asked = sa.select(*(table.c[name] for name in wanted)).order_by(table.c.made_at, table.c.id)
    if registers:
        asked = asked.where(table.c.register.in_(registers))
    if since is not None and going:
        asked = asked.where(sa.or_(table.c.opened_on >= since, table.c.ended_at.is_(None)))
    elif since is not None:
        asked = asked.where(table.c.opened_on >= since)
    entries = [dict(row) for row in tx.execute(asked).mappings()]
    steps: dict[str, list[Row]] = {}
    columns = "id entry_id step party made_at"
    ids = [entry["id"] for entry in entries]
    for row in _by(tx, register_steps, columns, register_steps.c.entry_id, ids):
        told = {"step": row["step"], "party": row["party"], "at": row["made_at"]}
        steps.setdefault(row["entry_id"], []).append(told)
    return [{**entry, "steps": steps.get(entry["id"], [])} for entry in entries]


def hold_facts(tx: Transaction) -> list[Row]:
    """Every hold: a held case is not named."""
    wanted = ["id", "scope", "flow", "state", "begun_at", "review_on", "ended_at", "request_id"]
    asked = sa.select(*(holds.c[name] for name in wanted)).order_by(holds.c.begun_at, holds.c.id)
    return [dict(row) for row in tx.execute(asked).mappings()]


def destruction_facts(tx: Transaction) -> list[Row]:
    """Every object destroyed after all holds on it had ended."""
    wanted = ["id", "request_id", "sha256", "kind", "subject", "destroyed_at"]
    asked = sa.select(*(destructions.c[name] for name in wanted))
    return [dict(row) for row in tx.execute(asked.order_by(destructions.c.destroyed_at)).mappings()]


def count_destructions(tx: Transaction) -> int:
    """How many objects were destroyed."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(destructions)).scalar_one())


def count_handovers(tx: Transaction) -> int:
    """How many originals were handed over to their senders' own records."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(handovers)).scalar_one())


def _within(column: sa.Column[Any], since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(column >= since, column < until)


def _by(
    tx: Transaction, table: sa.Table, names: str, column: sa.Column[Any], values: Iterable[str]
) -> list[Row]:
    wanted, found = sorted(values), []
    for start in range(0, len(wanted), _MANY):
        asked = sa.select(*(table.c[name] for name in names.split()))
        asked = asked.where(column.in_(wanted[start : start + _MANY])).order_by(table.c.id)
        found += [dict(row) for row in tx.execute(asked).mappings()]
    return found
