"""Rows of tokens: what a program of a party shows to be let in. A secret's hash alone is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import tokens


@dataclass(frozen=True)
class TokenRow:
    """A token; ``prefix`` is its public half, ``secret_hash`` the SHA-256 of its other half."""

    prefix: str
    secret_hash: bytes
    party: str
    flow: str
    scopes: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


def add(tx: Transaction, **values: Any) -> None:
    """A token was made; columns as in the schema."""
    tx.execute(sa.insert(tokens).values(**values))


def get(tx: Transaction, prefix: str) -> TokenRow | None:
    """The token of that public half, or None."""
    row = tx.execute(sa.select(tokens).where(tokens.c.prefix == prefix)).mappings().first()
    return TokenRow(**row) if row else None


def listed(tx: Transaction) -> list[TokenRow]:
    """Every token there ever was, newest first."""
    rows = tx.execute(
        sa.select(tokens).order_by(tokens.c.made_at.desc(), tokens.c.prefix)
    ).mappings()
    return [TokenRow(**row) for row in rows]


def revoke(tx: Transaction, prefix: str, at: datetime) -> bool:
    """Let a token be worth nothing from now on; whether it was in force until now."""
    changed = tx.execute(
        sa.update(tokens)
        .where(tokens.c.prefix == prefix, tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    ).rowcount
    return bool(changed)


def used(tx: Transaction, prefix: str, at: datetime) -> None:
    """Note when a token was last used."""
    tx.execute(sa.update(tokens).where(tokens.c.prefix == prefix).values(last_used_at=at))
