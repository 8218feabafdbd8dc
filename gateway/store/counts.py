"""How many there are of everything that has a state: for figures, never row by row."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import alarms, deliveries, drops, mails, packages, requests, windows

_STATED: Mapping[str, tuple[sa.Table, str]] = {
    "drops": (drops, "flow"),
    "windows": (windows, "flow"),
    "packages": (packages, "flow"),
    "deliveries": (deliveries, "party"),
    "requests": (requests, "act"),
    "mails": (mails, "kind"),
}


def by_state(tx: Transaction, what: str) -> dict[tuple[str, str], int]:
    """How many drops, windows, packages, deliveries, requests or mails: by kind, and by state.

    The kind is their flow; of a delivery its party, of a request its act, of a mail its kind.
    """
    table, kind = _STATED[what]
    asked = sa.select(table.c[kind], table.c.state, sa.func.count()).group_by(
        table.c[kind], table.c.state
    )
    return {(row[0], row[1]): row[2] for row in tx.execute(asked)}


def open_alarms(tx: Transaction) -> dict[str, int]:
    """How many alarms are open, by code."""
    asked = sa.select(alarms.c.code, sa.func.count()).where(alarms.c.cleared_at.is_(None))
    return {row[0]: row[1] for row in tx.execute(asked.group_by(alarms.c.code))}


def oldest_waiting(tx: Transaction) -> dict[str, datetime]:
    """By party: since when the oldest delivery waits that nobody has collected yet."""
    asked = sa.select(deliveries.c.party, sa.func.min(deliveries.c.placed_at)).where(
        deliveries.c.state == "placed", deliveries.c.placed_at.is_not(None)
    )
    return {row[0]: row[1] for row in tx.execute(asked.group_by(deliveries.c.party))}
