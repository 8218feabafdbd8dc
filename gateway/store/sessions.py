"""Rows of the site's sessions: a secret's hash, whose it is, and when it began, was seen, ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema_people import site_sessions


@dataclass(frozen=True)
class SessionRow:
    """A session. ``person_id`` is None until somebody has signed in by it."""

    id: int
    secret_hash: bytes
    person_id: str | None
    contents_sealed: bytes
    agent: str
    begun_at: datetime
    seen_at: datetime
    fresh_at: datetime | None
    ended_at: datetime | None
    way: str = ""


def add(tx: Transaction, **values: Any) -> None:
    """A session has begun; columns as in the schema."""
    tx.execute(sa.insert(site_sessions).values(**values))


def get(tx: Transaction, secret_hash: bytes) -> SessionRow | None:
    """The session of that secret, or None."""
    row = tx.execute(
        sa.select(site_sessions).where(site_sessions.c.secret_hash == secret_hash)
    ).mappings()
    found = row.first()
    return SessionRow(**found) if found else None


def open_of(tx: Transaction, person_id: str) -> list[SessionRow]:
    """The sessions of a person that have not been ended, the last used first."""
    rows = tx.execute(
        sa.select(site_sessions)
        .where(site_sessions.c.person_id == person_id, site_sessions.c.ended_at.is_(None))
        .order_by(site_sessions.c.seen_at.desc(), site_sessions.c.id)
    ).mappings()
    return [SessionRow(**row) for row in rows]


def open_counts(tx: Transaction) -> dict[str, int]:
    """In how many sessions that have not been ended each person is signed in."""
    table = site_sessions
    asked = sa.select(table.c.person_id, sa.func.count()).where(
        table.c.person_id.is_not(None), table.c.ended_at.is_(None)
    )
    return {row[0]: row[1] for row in tx.execute(asked.group_by(table.c.person_id))}


def change(tx: Transaction, session_id: int, **values: Any) -> bool:
    """Set columns of a session that has not ended; False: it has."""
    changed = tx.execute(
        sa.update(site_sessions)
        .where(site_sessions.c.id == session_id, site_sessions.c.ended_at.is_(None))
        .values(**values)
    ).rowcount
    return changed == 1


def end_all(tx: Transaction, person_id: str, at: datetime, but: int | None = None) -> int:
    """End all sessions of a person but one; how many there were."""
    asked = sa.update(site_sessions).where(
        site_sessions.c.person_id == person_id, site_sessions.c.ended_at.is_(None)
    )
    if but is not None:
        asked = asked.where(site_sessions.c.id != but)
    ended: int = tx.execute(asked.values(ended_at=at, contents_sealed=b"")).rowcount
    return ended


def sweep(tx: Transaction, nobody_before: datetime, anybody_before: datetime) -> None:
    """Remove what is over: sooner where nobody had signed in. The ledger has the sign-ins."""
    idle = site_sessions.c.seen_at
    nobody = sa.and_(site_sessions.c.person_id.is_(None), idle < nobody_before)
    tx.execute(sa.delete(site_sessions).where(sa.or_(nobody, idle < anybody_before)))
