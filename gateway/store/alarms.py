"""Rows of alarms: one open alarm per code and subject."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import alarms, drops, requests, threads

_MANY = 500  # values asked for at once


@dataclass(frozen=True)
class AlarmRow:
    """Something that people must look at; ``words`` say what and what to do, never a value."""

    id: int
    code: str
    subject: str
    words: str
    raised_at: datetime
    cleared_at: datetime | None
    level: int
    escalates_at: datetime | None


@dataclass(frozen=True)
class Place:
    """Of which party, and which flow where that is known, the subject of an alarm is."""

    flow: str
    party: str


def places(tx: Transaction, subjects: Iterable[str]) -> dict[str, Place]:
    """Where those subjects belong that are threads, drops or requests, and that there are."""
    no_flow = sa.literal("")
    tables = {
        "thread": (threads.c.id, threads.c.flow, threads.c.party),
        "drop": (drops.c.id, drops.c.flow, drops.c.party),
        "request": (requests.c.id, no_flow, requests.c.party),
    }
    wanted: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        kind, _, about = subject.partition(":")
        wanted.setdefault(kind, []).append(about)
    found: dict[str, Place] = {}
    for kind, columns in tables.items():
        ids = wanted.get(kind, [])
        for start in range(0, len(ids), _MANY):
            asked = sa.select(*columns).where(columns[0].in_(ids[start : start + _MANY]))
            for name, flow, party in tx.execute(asked):
                found[f"{kind}:{name}"] = Place(flow, party)
    return found


def raise_once(tx: Transaction, code: str, subject: str, words: str, at: datetime) -> bool:
    """Raise an alarm unless the same one is open already; whether it is new."""
    there = tx.execute(
        sa.select(alarms.c.id).where(
            alarms.c.code == code, alarms.c.subject == subject, alarms.c.cleared_at.is_(None)
        )
    ).first()
    if there is not None:
        return False
    tx.execute(sa.insert(alarms).values(code=code, subject=subject, words=words, raised_at=at))
    return True


def clear(tx: Transaction, code: str, subject: str, at: datetime) -> bool:
    """Clear an open alarm because evidence says that it is over; whether there was one."""
    changed = tx.execute(
        sa.update(alarms)
        .where(alarms.c.code == code, alarms.c.subject == subject, alarms.c.cleared_at.is_(None))
        .values(cleared_at=at)
    ).rowcount
    return bool(changed)


def open_alarms(tx: Transaction, code: str | None = None) -> list[AlarmRow]:
    """The open alarms, oldest first; of one code where given."""
    where: list[sa.ColumnElement[bool]] = [alarms.c.cleared_at.is_(None)]
    if code is not None:
        where.append(alarms.c.code == code)
    rows = tx.execute(sa.select(alarms).where(*where).order_by(alarms.c.id)).mappings()
    return [AlarmRow(**row) for row in rows]


def set_level(tx: Transaction, alarm_id: int, level: int, escalates_at: datetime | None) -> None:
    """How far up an open alarm has been told, and when the next are; None: there are none."""
    tx.execute(
        sa.update(alarms)
        .where(alarms.c.id == alarm_id, alarms.c.cleared_at.is_(None))
        .values(level=level, escalates_at=escalates_at)
    )
