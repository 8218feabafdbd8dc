"""What became of a window, in words: on time, late, missed, nil, recalled; and a year of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.windows import moments
from gateway.agreement.workingdays import ONE_DAY
from gateway.store.watching import Outcome

_FRIDAY = 4
_TO_COME = "To come"


@dataclass(frozen=True)
class Word:
    """A word for a day. ``badge``: MOJ's colour where it stands out; the word says it alone too."""

    text: str
    badge: str = ""


ON_TIME = Word("On time")
LATE = Word("Late", "purple")
MISSED = Word("Missed", "red")
WAITING = Word("Under way", "blue")
NOT_PLACED = Word("Not placed", "red")
NIL = Word("Nil", "grey")
RECALLED = Word("Recalled", "black")
REPLACED = Word("Replaced", "black")
_KINDS: Mapping[str, Word] = {
    "nil-declared": NIL,
    "nothing-received": Word("Nothing received", "purple"),
    "rows-held": Word("All rows held", "purple"),
}
# What each word means, for the key under a calendar.
MEANINGS: Sequence[tuple[Word, str]] = (
    (ON_TIME, "the package was placed with every recipient within the grace of its window"),
    (LATE, "it was placed on its day, but after that"),
    (MISSED, "nothing was placed on its day; a later package covers it"),
    (NIL, "the sender said that there was nothing to send"),
    (_KINDS["nothing-received"], "nothing came from the sender, and a signed return said so"),
    (_KINDS["rows-held"], "all rows that came are held, and a signed return said so"),
    (RECALLED, "the sender has withdrawn the package"),
    (REPLACED, "the sender has replaced the package by another"),
    (NOT_PLACED, "the package could not be placed with every recipient yet"),
    (WAITING, "the window has come due, and its package is being made"),
)


def words_of(item: Outcome, grace: timedelta, agreed: Agreed) -> tuple[Word, ...]:
    """The words for a window that has come due: its time first."""
    found = [_timing(item, grace, agreed)]
    if (kind := _KINDS.get(item.kind or "")) is not None:
        found.append(kind)
    if item.package_state == "recalled":
        found.append(RECALLED)
    elif (item.number or 1) > 1:
        found.append(REPLACED)
    return tuple(found)


def _timing(item: Outcome, grace: timedelta, agreed: Agreed) -> Word:
    if item.state == "covered":
        return MISSED
    if not item.deliveries:
        return WAITING
    if item.placed_at is None or item.placed < item.deliveries:
        return RECALLED if item.package_state in ("recalled", "superseded") else NOT_PLACED
    if item.placed_at <= item.due_at + grace:
        return ON_TIME
    on_its_day = item.placed_at.astimezone(agreed.working_days.zone).date() == item.day
    return LATE if on_its_day else MISSED


def grace_of(flow: Flow) -> timedelta:
    """How long after its moment a window of the flow is still on time."""
    return timedelta(minutes=flow.window.grace_minutes)


@dataclass(frozen=True)
class Cell:
    """A weekday of a calendar. ``plain``: why there is no window, or that it is to come."""

    day: date
    words: tuple[Word, ...] = ()
    plain: str = ""


@dataclass(frozen=True)
class Month:
    """A month's weeks, Monday to Friday; None: a day of another month."""

    first: date
    weeks: tuple[tuple[Cell | None, ...], ...]


def months_of(
    agreed: Agreed, flow: Flow, outcomes: Sequence[Outcome], year: int, now: datetime
) -> list[Month]:
    """The months of a year that hold anything: windows that were, or are to come."""
    cells = _cells(agreed, flow, outcomes, year, now)
    return [
        Month(date(year, month, 1), tuple(_weeks(cells, year, month)))
        for month in range(1, 13)
        if any(
            cell.words or cell.plain == _TO_COME
            for day, cell in cells.items()
            if day.month == month
        )
    ]


def _cells(
    agreed: Agreed, flow: Flow, outcomes: Sequence[Outcome], year: int, now: datetime
) -> dict[date, Cell]:
    grace = grace_of(flow)
    known = {item.day: words_of(item, grace, agreed) for item in outcomes}
    today = now.astimezone(agreed.working_days.zone).date()
    last = datetime.combine(date(year, 12, 31), flow.window.at, agreed.working_days.zone)
    begun = max(date(year, 1, 1), today)
    coming = {item.day for item in moments(flow.window, agreed.working_days, begun, last)}
    cells: dict[date, Cell] = {}
    first, end = date(year, 1, 1), date(year, 12, 31)
    for day in (first + timedelta(days=step) for step in range((end - first).days + 1)):
        if day.weekday() <= _FRIDAY:
            plain = _TO_COME if day in coming and day not in known else ""
            if known and not agreed.working_days.is_working(day):
                plain = "Closed"
            cells[day] = Cell(day, known.get(day, ()), "" if day in known else plain)
    return cells


def _weeks(cells: Mapping[date, Cell], year: int, month: int) -> Iterator[tuple[Cell | None, ...]]:
    first = date(year, month, 1)
    monday = first - timedelta(days=first.weekday())
    while monday < date(year + month // 12, month % 12 + 1, 1):
        days = (monday + timedelta(days=step) for step in range(_FRIDAY + 1))
        week = tuple(cells[day] if day.month == month and day in cells else None for day in days)
        if any(week):
            yield week
        monday += 7 * ONE_DAY
