"""Rows of destructions: which object was destroyed, by which request. Only ever added to."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import destructions


@dataclass(frozen=True)
class DestructionRow:
    """An object that is no more. ``certificate``: canonical JSON."""

    id: str
    request_id: str
    sha256: str
    kind: str
    subject: str
    destroyed_at: datetime
    certificate: bytes


def add(tx: Transaction, row: DestructionRow) -> None:
    """An object was destroyed."""
    tx.execute(sa.insert(destructions).values(**vars(row)))


def every(tx: Transaction, request_id: str = "") -> list[DestructionRow]:
    """Every destruction, by object; by that request where given."""
    asked = sa.select(destructions).order_by(destructions.c.sha256)
    if request_id:
        asked = asked.where(destructions.c.request_id == request_id)
    return [DestructionRow(**row) for row in tx.execute(asked).mappings()]
