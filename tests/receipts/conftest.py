"""A rehearsal home at work, for the tests of receipts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsing import AtWork, make_reader

from gateway.intake.confined.reader import Reader


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this folder."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home and what tests do with it."""
    return AtWork(rehearsal_home, shared_reader)
