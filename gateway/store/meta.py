"""A few facts about the home itself, by name: its first day, the latest time it has seen."""

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import meta


def get(tx: Transaction, key: str) -> str | None:
    """The fact of that name, or None."""
    return tx.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()


def put(tx: Transaction, key: str, value: str) -> None:
    """Set a fact."""
    if tx.execute(sa.update(meta).where(meta.c.key == key).values(value=value)).rowcount == 0:
        tx.execute(sa.insert(meta).values(key=key, value=value))
