"""A new database for each test, and the rows that its tests put there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.store.database import Database

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.fixture
def database_file(tmp_path: Path, empty_database: bytes) -> Path:
    """The file of this test's database."""
    path = tmp_path / "gateway.db"
    path.write_bytes(empty_database)
    return path


@pytest.fixture
def database(database_file: Path) -> Iterator[Database]:
    """A database with all tables and no rows."""
    made = Database.at(database_file, busy_seconds=5)
    yield made
    made.close()


@pytest.fixture
def at() -> datetime:
    """A moment."""
    return AT
