"""Deadlines: what is late becomes an alarm, an alarm that stays open is told higher up.

Each is raised once. It ends by evidence alone: the receipt, the drop, the answer. A change of
agreement, or a clock that goes back, ends none.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.agreement.load import Agreed
from gateway.receipts.owing import CODES, Owed, outstanding
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.records.ledger import event, record
from gateway.store import alarms
from gateway.store.alarms import AlarmRow
from gateway.store.database import Database, Transaction
from gateway.store.outstanding import covered_packages

_WINDOWS = ("window.missed", "window.went-without")


def watch_deadlines(database: Database, agreed: Mapping[str, Agreed], now: datetime) -> list[Owed]:
    """Raise what has become late, end what was given, tell higher up what stays open.

    Returns everything outstanding. Raises StoreFault.
    """
    with database.transaction() as tx:
        owed = outstanding(tx, agreed, now)
        _end_what_was_given(tx, owed, now)
        for item in owed:
            if item.late(now):
                raise_alarm(tx, item.code, item.subject, item.words, now)
        _end_windows(tx, now)
        for alarm in alarms.open_alarms(tx):
            _escalate(tx, alarm, agreed_about(agreed, alarm.subject), now)
    return owed


def agreed_about(agreed: Mapping[str, Agreed], subject: str) -> Agreed:
    """The agreement that an alarm's subject falls under; the first one for the home's own."""
    named = set(subject.replace(":", " ").split())
    for flow_id, item in agreed.items():
        if flow_id in named or any(part.startswith(f"{flow_id}-2") for part in named):
            return item
    return next(iter(agreed.values()))


def _end_what_was_given(tx: Transaction, owed: list[Owed], now: datetime) -> None:
    still = {(item.code, item.subject) for item in owed}
    for alarm in alarms.open_alarms(tx):
        if alarm.code in CODES.values() and (alarm.code, alarm.subject) not in still:
            clear_alarm(tx, alarm.code, alarm.subject, now)


def _end_windows(tx: Transaction, now: datetime) -> None:
    """What a missed window held back is made good once every recipient has accepted its package."""
    missed = [item for item in alarms.open_alarms(tx) if item.code in _WINDOWS]
    if not missed:
        return
    states = covered_packages(tx)
    for alarm in missed:
        _, flow, day = alarm.subject.split(":")
        if states.get((flow, day)) in ("accepted", "superseded"):
            clear_alarm(tx, alarm.code, alarm.subject, now)


def _escalate(tx: Transaction, alarm: AlarmRow, agreed: Agreed, now: datetime) -> None:
    """Tell the next in line for each step whose time has come since the alarm was raised."""
    steps = agreed.agreement.escalation
    level = alarm.level
    due = [agreed.working_hours.add(alarm.raised_at, step.working_hours) for step in steps]
    while level + 1 < len(steps) and due[level + 1] <= now:
        level += 1
        facts: dict[str, str | int | bool] = {"code": alarm.code, "level": level}
        record(tx, event("alarm.escalated", alarm.subject, agreed.hash, facts), now)
    following = due[level + 1] if level + 1 < len(steps) else None
    if (level, following) != (alarm.level, alarm.escalates_at):
        alarms.set_level(tx, alarm.id, level, following)
