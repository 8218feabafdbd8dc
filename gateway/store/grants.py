"""Rows of grants: who may do what for which party and flow. One that ends stays, with its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema_people import grants


@dataclass(frozen=True)
class GrantRow:
    """A grant. ``flow`` is ``*`` for all flows of the party."""

    id: str
    person_id: str
    party: str
    flow: str
    role: str
    granted_by: str
    granted_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


def add(tx: Transaction, **values: Any) -> None:
    """A grant was made; columns as in the schema."""
    tx.execute(sa.insert(grants).values(**values))


def get(tx: Transaction, grant_id: str) -> GrantRow | None:
    """The grant of that id, or None."""
    row = tx.execute(sa.select(grants).where(grants.c.id == grant_id)).mappings().first()
    return GrantRow(**row) if row else None


def of_person(tx: Transaction, person_id: str) -> list[GrantRow]:
    """All grants that a person has or had, oldest first."""
    rows = tx.execute(
        sa.select(grants)
        .where(grants.c.person_id == person_id)
        .order_by(grants.c.granted_at, grants.c.id)
    ).mappings()
    return [GrantRow(**row) for row in rows]


def in_force(tx: Transaction, person_id: str) -> list[GrantRow]:
    """The grants of a person that nobody has revoked."""
    rows = tx.execute(
        sa.select(grants).where(grants.c.person_id == person_id, grants.c.revoked_at.is_(None))
    ).mappings()
    return [GrantRow(**row) for row in rows]


def in_force_by_person(tx: Transaction, party: str) -> dict[str, list[GrantRow]]:
    """A party's grants that nobody has revoked, by person."""
    found: dict[str, list[GrantRow]] = {}
    asked = sa.select(grants).where(grants.c.party == party, grants.c.revoked_at.is_(None))
    for row in tx.execute(asked.order_by(grants.c.granted_at, grants.c.id)).mappings():
        found.setdefault(row["person_id"], []).append(GrantRow(**row))
    return found


def holders(tx: Transaction) -> set[str]:
    """The people who have a grant that nobody has revoked."""
    asked = sa.select(grants.c.person_id).where(grants.c.revoked_at.is_(None)).distinct()
    return set(tx.scalars(asked))


def any_of_role(tx: Transaction, role: str) -> bool:
    """Whether anybody has a grant of that role that is not revoked."""
    asked = sa.select(grants.c.id).where(grants.c.role == role, grants.c.revoked_at.is_(None))
    return tx.execute(asked.limit(1)).first() is not None


def revoke(tx: Transaction, grant_id: str, by: str, at: datetime) -> bool:
    """End a grant; whether it was in force until now."""
    changed = tx.execute(
        sa.update(grants)
        .where(grants.c.id == grant_id, grants.c.revoked_at.is_(None))
        .values(revoked_by=by, revoked_at=at)
    ).rowcount
    return changed == 1
