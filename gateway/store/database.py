"""The database: how it is opened, brought up to date, and written in transactions.

SQLite: write-ahead log, ``synchronous=FULL``, foreign keys, and every transaction begins IMMEDIATE,
so that two writers wait for one another instead of failing half-way. Whoever only looks takes a
snapshot, and waits for nobody. PostgreSQL keeps the same rules (`postgresql`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from gateway.settings import Home, Settings
from gateway.store import postgresql, versions
from gateway.store.address import address
from gateway.store.faults import StoreFault, told_plainly
from gateway.store.postgresql import Holding

__all__ = ["Database", "StoreFault", "Transaction"]

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
_READING = "gateway_reading"

Transaction = sa.Connection


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Database:
    """One database; `transaction` is the only way to write to it, `snapshot` the way to look."""

    def __init__(
        self,
        url: str | sa.URL,
        busy_seconds: float = BUSY_SECONDS,
        migrations: Path = MIGRATIONS,
    ) -> None:
        self.url = sa.make_url(url)
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        self._migrations = migrations
        self._options: dict[str, Any] = {"connect_args": {"timeout": busy_seconds}}
        if not self._is_sqlite:
            self._options = postgresql.options(busy_seconds)
        self._engine = self._made()
        sa.event.listen(self._engine, "begin", self._begun)
        self._others: list[sa.Engine] = []

    @classmethod
    def of(cls, home: Home, settings: Settings, *, as_owner: bool = False) -> "Database":
        """The home's database, as its settings have it: every part of the gateway opens it here.

        ``as_owner``: as whoever may make and change the tables. Raises SettingsFault.
        """
        if not settings.database.url:
            return cls.at(home.database)
        return cls(address(settings.database, home.keys, as_owner=as_owner))

    @classmethod
    def at(cls, path: Path, busy_seconds: float = BUSY_SECONDS) -> "Database":
        """The SQLite database in that file."""
        return cls(f"sqlite:///{path}", busy_seconds)

    def is_made(self) -> bool:
        """Whether `upgrade` has ever made its tables. Raises StoreFault."""
        if self._is_sqlite:  # to open it would make the file
            return Path(self.url.database or "").is_file()
        with self.snapshot() as tx:
            return postgresql.has_tables(tx)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin, then commit or roll back. Raises StoreFault when it is locked or full."""
        with told_plainly(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Read the rows as they are at one moment, and hold up nobody who writes.

        For pages and figures: writing in it is refused. Raises StoreFault.
        """
        with (
            told_plainly(),
            self._engine.connect().execution_options(**{_READING: True}) as connection,
            connection.begin(),
        ):
            if not self._is_sqlite:
                yield connection
                return
            connection.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("PRAGMA query_only=OFF")

    @contextmanager
    def held(self, name: str, patience_seconds: float) -> Iterator[Holding]:
        """Hold what is named so against other hosts, while it lasts; false: another holds it.

        A database in a file is of one host, whose own locks do. Raises StoreFault.
        """
        if self._is_sqlite:
            yield Holding(True)
            return
        with postgresql.held(self.url, name, patience_seconds) as is_ours:
            yield is_ours

    def confirm(self) -> None:
        """Raise where whoever works with it may not go on (`fenced`). Here nobody else works."""

    def upgrade(self, version: str = "head") -> None:
        """Bring the tables up to date, or to a version (makes them in a new database).

        Two at once wait for one another. Raises StoreFault.
        """
        try:
            with told_plainly():
                if not self._is_sqlite:
                    with self._engine.connect() as connection:
                        postgresql.require_fit(connection)
                command.upgrade(self._alembic(), version)
        except CommandError as error:
            raise StoreFault(
                "database.version",
                "The database was made by a later version of the gateway.",
                "Run that version again, or restore the backup made before it. Nothing was done.",
            ) from error

    def require_current(self) -> None:
        """Raises StoreFault unless the tables are those of this version, or serve it as well."""
        scripts = ScriptDirectory.from_config(self._alembic())
        with told_plainly(), self._engine.connect() as connection:
            versions.require(connection, scripts)

    def look(self) -> list[postgresql.Found]:
        """How the database stands, for the doctor. Raises StoreFault."""
        if self._is_sqlite:
            return [("ok", "SQLite, tables up to date.")]
        with self.snapshot() as tx:
            return list(postgresql.look(tx))

    def statement_by_statement(self) -> sa.Engine:
        """An engine on which each statement is committed by itself, for the ORM of `access`."""
        engine = self._made(isolation_level="AUTOCOMMIT")
        self._others.append(engine)
        return engine

    def close(self) -> None:
        """Close all connections."""
        for engine in (self._engine, *self._others):
            engine.dispose()

    def _made(self, **more: Any) -> sa.Engine:
        engine = sa.create_engine(self.url, **self._options, **more)
        prepare = _prepare_sqlite
        if not self._is_sqlite:  # loaded here alone: a file needs no driver of a server
            prepare = import_module("gateway.store.servertext").prepare
        sa.event.listen(engine, "connect", prepare)
        return engine

    def _begun(self, connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get(_READING, False)
        if self._is_sqlite:
            connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
        elif reading:
            connection.exec_driver_sql(postgresql.LOOK)
        else:
            connection.exec_driver_sql(postgresql.WRITE_ALONE)

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self._migrations))
        config.attributes["engine"] = self._engine
        return config
