"""Officers of both parties and of an agent, and a book of registers that they write in."""

from datetime import UTC, datetime

import pytest
from registrar import Book

from gateway.store.database import Database


@pytest.fixture
def book(database: Database) -> Book:
    """Registers without entries, on Monday 2 March 2026 at 16:00."""
    return Book(database, datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
