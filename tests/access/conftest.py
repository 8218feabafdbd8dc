"""A rehearsal home at work, and a database with all tables and no rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsing import AtWork, make_reader

from gateway.intake.confined.reader import Reader
from gateway.store.database import Database


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this folder; it starts when it is first needed."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home and what tests do with it."""
    return AtWork(rehearsal_home, shared_reader)


@pytest.fixture
def database(tmp_path: Path, empty_database: bytes) -> Iterator[Database]:
    """A database with all tables and no rows."""
    path = tmp_path / "gateway.db"
    path.write_bytes(empty_database)
    made = Database.at(path)
    yield made
    made.close()
