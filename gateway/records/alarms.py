"""Alarms: raised once, cleared by evidence, each with its ledger row."""

from collections.abc import Collection
from datetime import datetime

from gateway.records.ledger import event, record
from gateway.store import alarms as rows
from gateway.store.database import Database, Transaction


def raise_alarm(tx: Transaction, code: str, subject: str, words: str, at: datetime) -> bool:
    """Raise an alarm, in the caller's transaction, unless it is open; whether it is new.

    ``subject`` and ``words`` name flows, parties, packages and days, never a value or a file name.
    """
    new = rows.raise_once(tx, code, subject, words, at)
    if new:
        record(tx, event("alarm.raised", subject, facts={"code": code}), at)
    return new


def clear_alarm(tx: Transaction, code: str, subject: str, at: datetime) -> bool:
    """Clear an open alarm on evidence that it is over; whether there was one."""
    was_open = rows.clear(tx, code, subject, at)
    if was_open:
        record(tx, event("alarm.cleared", subject, facts={"code": code}), at)
    return was_open


def clear_about(tx: Transaction, subject: str, at: datetime, but: Collection[str] = ()) -> None:
    """Clear every open alarm about a subject, but for those codes: it is well again."""
    for alarm in rows.open_alarms(tx):
        if alarm.subject == subject and alarm.code not in but:
            clear_alarm(tx, alarm.code, subject, at)


def clear_others(
    database: Database, code: str, still: set[str], at: datetime, kind: str | tuple[str, ...] = ""
) -> None:
    """Clear every open alarm of a code whose subject is not among those that still hold.

    ``kind``: only of subjects that begin so, where another part raises alarms of that code too.
    """
    with database.transaction() as tx:
        for alarm in rows.open_alarms(tx, code):
            if alarm.subject.startswith(kind) and alarm.subject not in still:
                clear_alarm(tx, code, alarm.subject, at)
