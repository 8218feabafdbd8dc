"""A year of a flow, day by day: each window with its package, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gateway.agreement.windows import london_date, moments, next_moment
from gateway.store import received, windows
from gateway.store.received import Received
from gateway.store.windows import WindowRow
from gateway.web.collecting import words
from gateway.web.site import Site


@dataclass(frozen=True)
class Entry:
    """A package of a day, or what is said where there is none (``package`` is then empty)."""

    package: str
    what: str
    state: str


@dataclass(frozen=True)
class Day:
    """One day with its entries."""

    day: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Month:
    """The days of a month, for one table."""

    name: str
    days: tuple[Day, ...]


@dataclass(frozen=True)
class Year:
    """A year. ``years``: all there are; ``coming``: when the next package is due."""

    year: int
    years: tuple[int, ...]
    months: tuple[Month, ...]
    coming: str


def years_of(site: Site, flow_id: str) -> tuple[int, ...]:
    """The years that the flow has days in, this one included, the latest first."""
    this = london_date(site.now()).year
    with site.parts.database.snapshot() as tx:
        first = windows.first_day(tx, flow_id)
    return tuple(range(this, (first.year if first else this) - 1, -1))


def year_of(site: Site, party: str, flow_id: str, year: int, years: tuple[int, ...]) -> Year:
    """The days of a year up to now, the latest month first."""
    agreed, flow = site.parts.agreed[flow_id], site.parts.flow(flow_id)
    first, last = date(year, 1, 1), date(year, 12, 31)
    with site.parts.database.snapshot() as tx:
        packages = received.between(tx, party, flow_id, first, last)
        rows = {row.day: row for row in windows.between(tx, flow_id, first, last)}
        began = windows.first_day(tx, flow_id)
    by_day: dict[date, list[Received]] = {}
    for row in packages:
        by_day.setdefault(row.day, []).append(row)
    due = moments(flow.window, agreed.working_days, max(first, began or last), site.now())
    wanted = {moment.day for moment in due if moment.day <= last} | set(by_day) | set(rows)
    days = [Day(day, tuple(_entries(by_day.get(day, []), rows.get(day)))) for day in wanted]
    coming = next_moment(flow.window, agreed.working_days, site.now())
    return Year(year, years, tuple(_months(sorted(days, key=_by_day))), words.moment(coming.at))


def _by_day(day: Day) -> date:
    return day.day


def _months(days: list[Day]) -> Iterator[Month]:
    for month in range(12, 0, -1):
        mine = tuple(item for item in days if item.day.month == month)
        if mine:
            yield Month(f"{mine[0].day:%B}", mine)


def _entries(packages: list[Received], window: WindowRow | None) -> Iterator[Entry]:
    for row in packages:
        yield Entry(row.id, words.what(row).partition(":")[0], words.state(row))
    if packages:
        return
    if window is not None and window.state == "covered":
        yield Entry(window.package_id or "", "In a later package", "Covered")
    elif window is not None and window.package_id:
        yield Entry("", "Sent, and not for this party", "None")
    else:
        yield Entry("", "No package", "Late" if window is not None else "Missed")
