"""A home with packages, and an API over it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from at_the_api import Api, Placed, api_over, place_all
from receipting import Keyring, copied
from rehearsing import make_reader


@pytest.fixture(scope="session")
def placed(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Placed:
    """A home with packages of each flow, once per worker."""
    root = copied(template_home, tmp_path_factory.mktemp("placed-api") / "home")
    with make_reader() as reader:
        return place_all(root, reader)


@pytest.fixture(scope="session")
def keyring(placed: Placed) -> Iterator[Keyring]:
    """The keys of everybody in that home."""
    with ExitStack() as stack:
        yield Keyring(placed.home, stack)


@pytest.fixture(scope="module")
def shared_api(
    placed: Placed, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API that tests share: each has its own package, party or token."""
    with api_over(placed, tmp_path_factory.mktemp("api"), keyring) as api:
        yield api


@pytest.fixture
def api(placed: Placed, keyring: Keyring, tmp_path: Path) -> Iterator[Api]:
    """An API of the test's own."""
    with api_over(placed, tmp_path, keyring) as own:
        yield own


@pytest.fixture
def api_set(placed: Placed, keyring: Keyring, tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """``api_set("[api]\\nthreads = 2", largest=1000, hurried=True)``: see `api_over`."""
    with ExitStack() as stack:

        def make(settings: str = "", **more: Any) -> Api:
            return stack.enter_context(api_over(placed, tmp_path, keyring, settings, **more))

        yield make
