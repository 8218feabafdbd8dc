"""The site over a home, in the test's own process and in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from at_the_site import AtTheSite, site_over


@pytest.fixture
def at(rehearsal_home: Path) -> Iterator[AtTheSite]:
    """The site over a fresh rehearsal home."""
    with site_over(rehearsal_home) as made:
        yield made


@pytest.fixture
def site_set(rehearsal_home: Path) -> Iterator[Callable[..., AtTheSite]]:
    """``site_set("[web]\\norigin = …", parts=…)``: the site with those settings."""
    with ExitStack() as stack:

        def make(settings: str = "", **more: Any) -> AtTheSite:
            (rehearsal_home / "config" / "gateway.toml").write_text(settings, encoding="utf-8")
            return stack.enter_context(site_over(rehearsal_home, **more))

        yield make
