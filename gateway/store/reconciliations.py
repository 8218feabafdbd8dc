"""Rows of reconciliation lists: one for each party and each window of a flow that answers."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import reconciliations, windows


@dataclass(frozen=True)
class ReconciliationRow:
    """A list for a party; ``sha256`` names the sealed list in the vault, the numbers are rows."""

    id: str
    flow: str
    day: date
    party: str
    state: str
    sha256: str
    unknown: int
    unanswered: int
    made_at: datetime


def unlisted_day(tx: Transaction, flow: str) -> date | None:
    """The day of the flow's latest packed window, where no list was made for it; else None."""
    packed: date | None = tx.execute(
        sa.select(sa.func.max(windows.c.day)).where(
            windows.c.flow == flow, windows.c.state == "packed"
        )
    ).scalar_one()
    listed = sa.select(reconciliations.c.id).where(
        reconciliations.c.flow == flow, reconciliations.c.day == packed
    )
    if packed is None or tx.execute(listed.limit(1)).first() is not None:
        return None
    return packed


def add(tx: Transaction, flow: str, day: date, party: str, **values: Any) -> str:
    """A list was sealed and its bytes kept; its id. Columns as in the schema."""
    list_id = f"{flow}-{day.isoformat()}:{party}"
    row = {"id": list_id, "flow": flow, "day": day, "party": party, "state": "sealed", **values}
    tx.execute(sa.insert(reconciliations).values(row))
    return list_id


def to_place(tx: Transaction) -> list[ReconciliationRow]:
    """Lists whose bytes are kept but not yet placed, oldest first."""
    rows = tx.execute(
        sa.select(reconciliations)
        .where(reconciliations.c.state == "sealed")
        .order_by(reconciliations.c.day, reconciliations.c.id)
    ).mappings()
    return [ReconciliationRow(**row) for row in rows]


def latest(tx: Transaction, limit: int = 50) -> list[ReconciliationRow]:
    """The latest lists, newest first."""
    rows = tx.execute(
        sa.select(reconciliations)
        .order_by(reconciliations.c.day.desc(), reconciliations.c.id)
        .limit(limit)
    ).mappings()
    return [ReconciliationRow(**row) for row in rows]
