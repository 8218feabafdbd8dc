"""What the pages of the registers list: days and states, of which nothing is sealed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.agreement.windows import LONDON
from gateway.records.registers.owing import TRAINING_WARNINGS
from gateway.records.registers.rules import REGISTERS, Register
from gateway.records.registers.wanted import last_day
from gateway.store import registers as rows
from gateway.store.database import Transaction
from gateway.store.registers import EntryRow
from gateway.web.site import site
from gateway.web.visitor import visitor
from gateway.web.worker import party_of

ENDED_SHOWN = 50
_SOON, _TRAINING_SOON = timedelta(days=7), timedelta(days=max(TRAINING_WARNINGS))
STATES: Mapping[str, tuple[str, str]] = {
    "open": ("Open", "blue"),
    "informed": ("Open, both know of it", "blue"),
    "agreed": ("Signed by both", "green"),
    "closed": ("Closed", "grey"),
    "lapsed": ("Lapsed", "red"),
}


@dataclass(frozen=True)
class Listed:
    """An entry as a table shows it. ``late``: past its time."""

    row: EntryRow
    title: str
    due: str
    late: bool
    soon: bool

    @property
    def state(self) -> tuple[str, str]:
        """Where it stands, and the colour of its badge."""
        return STATES[self.row.state]

    @property
    def owed(self) -> bool:
        """Whether something is to be done about it in time; training that counts can wait."""
        return bool(self.due) and (self.row.register != "training" or self.late or self.soon)


@dataclass(frozen=True)
class Told:
    """A register as the first page shows it."""

    rules: Register
    still_open: int
    late: int


def open_entries(tx: Transaction, register: str = "") -> list[Listed]:
    """What has not ended and concerns the visitor's party: what is due first comes first."""
    named = (register,) if register else ()
    found = _theirs(rows.listed(tx, named, ended_too=False))
    far = datetime.max.replace(tzinfo=LONDON)
    return [_listed(row) for row in sorted(found, key=lambda row: row.due_at or far)]


def ended_entries(tx: Transaction, register: str) -> list[Listed]:
    """The latest that have ended."""
    return [_listed(row) for row in _theirs(rows.ended(tx, register, ENDED_SHOWN))]


def told(entries: Iterable[Listed]) -> list[Told]:
    """Every register, with how much of it is open and late."""
    every = list(entries)
    return [
        Told(
            rules,
            sum(item.row.register == name for item in every),
            sum(item.row.register == name and item.late for item in every),
        )
        for name, rules in REGISTERS.items()
    ]


def concerns(row: EntryRow) -> bool:
    """Whether an entry is for the visitor's party to read: an agent reads its own alone."""
    party, signing = party_of(visitor()), site().parts.officers.signatories
    return row.party == party or (party in signing and row.party in signing)


def due_words(row: EntryRow) -> str:
    """Until when something of an entry is due; empty where nothing is."""
    if row.due_at is None or row.ended_at is not None:
        return ""
    if row.register == "incident":
        return f"{row.due_at.astimezone(LONDON):%-d %B %Y, %H:%M}"
    return f"{last_day(row.due_at):%-d %B %Y}"


def _theirs(found: Iterable[EntryRow]) -> list[EntryRow]:
    return [row for row in found if concerns(row)]


def _listed(row: EntryRow) -> Listed:
    now = site().now()
    going = row.due_at is not None and row.ended_at is None
    late = going and row.due_at is not None and row.due_at <= now
    before = _TRAINING_SOON if row.register == "training" else _SOON
    soon = going and not late and row.due_at is not None and row.due_at <= now + before
    return Listed(row, REGISTERS[row.register].title, due_words(row), late, soon)
