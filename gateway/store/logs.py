"""Rows of the logs: one after another, each the ledger's leaves from a place on."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import logs


@dataclass(frozen=True)
class LogRow:
    """A log. ``first_seq``: the ledger's place of its first leaf.

    ``cites``: the three lines of the last checkpoint that was shown of the log before it.
    """

    number: int
    origin: str
    first_seq: int
    opened_at: datetime
    cites: str | None
    request_id: str | None


def latest(tx: Transaction) -> LogRow | None:
    """The log that is written to; None before `init` has opened the first."""
    row = tx.execute(sa.select(logs).order_by(logs.c.number.desc()).limit(1)).mappings().first()
    return None if row is None else LogRow(**row)


def every(tx: Transaction) -> list[LogRow]:
    """All logs, the first first."""
    return [LogRow(**row) for row in tx.execute(sa.select(logs).order_by(logs.c.number)).mappings()]


def add(tx: Transaction, row: LogRow) -> None:
    """Open a log."""
    tx.execute(sa.insert(logs).values(**vars(row)))
