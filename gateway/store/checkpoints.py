"""Rows of the checkpoints that the gateway signed, as they were first given out."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import checkpoints


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint: the root over the first ``size`` leaves of a log, in a signed note."""

    log: int
    size: int
    root: bytes
    note: str
    made_at: datetime


def latest(tx: Transaction) -> CheckpointRow | None:
    """The one made last."""
    asked = sa.select(checkpoints).order_by(checkpoints.c.log.desc(), checkpoints.c.size.desc())
    row = tx.execute(asked.limit(1)).mappings().first()
    return None if row is None else CheckpointRow(**row)


def latest_of(tx: Transaction, log: int) -> CheckpointRow | None:
    """The one of that log made last."""
    asked = sa.select(checkpoints).where(checkpoints.c.log == log)
    row = tx.execute(asked.order_by(checkpoints.c.size.desc()).limit(1)).mappings().first()
    return None if row is None else CheckpointRow(**row)


def every(tx: Transaction) -> list[CheckpointRow]:
    """All of them, the first first."""
    asked = sa.select(checkpoints).order_by(checkpoints.c.log, checkpoints.c.size)
    return [CheckpointRow(**row) for row in tx.execute(asked).mappings()]


def add(tx: Transaction, row: CheckpointRow) -> None:
    """Keep a checkpoint."""
    tx.execute(sa.insert(checkpoints).values(**vars(row)))
