"""The rows of a database as text, table by table: to see whether anything changed."""

import sqlalchemy as sa

from gateway.store.database import Database, Transaction


def dumped(database: Database) -> dict[str, list[str]]:
    """Every table's rows, each as text, in the order of their text. Raises StoreFault."""
    with database.snapshot() as tx:
        return {name: _rows(tx, name) for name in sorted(sa.inspect(tx).get_table_names())}


def _rows(tx: Transaction, table: str) -> list[str]:
    quoted = tx.dialect.identifier_preparer.quote_identifier(table)
    return sorted(repr(tuple(row)) for row in tx.exec_driver_sql(f"SELECT * FROM {quoted}"))  # noqa: S608
