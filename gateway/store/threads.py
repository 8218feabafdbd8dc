"""Rows of query threads: what is said is sealed; its age, parties and state can be read."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import thread_entries, threads


@dataclass(frozen=True)
class ThreadRow:
    """A query about a package. ``party`` asked; ``place_sealed``: reference and heading, if any."""

    id: str
    package_id: str
    flow: str
    party: str
    place_sealed: bytes | None
    state: str
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class EntryRow:
    """One thing said in a thread, numbered from 1."""

    thread_id: str
    number: int
    party: str
    officer: str
    at: datetime
    text_sealed: bytes


@dataclass(frozen=True)
class OpenThread:
    """A thread that waits for its answer: asked first at ``opened_at``, last at ``asked_at``."""

    id: str
    package_id: str
    flow: str
    party: str
    opened_at: datetime
    asked_at: datetime


def add(
    tx: Transaction,
    *,
    thread_id: str,
    package_id: str,
    flow: str,
    party: str,
    place_sealed: bytes | None,
    opened_at: datetime,
) -> None:
    """A party has opened a thread; its first entry is added apart."""
    tx.execute(
        sa.insert(threads).values(
            id=thread_id,
            package_id=package_id,
            flow=flow,
            party=party,
            place_sealed=place_sealed,
            state="open",
            opened_at=opened_at,
        )
    )


def add_entry(tx: Transaction, entry: EntryRow) -> None:
    """Something was said. The number is the caller's, so that two at once cannot both be next."""
    tx.execute(
        sa.insert(thread_entries).values(
            thread_id=entry.thread_id,
            number=entry.number,
            party=entry.party,
            officer=entry.officer,
            at=entry.at,
            text_sealed=entry.text_sealed,
        )
    )


def get(tx: Transaction, thread_id: str) -> ThreadRow | None:
    """The thread of that id, or None."""
    row = tx.execute(sa.select(threads).where(threads.c.id == thread_id)).mappings().first()
    return ThreadRow(**row) if row else None


def entries(tx: Transaction, thread_id: str) -> list[EntryRow]:
    """What was said in a thread, in order."""
    rows = tx.execute(
        sa.select(thread_entries)
        .where(thread_entries.c.thread_id == thread_id)
        .order_by(thread_entries.c.number)
    ).mappings()
    return [EntryRow(**row) for row in rows]


def of_package(tx: Transaction, package_id: str, party: str) -> list[ThreadRow]:
    """The threads that a party opened about a package, oldest first."""
    rows = tx.execute(
        sa.select(threads)
        .where(threads.c.package_id == package_id, threads.c.party == party)
        .order_by(threads.c.opened_at, threads.c.id)
    ).mappings()
    return [ThreadRow(**row) for row in rows]


def open_threads(tx: Transaction) -> list[OpenThread]:
    """The threads that wait for an answer, the one that was asked longest ago first."""
    asked_at = sa.func.max(thread_entries.c.at, type_=thread_entries.c.at.type).label("asked_at")
    shown = (
        threads.c.id,
        threads.c.package_id,
        threads.c.flow,
        threads.c.party,
        threads.c.opened_at,
    )
    rows = tx.execute(
        sa.select(*shown, asked_at)
        .join(thread_entries, thread_entries.c.thread_id == threads.c.id)
        .where(threads.c.state == "open")
        .group_by(*shown)
        .order_by(asked_at, threads.c.id)
    ).mappings()
    return [OpenThread(**row) for row in rows]


def all_of_package(tx: Transaction, package_id: str) -> list[ThreadRow]:
    """The threads about a package, in the order they were opened."""
    rows = tx.execute(
        sa.select(threads)
        .where(threads.c.package_id == package_id)
        .order_by(threads.c.opened_at, threads.c.id)
    ).mappings()
    return [ThreadRow(**row) for row in rows]


def latest(tx: Transaction, limit: int = 50) -> list[ThreadRow]:
    """The latest threads of all flows, newest first."""
    rows = tx.execute(
        sa.select(threads).order_by(threads.c.opened_at.desc(), threads.c.id).limit(limit)
    ).mappings()
    return [ThreadRow(**row) for row in rows]
