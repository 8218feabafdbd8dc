"""The daily digest of one party: sent, collected, accepted, outstanding, and how much was on time.

A day's digest goes from the close of the working day before to the close of the day. Everything in
it is counted from the rows when it is asked for; `status` and the ledger tell the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.workingdays import ONE_DAY
from gateway.receipts.notices import audiences
from gateway.receipts.owing import Owed, outstanding
from gateway.store import alarms, drops, rehearsals
from gateway.store.alarms import AlarmRow
from gateway.store.database import Transaction
from gateway.store.outstanding import Journey, journeys, windows_in

# What is counted of a line, and how it is told.
_COUNTED = ("sent", "collected", "opened", "accepted", "queried")


@dataclass(frozen=True)
class Line:
    """One flow to one recipient: deliveries that took each step in the time of the digest."""

    flow: str
    sender: str
    recipient: str
    sent: int
    collected: int
    opened: int
    accepted: int
    queried: int
    on_time: int  # of the three steps that a recipient takes
    steps: int

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        names = ("flow", "sender", "recipient", *_COUNTED)
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Digest:
    """A party's day. ``on_time`` of ``steps``: those taken, and those that are late and owed."""

    party: str
    name: str
    day: date
    since: datetime
    until: datetime
    lines: tuple[Line, ...]
    windows: int
    missed: int
    drops: Mapping[str, int]
    owed: tuple[Owed, ...]
    alarms: tuple[AlarmRow, ...]
    on_time: int
    steps: int
    agreed: Agreed

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As ``digest --json`` prints it."""
        return {
            "party": self.party,
            "day": self.day.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "flows": [line.as_json() for line in self.lines],
            "windows": {"due": self.windows, "missed": self.missed},
            "drops": dict(self.drops),
            "outstanding": [item.as_json(now) for item in self.owed],
            "alarms": [{"code": item.code, "subject": item.subject} for item in self.alarms],
            "on_time": {"steps": self.on_time, "of": self.steps},
        }


def parties_of(agreed: Mapping[str, Agreed]) -> dict[str, Agreed]:
    """Every party that sends or receives, and the agreement whose calendar its digest goes by."""
    found: dict[str, Agreed] = {}
    for flow_id, item in agreed.items():
        flow = item.agreement.flow(flow_id)
        for party in (flow.sender, *(recipient.party for recipient in flow.recipients)):
            found.setdefault(party, item)
    return found


def digest_of(
    tx: Transaction, agreed: Mapping[str, Agreed], party: str, day: date, now: datetime
) -> Digest:
    """A party's digest of a day, as far as the day has gone at ``now``. Raises KeyError."""
    own = parties_of(agreed)[party]
    hours = own.working_hours
    since = hours.span(own.working_days.on_or_before(day - ONE_DAY))[1]
    until = min(hours.span(day)[1], now)
    flows = {flow_id: item.agreement.flow(flow_id) for flow_id, item in agreed.items()}
    mine = {key: flow for key, flow in flows.items() if _concerns(flow, party)}
    owed = tuple(item for item in outstanding(tx, agreed, now) if _waits(item, mine, party))
    taken = journeys(tx, since, until)
    lines = tuple(
        _line(agreed[key], flow, recipient.party, taken, since, until)
        for key, flow in mine.items()
        for recipient in flow.recipients
        if party in (flow.sender, recipient.party)
    )
    windows = [item for item in windows_in(tx, since, until) if item.flow in mine]
    rehearsed = rehearsals.packages_of(tx)
    late = sum(
        item.late(now)
        for item in owed
        if item.package is not None and item.package not in rehearsed
    )
    return Digest(
        party=party,
        name=next(item.name for item in own.agreement.parties if item.id == party),
        day=day,
        since=since,
        until=until,
        lines=lines,
        windows=len(windows),
        missed=sum(item.missed for item in windows),
        drops=drops.counted(tx, party, since, until),
        owed=owed,
        alarms=tuple(
            item
            for item in alarms.open_alarms(tx)
            if party in {found.party for found in audiences(tx, item, agreed)}
        ),
        on_time=sum(line.on_time for line in lines),
        steps=sum(line.steps for line in lines) + late,
        agreed=own,
    )


def _concerns(flow: Flow, party: str) -> bool:
    return party == flow.sender or party in {item.party for item in flow.recipients}


def _waits(owed: Owed, mine: Mapping[str, Flow], party: str) -> bool:
    """Whether the party owes it, or waits for it; a recipient is not told of another's."""
    return owed.flow in mine and (owed.to is None or party in (owed.party, owed.to))


def _line(
    agreed: Agreed,
    flow: Flow,
    recipient: str,
    taken: Sequence[Journey],
    since: datetime,
    until: datetime,
) -> Line:
    own = [item for item in taken if (item.flow, item.party) == (flow.id, recipient)]

    def within(at: datetime | None) -> bool:
        return at is not None and since < at <= until

    judged = [kept for item in own for kept in _kept(agreed, item, since, until)]
    return Line(
        flow=flow.id,
        sender=flow.sender,
        recipient=recipient,
        sent=sum(within(item.placed) for item in own),
        collected=sum(within(item.collected) for item in own),
        opened=sum(within(item.opened) for item in own),
        accepted=sum(within(item.accepted) for item in own),
        queried=sum(within(item.queried) for item in own),
        on_time=sum(judged),
        steps=len(judged),
    )


def _kept(agreed: Agreed, item: Journey, since: datetime, until: datetime) -> Iterator[bool]:
    """Of each step taken in that time and under a deadline: whether it was taken before its end."""
    answered = min(filter(None, (item.accepted, item.queried)), default=None)
    steps = (
        ("collected", item.placed, item.collected),
        ("opened", item.collected, item.opened),
        ("accepted", item.opened, answered),
    )
    for name, start, end in steps:
        deadline = agreed.agreement.deadline(name)
        if deadline is not None and start is not None and end is not None and since < end <= until:
            yield end <= agreed.working_hours.deadline_at(deadline, start)


def as_text(digest: Digest, now: datetime, mark: str = "") -> str:
    """The digest for people: plain text, no wider than a terminal; no value, no reference."""
    zone = digest.agreed.working_days.zone

    def told(at: datetime) -> str:
        return f"{at.astimezone(zone):%a %d %B %Y, %H:%M}"

    lines = [
        f"{mark}The gateway's digest for {digest.name} ({digest.party})",
        f"{digest.day:%A %d %B %Y}: from {told(digest.since)} to {told(digest.until)}",
        "",
    ]
    for line in digest.lines:
        counts = ", ".join(f"{name} {getattr(line, name)}" for name in _COUNTED)
        lines += [f"{line.flow}, {line.sender} to {line.recipient}", f"  {counts}"]
    taken = ", ".join(f"{state} {count}" for state, count in digest.drops.items())
    lines += ["", f"Windows: due {digest.windows}, missed {digest.missed}"]
    lines += [f"Drops of {digest.party}: {taken or 'none'}", f"On time: {_rate(digest)}", ""]
    lines.append("Outstanding:" if digest.owed else "Outstanding: nothing")
    for item in digest.owed:
        late = "LATE, was due" if item.late(now) else "due"
        what = f"{item.package or item.flow}: {item.what}, by {item.party}"
        lines.append(f"  - {what}; {late} {told(item.due_at)}")
    lines.append("Open alarms:" if digest.alarms else "Open alarms: none")
    lines += [f"  - {item.code}, since {told(item.raised_at)}" for item in digest.alarms]
    return "\n".join(lines) + "\n"


def _rate(digest: Digest) -> str:
    if not digest.steps:
        return "nothing was due"
    share = 100 * digest.on_time // digest.steps
    return f"{digest.on_time} of {digest.steps} steps ({share} %)"
