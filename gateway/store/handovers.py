"""Rows of hand-overs: which sealed originals lie with their sender. Only ever added to."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import drops, handovers


@dataclass(frozen=True)
class ToHandOver:
    """A sealed original that its sender has not been handed yet."""

    drop_id: str
    party: str
    original: str
    agreement_hash: str


def waiting(tx: Transaction) -> list[ToHandOver]:
    """Originals to be handed over, oldest first."""
    asked = (
        sa.select(drops.c.id, drops.c.party, drops.c.original, drops.c.agreement_hash)
        .outerjoin(handovers, handovers.c.sha256 == drops.c.original)
        .where(handovers.c.sha256.is_(None))
        .order_by(drops.c.number)
    )
    return [ToHandOver(*row) for row in tx.execute(asked)]


def add(tx: Transaction, sha256: str, party: str, at: datetime) -> None:
    """An original was handed over."""
    tx.execute(sa.insert(handovers).values(sha256=sha256, party=party, placed_at=at))
