"""A rehearsal home at work."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from receipting import Keyring, Recipients, at_work, copied, place_package
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


@pytest.fixture(scope="session")
def placed_home(
    template_home: Path, shared_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A home whose one package lies in both outboxes, and its id. Copy it; do not use it."""
    root = copied(template_home, tmp_path_factory.mktemp("placed") / "home")
    return root, place_package(AtWork(root, shared_reader))


@pytest.fixture(scope="session")
def keyring(placed_home: tuple[Path, str]) -> Iterator[Keyring]:
    """The keys of everybody in that home."""
    with ExitStack() as stack:
        yield Keyring(placed_home[0], stack)


@pytest.fixture
def recipients(
    placed_home: tuple[Path, str], keyring: Keyring, tmp_path: Path
) -> Iterator[Recipients]:
    """The recipients of a package placed in a home of the test's own."""
    root = copied(placed_home[0], tmp_path / "home")
    with at_work(root, keyring, placed_home[1]) as found:
        yield found
