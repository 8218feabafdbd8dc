"""Both databases, for each test of a contract."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from twins import KINDS, Twin, made

from gateway.store.database import Database


@pytest.fixture(params=KINDS)
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Twin]:
    """A database of each kind, with all tables and no rows."""
    with made(request, request.param, tmp_path) as it:
        yield it


@pytest.fixture
def database(twin: Twin) -> Database:
    """The same, where nothing is done beside the gateway."""
    return twin.database


@pytest.fixture
def at() -> datetime:
    """A moment."""
    return datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
