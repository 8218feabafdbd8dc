"""The site over a home, in the test's own process, as a process of its own, and in a browser."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from at_the_site import AtTheSite, site_over
from in_a_browser import FLAGS, Opened, served
from playwright.sync_api import Browser, Error, Page, sync_playwright


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


@pytest.fixture(scope="session")
def browser(need_program: Callable[[str], str]) -> Iterator[Browser]:
    """Debian's chromium, once per worker; skips where it is not installed, fails under CI."""
    program = need_program("chromium")
    with sync_playwright() as play:
        try:
            started = play.chromium.launch(executable_path=program, args=list(FLAGS))
        except Error:
            if os.environ.get("CI"):
                raise
            pytest.skip("chromium is installed, and does not start here")
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``open_page(url, javascript=False, width=320)``: a page of a fresh session; see `Opened`."""
    with Opened(browser) as opened:
        yield opened


@pytest.fixture
def serve_here() -> Iterator[Callable[[AtTheSite], str]]:
    """``serve_here(at)``: serves that site from a thread; its address, such as http://localhost:1.

    Whom ``at.sign_in`` names is who the browser is, so that pages can be looked at as anybody.
    """
    with ExitStack() as stack:
        yield lambda at: stack.enter_context(served(at.app))
