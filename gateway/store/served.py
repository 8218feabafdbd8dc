"""Rows of what was served: which bytes of a delivery went to which principal so far."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import served


def ranges(tx: Transaction, delivery_id: str, principal: str) -> list[tuple[int, int]]:
    """The ranges served to a principal, ``(start, stop)`` each, stop not included."""
    rows = tx.execute(
        sa.select(served.c.start, served.c.stop)
        .where(served.c.delivery_id == delivery_id, served.c.principal == principal)
        .order_by(served.c.start)
    )
    return [(row.start, row.stop) for row in rows]


def put(
    tx: Transaction,
    delivery_id: str,
    principal: str,
    way: str,
    union: Sequence[tuple[int, int]],
    at: datetime,
) -> None:
    """Let those ranges stand for all that was served to a principal: the same bytes in fewer rows.

    However a client cuts its requests, there are never more rows than gaps.
    """
    tx.execute(
        sa.delete(served).where(
            served.c.delivery_id == delivery_id, served.c.principal == principal
        )
    )
    same = {"delivery_id": delivery_id, "principal": principal, "way": way, "at": at}
    tx.execute(sa.insert(served), [{**same, "start": a, "stop": b} for a, b in union])


def served_to(tx: Transaction, delivery_id: str) -> list[str]:
    """The principals that any byte of a delivery was served to, in order of their names."""
    rows = tx.execute(
        sa.select(served.c.principal)
        .where(served.c.delivery_id == delivery_id)
        .distinct()
        .order_by(served.c.principal)
    )
    return [row.principal for row in rows]
