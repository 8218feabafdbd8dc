"""What a sender must do today, flow by flow: the first thing on the home page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.windows import london_date
from gateway.receipts.owing import Owed, outstanding
from gateway.store import drops
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.web.sending.coming import Coming, coming
from gateway.web.sending.ours import Ours, flows_of
from gateway.web.site import Site
from gateway.web.visitor import Visitor

_LOOKED_AT = 20  # of the latest drops
_MISSING = ("drop", "update")


@dataclass(frozen=True)
class ToAnswer:
    """A query that waits for the sender. ``thread``: None where a receipt alone asked."""

    package: str
    thread: str | None
    asker: str
    due_at: datetime
    late: bool


@dataclass(frozen=True)
class Wrong:
    """A drop to put right. ``followed``: another was taken since, which may have done so."""

    drop: DropRow
    followed: bool


@dataclass(frozen=True)
class Today:
    """One flow's day. ``missing``: the drop that is owed; ``wrong``: drops to put right.

    ``is_today``: whether something is to be done before the day is over.
    """

    ours: Ours
    coming: Coming
    missing: Owed | None
    late: bool
    wrong: tuple[Wrong, ...]
    queries: tuple[ToAnswer, ...]
    is_today: bool

    @property
    def is_late(self) -> bool:
        """Whether something that waits for the sender is overdue."""
        return self.late or any(query.late for query in self.queries)

    @property
    def is_done(self) -> bool:
        """Whether nothing waits for the sender."""
        return not (self.missing or self.wrong or self.queries)


def todays(own: Site, who: Visitor) -> list[Today]:
    """The day of each flow that a visitor may send."""
    now = own.now()
    with own.parts.database.snapshot() as tx:
        return [today(tx, sent, now) for sent in flows_of(own, who)]


def today(tx: Transaction, sent: Ours, now: datetime) -> Today:
    """The day of one flow."""
    owed = [
        item
        for item in outstanding(tx, {sent.flow.id: sent.agreed}, now)
        if item.party == sent.party
    ]
    missing = next((item for item in owed if item.what in _MISSING), None)
    wrong, queries = tuple(_wrong(tx, sent, now)), tuple(_queries(owed, now))
    is_due = missing is not None and london_date(missing.due_at) <= london_date(now)
    return Today(
        sent,
        coming(tx, sent, now),
        missing,
        missing is not None and missing.late(now),
        wrong,
        queries,
        is_due or bool(wrong or queries),
    )


def _wrong(tx: Transaction, sent: Ours, now: datetime) -> Iterator[Wrong]:
    """Drops with held rows that wait or came today; one refused whole, until another is taken."""
    followed = False
    for drop in drops.page_of(tx, sent.party, sent.flow.id, None, _LOOKED_AT):
        of_today = london_date(drop.received_at) == london_date(now)
        if drop.state == "quarantined" and of_today and not followed:
            yield Wrong(drop, followed)
        if drop.held and (drop.state == "partly-held" or (drop.state == "sent" and of_today)):
            yield Wrong(drop, followed)
        followed = followed or drop.state in (*drops.WAITING, "sent")


def _queries(owed: list[Owed], now: datetime) -> Iterator[ToAnswer]:
    for item in owed:
        if item.what == "answer" and item.package:
            kind, _, thread = item.subject.partition(":")
            known = thread if kind == "thread" else None
            yield ToAnswer(item.package, known, item.to or "", item.due_at, item.late(now))
