"""A copy of an SQLite database that others are writing to, as it is at one moment."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.store.database import BUSY_SECONDS, Database, StoreFault


def copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's own online backup: whole, and of one moment. Raises StoreFault."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
            (found,) = writing.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise StoreFault(
                "disk.full",
                "The disk is full: there is no room for a copy of the database.",
                "Free some space there, or name another disk.",
            ) from error
        raise _unusable() from error
    except sqlite3.DatabaseError as error:
        raise _unusable() from error
    if found != "ok":
        raise _unusable()


@contextmanager
def open_copy(path: Path) -> Iterator[Database]:
    """Look into a copy; it is one file again afterwards, without a write-ahead log beside it."""
    database = Database.at(path)
    try:
        yield database
    finally:
        database.close()
        with closing(sqlite3.connect(path)) as plain:
            plain.execute("PRAGMA journal_mode=DELETE")
        with path.open("rb") as written:
            os.fsync(written.fileno())


def _unusable() -> StoreFault:
    return StoreFault(
        "database.not-copied",
        "The database cannot be copied as it is.",
        "Run `doctor`. Keep earlier backups until this is understood.",
    )
