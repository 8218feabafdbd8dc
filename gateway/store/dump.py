"""The rows of a SQLite database as text, table by table: to see whether anything changed."""

import sqlite3
from contextlib import closing
from pathlib import Path


def dumped(path: Path) -> dict[str, list[str]]:
    """Every table's rows, each as text, in the order of their keys."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as plain:
        named = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        tables = [str(name) for (name,) in plain.execute(named)]
        return {name: _rows(plain, name) for name in tables}


def _rows(plain: sqlite3.Connection, table: str) -> list[str]:
    quoted = '"' + table.replace('"', '""') + '"'
    return sorted(repr(row) for row in plain.execute(f"SELECT * FROM {quoted}"))  # noqa: S608
