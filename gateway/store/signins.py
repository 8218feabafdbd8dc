"""Rows that count failed sign-ins, by person and by address, and know the usual places."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema_people import sign_in_counters, sign_in_places


@dataclass(frozen=True)
class CounterRow:
    """How often it went wrong, when last, and until when no more is heard."""

    key: bytes
    kind: str
    failures: int
    last_at: datetime
    paused_until: datetime | None


def get(tx: Transaction, key: bytes) -> CounterRow | None:
    """The counter of that key, or None; nobody else changes it in this transaction."""
    row = tx.execute(
        sa.select(sign_in_counters).where(sign_in_counters.c.key == key).with_for_update()
    ).mappings()
    found = row.first()
    return CounterRow(**found) if found else None


def put(tx: Transaction, row: CounterRow, new: bool) -> None:
    """Keep a counter."""
    values = {"failures": row.failures, "last_at": row.last_at, "paused_until": row.paused_until}
    if new:
        tx.execute(sa.insert(sign_in_counters).values(key=row.key, kind=row.kind, **values))
        return
    tx.execute(
        sa.update(sign_in_counters).where(sign_in_counters.c.key == row.key).values(**values)
    )


def clear(tx: Transaction, key: bytes) -> None:
    """It went well: what was counted is forgotten."""
    tx.execute(sa.delete(sign_in_counters).where(sign_in_counters.c.key == key))


def give_back(tx: Transaction, key: bytes, attempts: int) -> None:
    """Count so many attempts less, as they went well."""
    left = sign_in_counters.c.failures - attempts
    tx.execute(
        sa.update(sign_in_counters)
        .where(sign_in_counters.c.key == key)
        .values(failures=sa.case((left > 0, left), else_=0))
    )


def failures_since(tx: Transaction, kind: str, since: datetime) -> int:
    """How often it went wrong lately, by counters of a kind."""
    told: int | None = tx.execute(
        sa.select(sa.func.sum(sign_in_counters.c.failures)).where(
            sign_in_counters.c.kind == kind, sign_in_counters.c.last_at >= since
        )
    ).scalar_one()
    return int(told or 0)


def note_place(tx: Transaction, key: bytes, at: datetime) -> None:
    """Somebody signed in from there."""
    known = sa.update(sign_in_places).where(sign_in_places.c.key == key).values(seen_at=at)
    if tx.execute(known).rowcount == 0:
        tx.execute(sa.insert(sign_in_places).values(key=key, seen_at=at))


def knows_place(tx: Transaction, key: bytes, since: datetime) -> bool:
    """Whether the person signed in from there since then."""
    asked = sa.select(sign_in_places.c.key).where(
        sign_in_places.c.key == key, sign_in_places.c.seen_at >= since
    )
    return tx.execute(asked).first() is not None


def sweep(tx: Transaction, counters_before: datetime, places_before: datetime) -> None:
    """Forget what is too old to matter."""
    tx.execute(sa.delete(sign_in_counters).where(sign_in_counters.c.last_at < counters_before))
    tx.execute(sa.delete(sign_in_places).where(sign_in_places.c.seen_at < places_before))
