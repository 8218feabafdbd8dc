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
    nodes: bytes


def append(tx: Transaction, row: LeafRow, salts: Mapping[str, bytes]) -> None:
    """Add a leaf and its salts."""
    tx.execute(sa.insert(ledger).values(**vars(row)))
    if salts:
        tx.execute(
            sa.insert(ledger_salts),
            [{"seq": row.seq, "name": name, "salt": salt} for name, salt in salts.items()],
        )


def last_seq(tx: Transaction) -> int:
    """The place of the last leaf; 0 where there is none."""
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.max(ledger.c.seq), 0))).scalar_one())


def hashes(tx: Transaction, seq: int) -> tuple[bytes, bytes]:
    """A leaf's hash, and those of the subtrees that it completes. Raises KeyError for none."""
    asked = sa.select(ledger.c.leaf_hash, ledger.c.nodes).where(ledger.c.seq == seq)
    found = tx.execute(asked).first()
    if found is None:
        raise KeyError(seq)
    return bytes(found.leaf_hash), bytes(found.nodes)


def leaves(tx: Transaction, after: int = 0) -> Iterator[LeafRow]:
    """All leaves after a place, in order."""
    for row in tx.execute(sa.select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)):
        yield LeafRow(row.seq, bytes(row.leaf), bytes(row.leaf_hash), bytes(row.nodes))


def salts_of(tx: Transaction, seq: int) -> dict[str, bytes]:
    """The salts of a leaf's commitments, by name."""
    rows = tx.execute(
        sa.select(ledger_salts.c.name, ledger_salts.c.salt).where(ledger_salts.c.seq == seq)
    )
    return {name: bytes(salt) for name, salt in rows}
