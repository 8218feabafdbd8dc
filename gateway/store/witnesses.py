"""Rows of what parties have shown, in signed receipts, to have seen of the ledger."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import witnesses


@dataclass(frozen=True)
class WitnessRow:
    """A checkpoint that a party has seen. ``verdict``: how our log stood to it."""

    party: str
    log: int
    size: int
    root: bytes
    receipt_id: str
    verdict: str
    seen_at: datetime


def add(tx: Transaction, row: WitnessRow) -> None:
    """Keep what a party has seen."""
    tx.execute(sa.insert(witnesses).values(**vars(row)))


def consistent(tx: Transaction, log: int) -> list[WitnessRow]:
    """What was seen of a log that it bore out at that time."""
    found = sa.and_(witnesses.c.log == log, witnesses.c.verdict == "consistent")
    asked = sa.select(witnesses).where(found).order_by(witnesses.c.id)
    return [_row(row) for row in tx.execute(asked).mappings()]


def latest(tx: Transaction) -> list[WitnessRow]:
    """The latest of each party, by party."""
    newest = sa.select(sa.func.max(witnesses.c.id)).group_by(witnesses.c.party)
    asked = sa.select(witnesses).where(witnesses.c.id.in_(newest)).order_by(witnesses.c.party)
    return [_row(row) for row in tx.execute(asked).mappings()]


def _row(row: sa.RowMapping) -> WitnessRow:
    return WitnessRow(**{name: row[name] for name in WitnessRow.__dataclass_fields__})
