"""The one door to the ledger: an event, or a move with its event, in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.records.leaf import Fact, leaf_hash, make_leaf
from gateway.store import ledger as rows
from gateway.store.database import Database, Transaction
from gateway.store.lifecycles import Kind, advance


@dataclass(frozen=True)
class Event:
    """What happened, to what, under which agreement; see `leaf.EVENTS` for what it may carry."""

    name: str
    subject: str
    agreement_hash: str
    facts: Mapping[str, Fact]
    commits: Mapping[str, Fact]


def event(
    name: str,
    subject: str,
    agreement_hash: str = "",
    facts: Mapping[str, Fact] | None = None,
    commits: Mapping[str, Fact] | None = None,
) -> Event:
    """An event, with what it may leave out left empty."""
    return Event(name, subject, agreement_hash, facts or {}, commits or {})


def record(tx: Transaction, happened: Event, at: datetime) -> int:
    """Append an event; its place in the log. Raises LeafRefused for what it may not hold."""
    leaf = make_leaf(
        happened.name,
        happened.subject,
        at,
        happened.agreement_hash,
        happened.facts,
        happened.commits,
    )
    return rows.append(tx, leaf.body, leaf.hash, leaf.salts)


def move(
    tx: Transaction,
    kind: Kind,
    key: Mapping[str, Any],
    frm: str,
    to: str,
    happened: Event,
    at: datetime,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Make a move and record it, or do neither. Raises MoveRefused."""
    advance(tx, kind, key, frm, to, values)
    record(tx, happened, at)


def verify(database: Database) -> tuple[int, list[int]]:
    """How many leaves there are, and the places of those whose bytes no longer match their hash."""
    count, wrong = 0, []
    with database.transaction() as tx:
        for row in rows.leaves(tx):
            count += 1
            if row.seq != count or leaf_hash(row.leaf) != row.leaf_hash:
                wrong.append(row.seq)
    return count, wrong
