"""A database and a staging folder for the tests of records."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.records.staging import Staging
from gateway.store.database import Database


@pytest.fixture
def database(tmp_path: Path, empty_database: bytes) -> Iterator[Database]:
    """A database with all tables and no rows, in ``tmp_path/gateway.db``."""
    path = tmp_path / "gateway.db"
    path.write_bytes(empty_database)
    made = Database.at(path)
    yield made
    made.close()


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    """A staging folder that is not there yet, under a key."""
    return Staging(tmp_path / "staged", b"k" * 32)


@pytest.fixture
def at() -> datetime:
    """A moment."""
    return datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
