"""PostgreSQL under the rules that SQLite has of itself: one writer at a time, looks that wait not.

A transaction that may write first takes an advisory lock of the database, which is one home's, and
only then sees its rows (READ COMMITTED): all that was committed before. It ends with the
transaction. Whoever freezes or is cut off within it is ended by the server, sooner than those who
wait lose patience. A look is REPEATABLE READ, READ ONLY, and takes no lock.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import sqlalchemy as sa

from gateway.store.faults import StoreFault, told_plainly

Found = tuple[Literal["ok", "warn", "fail"], str]
_OURS = 26487  # the first half of our advisory locks; the second half says what is locked
_WRITING = 0
WRITE_ALONE = f"SELECT pg_advisory_xact_lock({_OURS}, {_WRITING})"
LOOK = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL idle_in_transaction_session_timeout = '10min'"
)
_FROZEN_SECONDS = 20  # less than the patience of who waits for the lock
_HELD_SECONDS = 60  # what is held is let go when its holder has not been heard of for so long
_BEAT_SECONDS = 10.0
_RETRY_SECONDS = 0.1
_SORTED_AS_PYTHON = ("C", "POSIX", "C.UTF-8", "C.utf8")
_OLDEST = 140000


def options(busy_seconds: float) -> dict[str, Any]:
    """How an engine connects."""
    told = {
        "lock_timeout": f"{max(1, int(busy_seconds * 1000))}ms",
        "idle_in_transaction_session_timeout": f"{_FROZEN_SECONDS}s",
        **_EVERY_SESSION,
    }
    return {"connect_args": _connect_args(told), "pool_pre_ping": True}


_EVERY_SESSION = {
    # a client that is cut off: the server learns of it within so long, and ends what it was doing
    "tcp_user_timeout": "30s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "10s",
    "default_transaction_isolation": "read\\ committed",
    "search_path": "public",
    "timezone": "UTC",
}


def _connect_args(told: dict[str, str]) -> dict[str, Any]:
    return {
        "options": " ".join(f"-c {name}={value}" for name, value in told.items()),
        "application_name": "gateway",
        "client_encoding": "UTF8",
        "connect_timeout": 10,
        # a server that is cut off, likewise
        "tcp_user_timeout": 30_000,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def has_tables(tx: sa.Connection) -> bool:
    """Whether the migrations ever ran here."""
    asked = sa.text("SELECT to_regclass('public.alembic_version') IS NOT NULL")
    return bool(tx.execute(asked).scalar_one())


def require_fit(tx: sa.Connection) -> None:
    """Raises StoreFault where the database would not do as ours: by its age, letters or order."""
    version = tx.exec_driver_sql("SHOW server_version_num").scalar_one()
    about = (
        "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database"
        " WHERE datname = current_database()"
    )
    encoding, order = tx.exec_driver_sql(about).one()
    if int(version) < _OLDEST or encoding != "UTF8" or order not in _SORTED_AS_PYTHON:
        raise StoreFault(
            "database.unfit",
            f"The database is {encoding}, sorted by {order}, on server {version}.",
            "Make one in UTF8, with collation C, on PostgreSQL 14 or later (docs/postgresql.md).",
        )


def look(tx: sa.Connection) -> Iterator[Found]:
    """How the server stands, and the role that we are to it."""
    version = tx.exec_driver_sql("SHOW server_version").scalar_one()
    yield "ok", f"PostgreSQL {version}, tables up to date."
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if tx.exec_driver_sql(f"SHOW {name}").scalar_one() == "off":
            yield "fail", f"{name} is off: what was answered could be lost. Switch it on."
    able = (
        "SELECT rolsuper OR pg_has_role(current_user, relowner, 'MEMBER') FROM pg_roles, pg_class"
        " WHERE rolname = current_user AND pg_class.oid = 'public.ledger'::regclass"
    )
    if tx.exec_driver_sql(able).scalar_one():
        yield (
            "warn",
            "The gateway's role owns its tables, so that it could switch off what refuses "
            "deletion. Set [database] owner (docs/postgresql.md).",
        )


# --- what is held against other hosts -------------------------------------------------------------


@dataclass
class Holding:
    """Whether a name is held; false as well once its connection has died, and another may have it.

    A process that was frozen learns so when it next asks the server, within seconds of its waking.
    """

    is_ours: bool

    def __bool__(self) -> bool:
        return self.is_ours


@contextmanager
def held(url: sa.URL, name: str, patience_seconds: float) -> Iterator[Holding]:
    """Hold a name for as long as this lasts and this process lives; false: another has it.

    By a connection of its own, which a thread keeps awake: a process that is frozen or cut off does
    not, and the server then lets go of what it held. What it does on waking is no longer alone:
    every move is a compare-and-set.
    """
    args = _connect_args({"idle_session_timeout": f"{_HELD_SECONDS}s", **_EVERY_SESSION})
    engine = sa.create_engine(
        url, connect_args=args, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT"
    )
    key = crc32(name.encode()) - 2**31 or 1  # never that of writing
    with told_plainly():
        connection = engine.connect()
    try:
        with told_plainly():
            is_ours = _taken(connection, key, time.monotonic() + patience_seconds)
        try:
            holding = Holding(is_ours)
            with _kept_awake(connection, holding):
                yield holding
        finally:
            with suppress(sa.exc.DBAPIError):  # it may be gone already
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
    finally:
        connection.close()


def _taken(connection: sa.Connection, key: int, deadline: float) -> bool:
    asked = f"SELECT pg_try_advisory_lock({_OURS}, {key})"
    while not connection.exec_driver_sql(asked).scalar_one():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_RETRY_SECONDS)
    return True


@contextmanager
def _kept_awake(connection: sa.Connection, holding: Holding) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEAT_SECONDS):
            try:
                connection.exec_driver_sql("SELECT 1")
            except sa.exc.DBAPIError:
                holding.is_ours = False  # the server let go of it
                return

    thread = threading.Thread(target=beat, name="gateway-held", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
