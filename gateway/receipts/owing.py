"""What is outstanding: who owes what, about which package, and until when, in working hours.

Computed from the rows at any moment, and kept nowhere: alarms, the digest and `status` all tell
the same of it. A delivery owes one step at a time: collected, then opened, then accepted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.agreement.load import Agreed
from gateway.agreement.model import CUT_OFF, Flow
from gateway.agreement.windows import next_moment
from gateway.store import outstanding as rows
from gateway.store import threads
from gateway.store.database import Transaction

# The state of a delivery: what its recipient owes next, which is also its deadline's name.
_NEXT = {"placed": "collected", "collected": "opened", "opened": "accepted"}
_WORDS = {
    "drop": "{party} has dropped nothing for the window of {flow} that is due at {window}.",
    "update": "{party} has dropped nothing for the weekly window of {flow} of {window}.",
    "collected": "{party} has not collected {package}, placed {since}.",
    "opened": "{party} has collected {package} ({since}) and has not opened it.",
    "accepted": "{party} has opened {package} ({since}); no officer has accepted or queried it.",
    "answer": "{party} has not answered the query about {package} that was asked {since}.",
}
_TO_DO = {
    "drop": "Drop the extract, or a nil return (headings alone) when there is nothing to send.",
    "update": "Drop the update, or a nil return (headings alone) when there is nothing to say.",
    "collected": "Collect it from the outbox, by SFTP or by the API.",
    "opened": "Open it; `open --receipt` sends the receipt.",
    "accepted": "A named officer says so with `acknowledge`, by the API or by a signed file.",
    "answer": "An officer of the sender answers it; `queries` lists what is asked.",
}
CODES: Mapping[str, str] = {
    "drop": "drop.not-by-cut-off",
    "update": "update.late",
    "collected": "delivery.not-collected",
    "opened": "delivery.not-opened",
    "accepted": "delivery.not-accepted",
    "answer": "query.unanswered",
}


@dataclass(frozen=True)
class Owed:
    """One thing that a party owes. ``subject`` is its alarm's; ``words`` hold no value of a cell.

    ``what`` is a key of `CODES`; ``to`` the party that waits for it, None: all recipients.
    """

    what: str
    subject: str
    flow: str
    package: str | None
    party: str
    to: str | None
    due_at: datetime
    words: str

    @property
    def code(self) -> str:
        """The code of the alarm when it is late."""
        return CODES[self.what]

    def late(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.due_at

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As `status --json` and the digest have it."""
        return {
            "owed": self.what,
            "party": self.party,
            "flow": self.flow,
            "package": self.package,
            "due_at": self.due_at.isoformat(),
            "late": self.late(now),
        }


def outstanding(tx: Transaction, agreed: Mapping[str, Agreed], now: datetime) -> list[Owed]:
    """Everything owed at ``now`` under the flows' agreements, the most urgent first."""
    owed: list[Owed] = []
    for flow_id, item in agreed.items():
        owed += _drops(tx, item, item.agreement.flow(flow_id), now)
    owed += _deliveries(tx, agreed)
    owed += _answers(tx, agreed)
    return sorted(owed, key=lambda item: (item.due_at, item.subject))


def _drops(tx: Transaction, agreed: Agreed, flow: Flow, now: datetime) -> Iterator[Owed]:
    coming = next_moment(flow.window, agreed.working_days, now)
    if flow.window.frequency == "working-day":
        deadline = agreed.agreement.deadline(CUT_OFF)
        if deadline is not None and not rows.drop_at_hand(tx, flow.id):
            due = agreed.working_hours.deadline_at(deadline, coming.at)
            subject = f"window:{flow.id}:{coming.day.isoformat()}"
            about = (flow.id, flow.sender, None)
            yield _owed(agreed, "drop", subject, about, due, window=coming.at)
        return
    deadline = agreed.agreement.deadline("weekly-update")
    if deadline is None:
        return
    subject = f"flow:{flow.id}"
    # A week's drop is one taken since the window before; it may well come after its own window.
    past = [window.due_at for window in rows.latest_windows(tx, flow.id, 2)]
    before = [*past, None]
    for at, since in reversed(list(zip([coming.at, *past[:1]], before, strict=False))):
        if not rows.taken_since(tx, flow.id, since):
            due = agreed.working_hours.deadline_at(deadline, at)
            about = (flow.id, flow.sender, None)
            yield _owed(agreed, "update", subject, about, due, window=at)
            return


def _deliveries(tx: Transaction, agreed: Mapping[str, Agreed]) -> Iterator[Owed]:
    for row in rows.underway(tx, tuple(_NEXT)):
        what = _NEXT[row.state]
        due = _due(agreed, row.flow, what, row.since)
        if due is not None:
            item, subject = agreed[row.flow], f"delivery:{row.delivery_id}"
            about = (row.flow, row.party, item.agreement.flow(row.flow).sender)
            yield _owed(item, what, subject, about, due, row.package_id, since=row.since)


def _answers(tx: Transaction, agreed: Mapping[str, Agreed]) -> Iterator[Owed]:
    """Of each open query; of a delivery queried by its receipt alone, which asks as well."""
    asked = [
        (f"thread:{row.id}", row.flow, row.package_id, row.party, row.asked_at)
        for row in threads.open_threads(tx)
    ]
    asked += [
        (f"delivery:{row.delivery_id}", row.flow, row.package_id, row.party, row.since)
        for row in rows.queried_in_silence(tx)
    ]
    for subject, flow_id, package, asker, since in asked:
        due = _due(agreed, flow_id, "query-answered", since)
        if due is not None:
            item, sender = agreed[flow_id], agreed[flow_id].agreement.flow(flow_id).sender
            about = (flow_id, sender, asker)
            yield _owed(item, "answer", subject, about, due, package, since=since)


def _due(
    agreed: Mapping[str, Agreed], flow_id: str, deadline_id: str, since: datetime
) -> datetime | None:
    """When the deadline is over; None where no agreement has it."""
    item = agreed.get(flow_id)
    deadline = item.agreement.deadline(deadline_id) if item is not None else None
    if item is None or deadline is None:
        return None
    return item.working_hours.deadline_at(deadline, since)


def _owed(
    agreed: Agreed,
    what: str,
    subject: str,
    about: tuple[str, str, str | None],
    due: datetime,
    package: str | None = None,
    **times: datetime,
) -> Owed:
    flow, party, to = about
    zone = agreed.working_days.zone
    told = {name: f"{at.astimezone(zone):%d %B %Y, %H:%M}" for name, at in times.items()}
    words = _WORDS[what].format(party=party, flow=flow, package=package, **told)
    return Owed(what, subject, flow, package, party, to, due, f"{words} {_TO_DO[what]}")
