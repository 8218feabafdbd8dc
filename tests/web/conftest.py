"""The site over a home, in the test's own process, as a process of its own, and in a browser."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from at_the_api import Placed, place_all
from at_the_offices import Offices, live_a_day, offices_over
from at_the_site import AFTER, AtTheSite, site_over
from in_a_browser import FLAGS, Opened, served
from playwright.sync_api import Browser, Error, Page, sync_playwright
from receipting import copied
from recipients import Received, Recipients, place_packages, recipients_over
from rehearsing import make_reader
from senders import Senders, SentBefore, send_before, senders_over

from gateway.agreement.windows import LONDON
from gateway.intake.confined.reader import Reader


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
def placed(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Placed:
    """A home with packages of each flow, once per worker. Copy it; do not use it."""
    root = copied(template_home, tmp_path_factory.mktemp("placed-web") / "home")
    with make_reader() as reader:
        return place_all(root, reader)


@pytest.fixture
def at_placed(placed: Placed, tmp_path: Path) -> Iterator[AtTheSite]:
    """The site over a home of the test's own with packages in its outboxes."""
    with site_over(copied(placed.home, tmp_path / "home"), now=AFTER) as made:
        yield made


@pytest.fixture(scope="session")
def lived_home(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one day behind it: a package, and a held row. Copy it; do not use it."""
    root = copied(template_home, tmp_path_factory.mktemp("lived") / "home")
    with make_reader() as reader:
        return live_a_day(root, reader)


@pytest.fixture
def offices(lived_home: Path, tmp_path: Path) -> Iterator[Offices]:
    """The site and the worker over a home of the test's own that has lived a day."""
    with make_reader() as reader, offices_over(copied(lived_home, tmp_path / "home"), reader) as on:
        yield on


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


# --- a sender at the site, with a worker behind it ------------------------------------------------


@pytest.fixture(scope="session")
def site_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this folder."""
    with make_reader() as reader:
        yield reader


@pytest.fixture(scope="session")
def sent_before(
    template_home: Path, site_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> SentBefore:
    """A home that has sent a package and holds rows, once per worker. Copy it; do not use it."""
    root = copied(template_home, tmp_path_factory.mktemp("sent-before") / "home")
    return send_before(root, site_reader)


@pytest.fixture
def senders(sent_before: SentBefore, site_reader: Reader, tmp_path: Path) -> Iterator[Senders]:
    """A sender at the site of a home of the test's own."""
    with senders_over(sent_before, tmp_path / "home", site_reader) as made:
        yield made


@pytest.fixture(scope="module")
def onlooker(
    sent_before: SentBefore, site_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Senders]:
    """A sender who looks and changes nothing, for tests to share."""
    root = tmp_path_factory.mktemp("onlooker") / "home"
    with senders_over(sent_before, root, site_reader) as made:
        yield made


# --- a recipient at the site, with a worker behind it ---------------------------------------------


@pytest.fixture(scope="session")
def received(
    template_home: Path, site_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Received:
    """A home with packages that wait to be collected, once per worker. Copy it; do not use it."""
    root = copied(template_home, tmp_path_factory.mktemp("received") / "home")
    return place_packages(root, site_reader)


@pytest.fixture
def recipients(received: Received, site_reader: Reader, tmp_path: Path) -> Iterator[Recipients]:
    """A recipient at the site of a home of the test's own."""
    with recipients_over(received, tmp_path / "home", site_reader) as made:
        yield made


# --- a home that was lived in ---------------------------------------------------------------------

LIVED_UNTIL = datetime(2026, 11, 27, 17, 30, tzinfo=LONDON)  # Friday; a package is on its way


def _copied(home: Path, target: Path) -> Path:
    shutil.copytree(home, target, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    return target


@pytest.fixture(scope="session")
def _lived_in(
    template_home: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A rehearsal with three weeks of history, made once for all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    home, done = shared / "lived-in", shared / "lived-in.done"
    with (shared / "lived-in.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _copied(template_home, home)
            script = checkout / "tools" / "sample_history.py"
            words = [sys.executable, str(script), str(home), LIVED_UNTIL.isoformat()]
            made = subprocess.run(words, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return home


@pytest.fixture
def lived_in_home(_lived_in: Path, tmp_path: Path) -> Path:
    """A copy of that home."""
    return _copied(_lived_in, tmp_path / "lived-in")


@pytest.fixture
def lived_in(lived_in_home: Path) -> Iterator[AtTheSite]:
    """The site over that home, on the Friday evening at which its history ends."""
    with site_over(lived_in_home, LIVED_UNTIL) as made:
        yield made
