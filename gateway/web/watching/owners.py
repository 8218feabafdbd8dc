"""What is owed and what alarms are open, each with whose it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.load import Agreed
from gateway.receipts.deadlines import agreed_about
from gateway.receipts.notices import TITLES, audiences_of
from gateway.receipts.owing import Owed, outstanding
from gateway.store import alarms
from gateway.store.alarms import AlarmRow
from gateway.store.database import Transaction
from gateway.web.watching.scope import Scope

MOST = 50  # alarms or owed things on a page; the rest is counted


@dataclass(frozen=True)
class OpenAlarm:
    """An open alarm. ``owners``: parties; ``told``: which of their officers; ``last``: all were."""

    title: str
    words: str
    code: str
    raised_at: datetime
    owners: tuple[str, ...]
    told: tuple[str, ...]
    escalates_at: datetime | None


def owed_to_see(
    tx: Transaction, agreed: Mapping[str, Agreed], scope: Scope, now: datetime
) -> list[Owed]:
    """Everything that is owed, as far as the visitor sees it; the most urgent first."""
    flows = {flow.id: flow for flow in scope.flows(agreed)}
    return [
        item
        for item in outstanding(tx, agreed, now)
        if item.flow in flows and scope.sees_owed(flows[item.flow], item)
    ]


def alarms_to_see(
    tx: Transaction, agreed: Mapping[str, Agreed], parties: Mapping[str, str], scope: Scope
) -> tuple[list[OpenAlarm], int]:
    """The first open alarms that concern the visitor, and how many more there are."""
    seen: list[OpenAlarm] = []
    more = 0
    found = alarms.open_alarms(tx)
    for alarm, concerned in zip(found, audiences_of(tx, found, agreed), strict=True):
        if len(seen) == MOST:
            more += 1
            continue
        sides = {item.party for item in concerned if item.side != "home"}
        if not scope.whole and not scope.stands_for(sides):
            continue
        owners = dict.fromkeys(parties.get(item.party, item.party) for item in concerned)
        at_home = not sides
        seen.append(_told(alarm, agreed, tuple(owners), at_home, scope.whole))
    return seen, more


def _told(
    alarm: AlarmRow,
    agreed: Mapping[str, Agreed],
    owners: tuple[str, ...],
    at_home: bool,
    whole: bool,
) -> OpenAlarm:
    steps = agreed_about(agreed, alarm.subject).agreement.escalation
    roles = {role for step in steps[: alarm.level + 1] for role in step.tells}
    told = ("administrator",) if at_home else tuple(sorted(roles))
    known = alarm.code in TITLES
    words = alarm.words if known or whole else "An administrator sees what it is."
    title = TITLES.get(alarm.code, "an alarm needs an administrator")
    return OpenAlarm(
        title[0].upper() + title[1:],
        words,
        alarm.code,
        alarm.raised_at,
        owners,
        told,
        alarm.escalates_at,
    )


def summary(owed: Sequence[Owed], open_alarms: int, own: Iterable[str], now: datetime) -> str:
    """What people must do today, in one or two sentences. ``own``: the visitor's own parties."""
    mine = [item for item in owed if item.party in set(own)]
    late = sum(item.late(now) for item in (mine or owed))
    if mine:
        first = f"{_things(len(mine))} for you to do" + (f", {late} late." if late else ".")
    elif late:
        first = f"{_things(late)} late."
    else:
        first = "Nothing is late."
    if not open_alarms:
        return f"{first} No alarm is open."
    return f"{first} {open_alarms} alarm{' is' if open_alarms == 1 else 's are'} open."


def _things(count: int) -> str:
    return "One thing is" if count == 1 else f"{count} things are"
