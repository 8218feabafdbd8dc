"""Rows of the versions of agreements that were ever in force here, and of what parties signed."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import agreement_signatures, agreement_versions


@dataclass(frozen=True)
class VersionRow:
    """An agreement as it once stood. ``body``: the canonical JSON that ``hash`` is of."""

    hash: str
    agreement: str
    version: str
    body: bytes
    effective_from: date | None
    first_seen_at: datetime


@dataclass(frozen=True)
class SignatureRow:
    """What a party said of a version, ``signed`` or ``withdrawn``, under its signature."""

    hash: str
    party: str
    kind: str
    fingerprint: str
    statement: bytes
    signature: bytes
    signed_at: datetime
    taken_at: datetime


def versions(tx: Transaction, agreement: str) -> list[VersionRow]:
    """Every version of an agreement, the first first."""
    table = agreement_versions
    asked = sa.select(table).where(table.c.agreement == agreement).order_by(table.c.first_seen_at)
    return [VersionRow(**row) for row in tx.execute(asked).mappings()]


def version(tx: Transaction, agreement_hash: str) -> VersionRow | None:
    """The version of that hash, or None."""
    table = agreement_versions
    row = tx.execute(sa.select(table).where(table.c.hash == agreement_hash)).mappings().first()
    return VersionRow(**row) if row else None


def add_version(tx: Transaction, row: VersionRow) -> None:
    """Keep a version."""
    tx.execute(sa.insert(agreement_versions).values(**vars(row)))


def signatures(tx: Transaction, agreement_hash: str) -> list[SignatureRow]:
    """What parties have said of a version, in the order in which it came."""
    table = agreement_signatures
    asked = sa.select(table).where(table.c.hash == agreement_hash).order_by(table.c.id)
    names = SignatureRow.__dataclass_fields__
    return [
        SignatureRow(**{name: row[name] for name in names}) for row in tx.execute(asked).mappings()
    ]


def add_signature(tx: Transaction, row: SignatureRow) -> None:
    """Keep what a party has said."""
    tx.execute(sa.insert(agreement_signatures).values(**vars(row)))
