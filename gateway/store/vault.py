"""Rows of the vault: what sealed objects are kept, of which kind and size in bytes."""

from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import vault


def add(tx: Transaction, sha256: str, kind: str, size: int, at: datetime) -> None:
    """Note an object; noting it twice is harmless, since its name is its content."""
    there = tx.execute(sa.select(vault.c.sha256).where(vault.c.sha256 == sha256)).first()
    if there is None:
        tx.execute(sa.insert(vault).values(sha256=sha256, kind=kind, size=size, put_at=at))
