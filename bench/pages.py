"""`make bench`: every page of the site, with a long history behind it and with a short one.

    python bench/pages.py [--write] [--sizes 100 100000] [--times 9] [--only /ledger …]

Two copies of a rehearsal home that was lived in for three weeks are each given a history before
that, written into the database in bulk. Both sites are asked in this process, in turn, for every
page of theirs, as a person of each role that may see it. With --write the figures replace those
of docs/benchmarks-site.md.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import structlog
from everypage import NOW, PageToSee, lived_home, look, pages_of
from openedsite import OpenedSite, opened_site
from pasthistory import write_history
from report import machine
from sitepage import replace_section

from gateway.settings import Home
from gateway.store.database import Database

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench" / "pages"
_BOUND = 3
SECTION = """\
Measured by `bench/pages.py` on {day} ({processor}, Python {python}, commit {commit}; load at the
start {load:.1f}), in one run: {small:,} packages against {large:,}, with their windows, drops,
deliveries, receipts, alarms, queries, e-mails, handovers, entries of registers, requests and
leaves of the ledger. A home works on five days a week, so {large:,} packages are centuries. On top
of them both homes have three weeks that were really lived, with a person of each role.

{pages} pages are all that the site has: one that the bench cannot fill an address of is an error.
Each is asked for as every role that may see it, {measured} in all, the worker's answers included,
in both homes by turns. Times are medians of {times}, in ms of CPU of the one process that is site,
worker and database; each page is looked at once before. A row is the role with the highest ratio.
The bound is {bound} times.

| page | roles | at {small:,} | at {large:,} | times |
| :--- | ---: | ---: | ---: | ---: |
{rows}

The most of a page is {most:.1f} times. {verdict}
"""


@dataclass(frozen=True)
class Figure:
    """What a page takes as one role, in milliseconds, with each history."""

    page: PageToSee
    small: float
    large: float

    @property
    def ratio(self) -> float:
        """How many times as long."""
        return self.large / self.small


def home_with(lived: Path, size: int) -> Path:
    """A copy of the lived home with that many packages before."""
    root = FOLDER / str(size)
    shutil.copytree(lived, root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    database = Database.at(Home(root).database)
    try:
        write_history(database, size, NOW)
    finally:
        database.close()
    return root


@contextmanager
def two_sites(sizes: Sequence[int]) -> Iterator[tuple[OpenedSite, OpenedSite]]:
    """The sites over a home with a short history and one with a long."""
    lived = lived_home(FOLDER / "lived")
    small, large = (home_with(lived, size) for size in sorted(sizes))
    with opened_site(small, NOW) as short, opened_site(large, NOW) as long:
        yield short, long


def measured(
    short: OpenedSite, long: OpenedSite, many: int, only: Sequence[str]
) -> Iterator[Figure]:
    """Measure every page as each role, in both homes by turns."""
    for one, other in zip(pages_of(short), pages_of(long), strict=True):
        if only and not any(one.rule.startswith(start) for start in only):
            continue
        took: tuple[list[float], list[float]] = ([], [])
        for turn in range(many + 1):
            for site, page, times in ((short, one, took[0]), (long, other, took[1])):
                began = time.process_time()
                look(site, page)
                if turn:
                    times.append(time.process_time() - began)
        yield Figure(one, median(took[0]) * 1000, median(took[1]) * 1000)


def section(
    figures: Sequence[Figure], sizes: Sequence[int], many: int, day: str, load: float
) -> str:
    """What docs/benchmarks-site.md says of it."""
    rows = []
    for rule in sorted({item.page.rule for item in figures}):
        own = [item for item in figures if item.page.rule == rule]
        worst = max(own, key=lambda item: item.ratio)
        rows.append(
            f"| `{rule}` | {len(own)} | {worst.small:.1f} | {worst.large:.1f} | {worst.ratio:.1f} |"
        )
    over = [f"`{item.page.rule}` as {item.page.visitor}" for item in figures if item.ratio > _BOUND]
    return SECTION.format(
        day=day,
        load=load,
        small=min(sizes),
        large=max(sizes),
        pages=len(rows),
        measured=len(figures),
        times=many,
        bound=_BOUND,
        rows="\n".join(rows),
        most=max(item.ratio for item in figures),
        verdict=f"Over the bound: {', '.join(over)}." if over else "No page is over the bound.",
        **machine(),
    )


def main() -> int:
    """Measure, tell, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the figures of the page")
    words.add_argument("--sizes", type=int, nargs=2, default=[100, 100_000])
    words.add_argument("--times", type=int, default=9, help="looks at a page, in each home")
    words.add_argument("--only", nargs="*", default=[], help="pages whose address starts so")
    arguments = words.parse_args()
    load = os.getloadavg()[0]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    shutil.rmtree(FOLDER, ignore_errors=True)
    with two_sites(arguments.sizes) as (short, long):
        figures = list(measured(short, long, arguments.times, arguments.only))
    day = datetime.now(UTC).date().isoformat()
    text = section(figures, arguments.sizes, arguments.times, day, load)
    sys.stdout.write(text)
    if arguments.write:
        replace_section("pages", text)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
