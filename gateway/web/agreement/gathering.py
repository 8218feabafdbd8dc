"""What the pages of the agreement show: its versions, who has signed which, and live figures."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.agreement.load import Agreed
from gateway.agreement.windows import london_date
from gateway.engine.agreementwatch import CHANGED, UNSIGNED, WITHDRAWN, review_due
from gateway.engine.assurance import Assurance, assured
from gateway.engine.figures import Counts, KeyCount, figures_of
from gateway.engine.keywatch import key_health
from gateway.records.registers import latest_agreed_review
from gateway.store import agreements, alarms, ledger
from gateway.store.database import Transaction
from gateway.web.site import Site


class EventCounts:
    """How often each event happened: counted once, and from then on only what is new.

    It goes by the ledger's index, which proves nothing; `ledger verify` and the assurance report
    of the command line go by the leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._upto = 0
        self._events: Counter[str] = Counter()
        self._last: dict[str, int] = {}

    def of(self, tx: Transaction) -> Counts:
        """The counts as that transaction sees the ledger."""
        with self._lock:
            for event, (count, last) in ledger.counted(tx, self._upto).items():
                self._events[event] += count
                self._last[event] = last
                self._upto = max(self._upto, last)
            events, places = Counter(self._events), dict(self._last)
        return events, {event: _at(tx, seq) for event, seq in places.items()}, events.total()


def _at(tx: Transaction, seq: int) -> str:
    row = ledger.leaf_at(tx, seq)
    return str(json.loads(row.leaf)["at"]) if row is not None else ""


@dataclass(frozen=True)
class Word:
    """What a party said of a version, ``signed`` or ``withdrawn``, and by which key."""

    party: str
    kind: str
    at: datetime
    key: str


@dataclass(frozen=True)
class Version:
    """A version that was seen here. ``now``: it is the one in force."""

    name: str
    hash: str
    seen_at: datetime
    starts: date | None
    now: bool
    words: Sequence[Word]


@dataclass(frozen=True)
class Standing:
    """How the agreement stands, as the worker found it: what it alarms about stops dispatch."""

    agreed: Agreed
    versions: Sequence[Version]
    stopped: Sequence[str]
    review_on: date | None
    reviewed_on: date | None


def standing_of(tx: Transaction, agreed: Agreed) -> Standing:
    """How an agreement stands. The signatures themselves only the worker can verify."""
    found = [
        Version(
            row.version,
            row.hash,
            row.first_seen_at,
            row.effective_from,
            row.hash == agreed.hash,
            [
                Word(item.party, item.kind, item.signed_at, item.fingerprint)
                for item in agreements.signatures(tx, row.hash)
            ],
        )
        for row in agreements.versions(tx, agreed.agreement.id)
    ]
    about = f"agreement:{agreed.agreement.id}"
    stopped = [
        item.words
        for code in (UNSIGNED, CHANGED, WITHDRAWN)
        for item in alarms.open_alarms(tx, code)
        if item.subject == about
    ]
    reviewed = latest_agreed_review(tx)
    signed = [
        london_date(word.at)
        for version in found
        if version.now
        for word in version.words
        if word.kind == "signed"
    ]
    due = review_due(agreed, max(signed), reviewed) if signed and not stopped else None
    return Standing(agreed, found[::-1], stopped, due, reviewed)


def assurance_now(own: Site, counts: EventCounts) -> Assurance:
    """Every clause with its figure now; keys are counted as the worker last saw them."""
    with own.parts.database.snapshot() as tx:
        good, every = key_health(tx)
    figures = figures_of(own.parts, own.now(), KeyCount(good, every), counts.of)
    return assured(figures, own.parts.home.is_rehearsal)
