"""`make bench`: every page of the site, with a long history behind it and with a short one.

    python bench/pages.py [--write] [--sizes 100 100000]

Each size is a rehearsal home of its own, whose history is written into the database in bulk. The
site is asked in this process, as a person of each role, for every kind of page that its links lead
to. With --write the figures replace docs/benchmarks-site.md.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import structlog
from flask import Flask
from pasthistory import write_history
from report import machine

from gateway.bootstrap import open_face
from gateway.engine.door import DoorClosed
from gateway.settings import Home
from gateway.store.database import Database
from gateway.web.app import make_site
from gateway.web.site import Site
from gateway.web.visitor import Grant, Visitor, Visitors

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench" / "pages"
NOW = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)  # a Wednesday
ROLES = {
    "sender": ("ofsted", "sender"),
    "recipient": ("dfe", "recipient"),
    "approver": ("ofsted", "approver"),
    "administrator": ("ofsted", "administrator"),
    "auditor": ("dfe", "auditor"),
}
_TIMES = 15
_BOUND = 3
_PROGRAM = "program"
_MOST_LOOKS = 200  # pages looked at for links, for a role
_LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')
PAGE = """\
# How long the site's pages take, with much history behind them

Measured by `bench/pages.py` on {day} ({processor}, Python {python}, commit {commit}; load at the
start {load:.1f}), in one run: {small:,} packages against {large:,}, with their windows, drops,
deliveries, receipts, alarms, queries and leaves of the ledger. A home works on five days a week, so
{large:,} packages are centuries. Times are medians of {times}, in ms of the CPU time of the site's
process, the database's included, since it runs in the same; a page is looked at once before. The
bound is three times. `/metrics` is no page of a person's: it counts all there is, from indexes.

| role | page | at {small:,} | at {large:,} | times |
| :--- | :--- | ---: | ---: | ---: |
{rows}

The most of a page is {most:.1f} times. {verdict}
"""


@dataclass
class SaidToBe(Visitors):
    """Whoever the bench says visits: signing in is not what is measured."""

    who: Visitor | None = None

    def current(self) -> Visitor | None:
        """The visitor."""
        return self.who

    def refused(self, visitor: Visitor, party: str, flow: str) -> None:
        """Nobody keeps it."""


@dataclass
class Measured:
    """Milliseconds by role and kind of page."""

    size: int
    times: dict[tuple[str, str], float] = field(default_factory=dict)


def made_home(size: int) -> Path:
    """A rehearsal home with that many packages behind it."""
    root = FOLDER / str(size)
    words = [sys.executable, "-m", "gateway", "--home", str(root), "init", "--rehearsal"]
    subprocess.run(words, check=True, capture_output=True, cwd=CHECKOUT)
    database = Database.at(Home(root).database)
    try:
        write_history(database, size, NOW)
    finally:
        database.close()
    return root


def kinds_of(app: Flask) -> Iterator[tuple[str, str]]:
    """One address of every kind of page that links lead to, with its rule."""
    client, adapter = app.test_client(), app.url_map.bind("localhost")
    seen: set[str] = set()
    told: set[str] = set()
    to_see = ["/"]
    for _ in range(_MOST_LOOKS):
        if not to_see:
            return
        path = to_see.pop(0)
        answer = client.get(path)
        if answer.status_code == 200:
            rule, _ids = adapter.match(path.partition("?")[0], return_rule=True)
            if rule.rule not in told:
                told.add(rule.rule)
                yield path, rule.rule
        if answer.location:
            links = [answer.location]
        else:
            links = _LINK.findall(answer.text) if answer.mimetype == "text/html" else []
        for link in links:
            if link not in seen and not link.startswith("/static/"):
                seen.add(link)
                to_see.append(link.replace("&amp;", "&"))


def timed(app: Flask, path: str) -> float:
    """The median of milliseconds that a page takes."""
    client = app.test_client()
    took = []
    for _ in range(_TIMES + 1):
        began = time.process_time()
        client.get(path)
        took.append(time.process_time() - began)
    return median(took[1:]) * 1000


def _closed(_: dict[str, object]) -> dict[str, object]:
    raise DoorClosed("No worker is there when pages are measured.")


def measure(size: int) -> Measured:
    """Measure every kind of page as each role."""
    root = made_home(size)
    told = Measured(size)
    people = SaidToBe()
    with open_face(Home(root)) as face:
        app = make_site(Site(face, lambda: NOW, _closed, people, os.urandom(32)))
        for role, (party, name) in ROLES.items():
            people.who = Visitor("p-1", "Robin Sample", (Grant(party, "*", name),), "none", True)
            for path, rule in list(kinds_of(app)):
                told.times[role, rule] = timed(app, path)
        people.who = Visitor("p-1", "Robin Sample", (Grant("ofsted", "*", "auditor"),), "none")
        told.times[_PROGRAM, "/metrics"] = timed(app, "/metrics")
        told.times["auditor", "/health/now"] = timed(app, "/health/now")
    return told


def page(small: Measured, large: Measured, day: str, load: float) -> str:
    """The page docs/benchmarks-site.md."""
    rows = []
    ratios = {}
    for key in sorted(small.times.keys() & large.times.keys(), key=lambda it: (it[1], it[0])):
        before, after = small.times[key], large.times[key]
        ratios[key] = after / before
        role, rule = key
        rows.append(f"| {role} | `{rule}` | {before:.1f} | {after:.1f} | {ratios[key]:.1f} |")
    pages = {key: ratio for key, ratio in ratios.items() if key[0] != _PROGRAM}
    over = [f"`{rule}` as {role}" for (role, rule), ratio in pages.items() if ratio > _BOUND]
    return PAGE.format(
        day=day,
        load=load,
        small=small.size,
        large=large.size,
        times=_TIMES,
        rows="\n".join(rows),
        most=max(pages.values()),
        verdict=f"Over the bound: {', '.join(over)}." if over else "No page is over the bound.",
        **machine(),
    )


def main() -> int:
    """Measure, tell, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the page")
    words.add_argument("--sizes", type=int, nargs=2, default=[100, 100_000])
    arguments = words.parse_args()
    load = os.getloadavg()[0]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    shutil.rmtree(FOLDER, ignore_errors=True)
    small, large = (measure(size) for size in sorted(arguments.sizes))
    text = page(small, large, datetime.now(UTC).date().isoformat(), load)
    sys.stdout.write(text)
    if arguments.write:
        (CHECKOUT / "docs" / "benchmarks-site.md").write_text(text)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
