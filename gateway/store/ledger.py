"""Rows of the ledger and of its salts. Only `records.ledger` writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import ledger, ledger_salts


@dataclass(frozen=True)
class LeafRow:
    """A leaf in its place: the first has ``seq`` 1."""

    seq: int
    leaf: bytes
    leaf_hash: bytes


def append(tx: Transaction, leaf: bytes, leaf_hash: bytes, salts: Mapping[str, bytes]) -> int:
    """Add a leaf and its salts; its place in the log."""
    seq = tx.execute(
        sa.insert(ledger).values(leaf=leaf, leaf_hash=leaf_hash).returning(ledger.c.seq)
    ).scalar_one()
    if salts:
        tx.execute(
            sa.insert(ledger_salts),
            [{"seq": seq, "name": name, "salt": salt} for name, salt in salts.items()],
        )
    return int(seq)


def leaves(tx: Transaction, after: int = 0) -> Iterator[LeafRow]:
    """All leaves after a place, in order."""
    for row in tx.execute(sa.select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)):
        yield LeafRow(row.seq, bytes(row.leaf), bytes(row.leaf_hash))


def salts_of(tx: Transaction, seq: int) -> dict[str, bytes]:
    """The salts of a leaf's commitments, by name."""
    rows = tx.execute(
        sa.select(ledger_salts.c.name, ledger_salts.c.salt).where(ledger_salts.c.seq == seq)
    )
    return {name: bytes(salt) for name, salt in rows}
