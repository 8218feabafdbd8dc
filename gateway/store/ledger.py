"""Rows of the ledger and of its salts. Only `records.ledger` writes them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import ledger, ledger_index, ledger_salts

_READ = 1_000
_LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Wanted:
    """What is looked for: leaves of an event, a subject, a London day; empty and None: any."""

    event: str = ""
    subject: str = ""
    day: date | None = None


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
    told = json.loads(row.leaf)
    day = datetime.fromisoformat(told["at"]).astimezone(_LONDON).date()
    entry = {"seq": row.seq, "event": told["event"], "subject": told["subject"], "day": day}
    tx.execute(sa.insert(ledger_index).values(**entry))
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
    """All leaves after a place, in order; some at a time, within the transaction."""
    asked = sa.select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)
    for row in tx.execute(asked.execution_options(yield_per=_READ)):
        yield LeafRow(row.seq, bytes(row.leaf), bytes(row.leaf_hash), bytes(row.nodes))


def leaf_at(tx: Transaction, seq: int) -> LeafRow | None:
    """The leaf of that place, or None."""
    row = tx.execute(sa.select(ledger).where(ledger.c.seq == seq)).first()
    if row is None:
        return None
    return LeafRow(row.seq, bytes(row.leaf), bytes(row.leaf_hash), bytes(row.nodes))


def found(tx: Transaction, wanted: Wanted, before: int | None, limit: int) -> list[LeafRow]:
    """The latest leaves of what is wanted, the newest first; ``before`` a place where given."""
    index = ledger_index
    asked = sa.select(ledger).join(index, index.c.seq == ledger.c.seq)
    if wanted.event:
        asked = asked.where(index.c.event == wanted.event)
    if wanted.subject:
        asked = asked.where(index.c.subject == wanted.subject)
    if wanted.day is not None:
        asked = asked.where(index.c.day == wanted.day)
    if before is not None:
        asked = asked.where(index.c.seq < before)
    rows = tx.execute(asked.order_by(index.c.seq.desc()).limit(limit))
    return [
        LeafRow(row.seq, bytes(row.leaf), bytes(row.leaf_hash), bytes(row.nodes)) for row in rows
    ]


def counted(tx: Transaction, after: int) -> dict[str, tuple[int, int]]:
    """How many leaves of each event stand after a place, and the place of the last; by event."""
    index = ledger_index
    asked = sa.select(index.c.event, sa.func.count(), sa.func.max(index.c.seq))
    asked = asked.where(index.c.seq > after).group_by(index.c.event)
    return {event: (count, last) for event, count, last in tx.execute(asked)}


def salts_of(tx: Transaction, seq: int) -> dict[str, bytes]:
    """The salts of a leaf's commitments, by name."""
    rows = tx.execute(
        sa.select(ledger_salts.c.name, ledger_salts.c.salt).where(ledger_salts.c.seq == seq)
    )
    return {name: bytes(salt) for name, salt in rows}
