"""The database: how it is opened, brought up to date, and written in transactions.

SQLite: write-ahead log, ``synchronous=FULL``, foreign keys, and every transaction begins IMMEDIATE,
so that two writers wait for one another instead of failing half-way. Whoever only looks takes a
snapshot, and waits for nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from gateway.refusal import Refusal

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
_READING = "gateway_reading"
# What the triggers say that refuse (`guards`).
_GUARDED = (" is only ever added to", " is never removed from")

Transaction = sa.Connection


class StoreFault(Refusal):
    """The database or a blob store could not do what was asked. ``hint`` says what to do next."""


class Database:
    """One database; `transaction` is the only way to write to it, `snapshot` the way to look."""

    def __init__(self, url: str, busy_seconds: int = BUSY_SECONDS) -> None:
        self.url = url
        self._connect_args = {"timeout": busy_seconds} if url.startswith("sqlite") else {}
        self._engine = sa.create_engine(url, connect_args=self._connect_args)
        self._others: list[sa.Engine] = []
        if url.startswith("sqlite"):
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_immediate)

    @classmethod
    def at(cls, path: Path, busy_seconds: int = BUSY_SECONDS) -> "Database":
        """The SQLite database in that file."""
        return cls(f"sqlite:///{path}", busy_seconds)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin, then commit or roll back. Raises StoreFault when it is locked or full."""
        with _told_plainly(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Read the rows as they are at one moment, and hold up nobody who writes.

        For pages and figures: writing in it is refused. Raises StoreFault.
        """
        with (
            _told_plainly(),
            self._engine.connect().execution_options(**{_READING: True}) as connection,
            connection.begin(),
        ):
            if not self.url.startswith("sqlite"):
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                yield connection
                return
            connection.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("PRAGMA query_only=OFF")

    def confirm(self) -> None:
        """Raise where whoever works with it may not go on (`fenced`). Here nobody else works."""

    def upgrade(self, version: str = "head") -> None:
        """Bring the tables up to date, or to a version (makes them in a new database).

        Raises StoreFault.
        """
        try:
            with _told_plainly():
                command.upgrade(self._alembic(), version)
        except CommandError as error:
            raise StoreFault(
                "database.version",
                "The database was made by a later version of the gateway.",
                "Run that version again, or restore the backup made before it. Nothing was done.",
            ) from error

    def require_current(self) -> None:
        """Raises StoreFault unless the tables are exactly those of this version."""
        head = ScriptDirectory.from_config(self._alembic()).get_current_head()
        with _told_plainly(), self._engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        if current != head:
            raise StoreFault(
                "database.version",
                "The database was made by another version of the gateway.",
                "Run `init`: it brings the tables up to date and keeps what is there.",
            )

    def statement_by_statement(self) -> sa.Engine:
        """An engine on which each statement is committed by itself, for the ORM of `access`."""
        options = {"connect_args": self._connect_args, "isolation_level": "AUTOCOMMIT"}
        engine = sa.create_engine(self.url, **options)
        if self.url.startswith("sqlite"):
            sa.event.listen(engine, "connect", _prepare_sqlite)
        self._others.append(engine)
        return engine

    def close(self) -> None:
        """Close all connections."""
        for engine in (self._engine, *self._others):
            engine.dispose()

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["engine"] = self._engine
        return config


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise _plain(error) from error
    except sa.exc.DatabaseError as error:
        if any(words in str(error.orig) for words in _GUARDED):
            raise StoreFault(
                "deletion.refused",
                "Something tried to remove or rewrite what is kept. The database refused it.",
                "Nothing was changed. Report this as a fault of the gateway.",
            ) from error
        if type(error) is not sa.exc.DatabaseError:
            raise  # the caller's own fault, such as a broken constraint
        raise StoreFault(
            "database.damaged",
            "The database file is damaged, or is not a database at all.",
            "Stop the gateway, keep the file as it is, and restore the latest backup.",
        ) from error


def _plain(error: sa.exc.OperationalError) -> StoreFault:
    text = str(error.orig).lower()
    if "locked" in text or "busy" in text:
        return StoreFault(
            "database.locked",
            "Another program holds the database.",
            "Nothing was lost. Close the program that has it open; the next tick tries again.",
        )
    if "full" in text:
        return StoreFault(
            "disk.full", "The disk is full.", "Free some space; the next tick goes on where it was."
        )
    return StoreFault(
        "database.unavailable",
        "The database cannot be used.",
        "Run `init` if this home is new; otherwise run `doctor` and check the disk and its rights.",
    )
