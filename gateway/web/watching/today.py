"""A flow's day as a timeline: what has happened, and, in other words, what is still to come."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.windows import WindowMoment, next_moment
from gateway.agreement.workingdays import ONE_DAY
from gateway.dispatch.manifest import KIND_WORDS
from gateway.receipts.owing import Owed
from gateway.store import watching
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.store.watching import Journey
from gateway.web.watching.scope import Scope

_LOOK_BACK = timedelta(days=14)  # a package that is answered today may be some days old
_MOST_DROPS = 20
_KIND_WORDS: Mapping[str, str] = {str(kind): words for kind, words in KIND_WORDS.items()}
_STEPS = (
    ("placed_at", "Placed for {}"),
    ("collected_at", "Collected by {}"),
    ("opened_at", "Opened by {}"),
    ("acknowledged_at", "Answered by {}"),
)
_DUE = {
    "drop": "An extract is due from {}",
    "update": "An update is due from {}",
    "collected": "{} is to have collected by now",
    "opened": "{} is to have opened by now",
    "accepted": "{} is to have accepted or queried by now",
    "answer": "{} is to have answered a query by now",
}


@dataclass(frozen=True)
class Entry:
    """One line of a timeline. ``to_come``: it has not happened yet, and may not."""

    at: datetime
    title: str
    words: str = ""
    to_come: bool = False


@dataclass(frozen=True)
class FlowToday:
    """A flow's day. ``coming``: its next window, whether today or not."""

    flow: Flow
    entries: tuple[Entry, ...]
    coming: WindowMoment


class Day:
    """Makes the timelines of one day, told with the parties' names."""

    def __init__(
        self, tx: Transaction, parties: dict[str, str], scope: Scope, now: datetime
    ) -> None:
        self._tx, self._parties, self._scope, self._now = tx, parties, scope, now

    def of(self, flow: Flow, agreed: Agreed, owed: Sequence[Owed]) -> FlowToday:
        """The timeline of a flow."""
        zone = agreed.working_days.zone
        day = self._now.astimezone(zone).date()
        begin = datetime.combine(day, time(), zone)
        end = begin + ONE_DAY
        coming = next_moment(flow.window, agreed.working_days, self._now)
        entries = [*self._drops(flow, begin, end)]
        entries += self._windows(flow, day)
        recent = watching.journeys_of_days(self._tx, flow.id, day - _LOOK_BACK, day)
        seen = [item for item in recent if self._scope.sees_delivery(flow, item.party)]
        entries += self._steps(seen, begin, end)
        if coming.at < end:
            entries.append(Entry(coming.at, "The window comes due", to_come=True))
        entries += [
            Entry(item.due_at, _DUE[item.what].format(self._name(item.party)), "", True)
            for item in owed
            if item.flow == flow.id and self._now < item.due_at < end
        ]
        entries.sort(key=lambda entry: (entry.to_come, entry.at))
        return FlowToday(flow, tuple(entries), coming)

    def _name(self, party: str) -> str:
        return self._parties.get(party, party)

    def _drops(self, flow: Flow, begin: datetime, end: datetime) -> Iterator[Entry]:
        if not self._scope.sees_drops(flow):
            return
        title = f"An extract arrived from {self._name(flow.sender)}"
        for row in watching.drops_of_time(self._tx, flow.id, begin, end, _MOST_DROPS):
            yield Entry(row.received_at, title, judged(row))

    def _windows(self, flow: Flow, day: date) -> Iterator[Entry]:
        for item in watching.outcomes(self._tx, flow.id, day, day):
            kind = item.kind
            words = _KIND_WORDS[kind] if kind else "Its package is being made."
            yield Entry(item.due_at, "The window came due", words)

    def _steps(
        self, journeys: Iterable[Journey], begin: datetime, end: datetime
    ) -> Iterator[Entry]:
        together: dict[tuple[datetime, str, str], list[str]] = defaultdict(list)
        for item in journeys:
            for column, title in _STEPS:
                at: datetime | None = getattr(item, column)
                if at is not None and begin <= at < end:
                    minute = at.replace(second=0, microsecond=0)
                    together[minute, title, item.package_id].append(self._name(item.party))
        for (at, title, package), names in together.items():
            yield Entry(at, title.format(" and ".join(names)), package)


def judged(row: DropRow) -> str:
    """What was said of a drop, by its counts."""
    if row.state == "received":
        return "It is being read."
    if row.state == "quarantined":
        return "Judged: refused whole, and kept apart."
    if row.state == "duplicate":
        return "Judged: the same file as one that came before."
    if row.rows == 0:
        return "Judged: accepted, with no rows: nothing to send."
    words = f"Judged: {row.accepted} of {row.rows} rows accepted, {row.held} held."
    return f"{words} It was {row.state}." if row.state in ("withdrawn", "replaced") else words
