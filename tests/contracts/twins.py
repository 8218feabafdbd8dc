"""The two databases that every contract is kept by: SQLite's file, and a PostgreSQL server's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pgserver import PostgreSQL

from gateway.store.database import Database

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Twin:
    """A database of one kind, and what its tests do beside the gateway."""

    kind: str
    database: Database
    place: Path | str  # its file, or its name
    server: PostgreSQL | None = None

    def again(self, busy_seconds: float = 5.0) -> Database:
        """It, opened once more: another process, or another host."""
        if self.server is not None:
            return self.server.database(str(self.place), busy_seconds)
        return Database.at(Path(self.place), busy_seconds)

    def by_hand(self, sql: str) -> list[tuple[object, ...]]:
        """Somebody who may do anything asks it, past the gateway. Raises the driver's fault."""
        if self.server is not None:
            return self.server.ask(sql, str(self.place))
        with closing(sqlite3.connect(self.place, timeout=5, isolation_level=None)) as plain:
            return plain.execute(sql).fetchall()

    @property
    def refused(self) -> tuple[type[Exception], ...]:
        """What `by_hand` raises where the database refuses."""
        return (sqlite3.DatabaseError, psycopg.Error)


@contextmanager
def made(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Twin]:
    """A database of that kind with all tables and no rows; it is gone at the end."""
    if kind == "sqlite":
        path = folder / "gateway.db"
        path.write_bytes(request.getfixturevalue("empty_database"))
        with closing(Database.at(path, busy_seconds=5)) as database:
            yield Twin(kind, database, path)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = server.make()
    try:
        with closing(server.database(name)) as database:
            yield Twin(kind, database, name, server)
    finally:
        server.drop(name)
