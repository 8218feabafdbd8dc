"""Which windows have come due: recorded once each, the missed ones alarmed, none skipped."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from gateway.agreement.model import Flow
from gateway.agreement.windows import london_date, moments
from gateway.agreement.workingdays import WorkingDays
from gateway.engine.parts import Parts
from gateway.records.alarms import raise_alarm
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import meta, windows
from gateway.store.database import Transaction


def open_windows(
    parts: Parts,
    flow: Flow,
    now: datetime,
    ask: Callable[[Transaction], None] = lambda _: None,
) -> None:
    """Record every window of the flow that has come due since the last one recorded.

    A window acted on more than its grace after it was due counts as missed, and is alarmed. Where
    there is any, ``ask`` is called in the same transaction, for whoever is to pack it.
    """
    agreed = parts.agreed[flow.id]
    days = WorkingDays(agreed.agreement.calendar)
    with parts.database.transaction() as tx:
        start = _first_day(tx, flow, now)
        recorded = windows.last_day(tx, flow.id)
        if recorded is not None:
            start = max(start, recorded + timedelta(days=1))
        opened = moments(flow.window, days, start, now)
        for moment in opened:
            missed = now - moment.at > timedelta(minutes=flow.window.grace_minutes)
            windows.add(tx, flow.id, moment.day, moment.at, missed)
            facts: dict[str, Fact] = {
                "flow": flow.id,
                "day": moment.day.isoformat(),
                "due": moment.at.astimezone(UTC).isoformat(),
                "missed": missed,
            }
            subject = f"window:{flow.id}:{moment.day.isoformat()}"
            record(tx, event("window.due", subject, agreed.hash, facts), now)
            if missed:
                words = (
                    f"The window of {moment.day.isoformat()} for {flow.id} was missed: the gateway "
                    "was not working when it came due. The next package covers it."
                )
                raise_alarm(tx, "window.missed", subject, words, now)
        if opened:
            ask(tx)


def _first_day(tx: Transaction, flow: Flow, now: datetime) -> date:
    """The day from which the flow has windows: that of the home's first tick that knew it."""
    key = f"first-day:{flow.id}"
    known = meta.get(tx, key)
    if known is None:
        known = london_date(now).isoformat()
        meta.put(tx, key, known)
    return date.fromisoformat(known)
