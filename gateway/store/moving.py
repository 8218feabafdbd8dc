"""Every row of one database, put into another that is empty: nothing is left out or told anew."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.faults import MOVED
from gateway.store.schema import metadata
from gateway.store.schema_counts import state_counts

_MANY = 500  # rows put at once
_COUNTED = state_counts  # triggers keep it, in each database for itself


def is_empty(tx: Transaction) -> bool:
    """Whether no table has a row."""
    return all(tx.execute(sa.select(table).limit(1)).first() is None for table in _tables())


def copy_rows(reading: Transaction, writing: Transaction) -> int:
    """Put every row of one into the other; how many. What is counted from rows is not copied."""
    count = 0
    for table in _tables():
        for rows in _batches(reading, table):
            writing.execute(sa.insert(table), rows)
            count += len(rows)
        _number_on(writing, table)
    return count


def differing(one: Transaction, other: Transaction) -> list[str]:
    """The tables that do not hold the very same rows."""
    return [
        table.name
        for table in (*_tables(), _COUNTED)
        if _digest(one, table) != _digest(other, table)
    ]


def close_for_good(tx: Transaction) -> None:
    """Have the database refuse whatever is still written to it, from this transaction's end on.

    It stays as it is, to be looked at. For SQLite, whose file could be opened by mistake.
    """
    for table in _tables():
        for act in ("INSERT", "UPDATE"):
            tx.exec_driver_sql(
                f"CREATE TRIGGER moved_{act.lower()}_{table.name} BEFORE {act} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{MOVED}'); END"
            )


def _tables() -> list[sa.Table]:
    """All that hold rows of their own, what is referred to before what refers to it."""
    return [table for table in metadata.sorted_tables if table is not _COUNTED]


def _batches(tx: Transaction, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    asked = sa.select(table).order_by(*table.primary_key.columns)
    for part in tx.execute(asked).mappings().partitions(_MANY):
        yield [dict(row) for row in part]


def _number_on(tx: Transaction, table: sa.Table) -> None:
    """Let PostgreSQL's own numbers go on after the highest that came with the rows."""
    for column in table.primary_key.columns:
        if column.autoincrement is True and tx.dialect.name == "postgresql":
            highest = tx.execute(sa.select(sa.func.max(column))).scalar_one()
            if highest is not None:
                sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                tx.execute(sa.select(sa.func.setval(sequence, highest)))


def _digest(tx: Transaction, table: sa.Table) -> str:
    """Of every value of every row, in the order of their keys; a count of nothing is no row."""
    digest = hashlib.sha256()
    for rows in _batches(tx, table):
        for row in rows:
            if table is not _COUNTED or row["count"]:
                digest.update(json.dumps([_plain(value) for value in row.values()]).encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return ["bytes", bytes(value).hex()]
    if isinstance(value, datetime):
        return ["at", value.timestamp()]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [type(value).__name__, json.dumps(value, sort_keys=True, default=str)]
