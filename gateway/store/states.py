"""Where everything that has a state stands, by the subject that the ledger knows it by.

For whoever holds the rows against the ledger: nothing here says what a state should be.
"""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from gateway.store import schema
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.windows import WindowRow

_SUBJECTS: tuple[tuple[sa.Table, Callable[[Any], str]], ...] = (
    (schema.drops, lambda row: f"drop:{row.id}"),
    (schema.windows, lambda row: f"window:{row.flow}:{row.day.isoformat()}"),
    (schema.packages, lambda row: f"package:{row.id}"),
    (schema.deliveries, lambda row: f"delivery:{row.id}"),
    (schema.requests, lambda row: f"request:{row.id}"),
    (schema.threads, lambda row: f"thread:{row.id}"),
    (schema.reconciliations, lambda row: f"reconciliation:{row.id}"),
    (schema.holds, lambda row: f"hold:{row.id}"),
    (schema.register_entries, lambda row: f"register:{row.id}"),
)


def every(tx: Transaction) -> dict[str, str]:
    """The state of each thing, by subject."""
    return dict(_each(tx))


def _each(tx: Transaction) -> Iterator[tuple[str, str]]:
    for table, subject in _SUBJECTS:
        for row in tx.execute(sa.select(table)):
            yield subject(row), str(row.state)


def drops(tx: Transaction) -> list[DropRow]:
    """Every drop, in the order they came."""
    rows = tx.execute(sa.select(schema.drops).order_by(schema.drops.c.number)).mappings()
    return [DropRow(**row) for row in rows]


def windows(tx: Transaction) -> list[WindowRow]:
    """Every window, by flow and day."""
    table = schema.windows
    rows = tx.execute(sa.select(table).order_by(table.c.flow, table.c.day)).mappings()
    return [WindowRow(**row) for row in rows]


def packages(tx: Transaction) -> list[PackageRow]:
    """Every package, by flow, day and number."""
    table = schema.packages
    rows = tx.execute(
        sa.select(table).order_by(table.c.flow, table.c.day, table.c.number)
    ).mappings()
    return [PackageRow(**row) for row in rows]


def deliveries(tx: Transaction) -> list[DeliveryRow]:
    """Every delivery, by package and party."""
    table = schema.deliveries
    rows = tx.execute(sa.select(table).order_by(table.c.id)).mappings()
    return [DeliveryRow(**row) for row in rows]
