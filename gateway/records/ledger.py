"""The one door to the ledger: an event, or a move with its event, in the caller's transaction.

The leaves are an RFC 9162 Merkle log. With each leaf lie the hashes of the subtrees that it
completes, so that appending, a root and a proof each read O(log n) rows of one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.records import merkle
from gateway.records.leaf import Fact, leaf_hash, make_leaf
from gateway.records.merkle import HASH_SIZE
from gateway.store import ledger as rows
from gateway.store import logs
from gateway.store.database import Database, Transaction
from gateway.store.ledger import LeafRow
from gateway.store.lifecycles import Kind, advance
from gateway.store.logs import LogRow


@dataclass(frozen=True)
class Event:
    """What happened, to what, under which agreement; see `leaf.EVENTS` for what it may carry."""

    name: str
    subject: str
    agreement_hash: str
    facts: Mapping[str, Fact]
    commits: Mapping[str, Fact]


@dataclass(frozen=True)
class Head:
    """A log as it stands: how many leaves it has, and the root over them."""

    log: int
    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Checked:
    """What `verify` found: how many leaves there are, and the places of those that are wrong."""

    leaves: int
    wrong: tuple[int, ...]


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
    """Append an event; its place in the ledger. Raises LeafRefused for what it may not hold."""
    leaf = make_leaf(
        happened.name,
        happened.subject,
        at,
        happened.agreement_hash,
        happened.facts,
        happened.commits,
    )
    first, seq = _first_seq(tx), rows.last_seq(tx) + 1
    nodes = merkle.completed(_Kept(tx, first), seq - first + 1, leaf.hash)
    rows.append(tx, LeafRow(seq, leaf.body, leaf.hash, b"".join(nodes)), leaf.salts)
    return seq


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


# --- the log as a tree ----------------------------------------------------------------------------


def open_first_log(tx: Transaction, home_id: str, at: datetime) -> None:
    """Name the log of a home; one that is named already keeps its name."""
    if logs.latest(tx) is None:
        logs.add(tx, LogRow(1, origin_of(home_id, 1), 1, at, None, None))


def open_log(tx: Transaction, above: int, cites: str, request_id: str, at: datetime) -> LogRow:
    """Open the log after all that are known and after number ``above``; its leaves come next.

    ``cites``: the three lines of the checkpoint whose log it follows.
    """
    before = logs.latest(tx)
    if before is None:
        raise ValueError("the first log is opened by open_first_log")
    home_id = before.origin.split("/")[1]
    number = max(before.number, above) + 1
    row = LogRow(number, origin_of(home_id, number), rows.last_seq(tx) + 1, at, cites, request_id)
    logs.add(tx, row)
    return row


def origin_of(home_id: str, number: int) -> str:
    """The name of a home's log, as its checkpoints have it (C2SP tlog-checkpoint)."""
    return f"gateway/{home_id}/{number}"


def head(tx: Transaction) -> Head:
    """The log that is written to, as it stands now."""
    log = logs.latest(tx)
    first = log.first_seq if log else 1
    size = rows.last_seq(tx) - first + 1
    root = merkle.root(_Kept(tx, first), size)
    return Head(log.number if log else 1, log.origin if log else "", size, root)


def size_of(tx: Transaction, log: LogRow) -> int:
    """How many leaves a log has; an earlier one ended where the next began."""
    later = [item.first_seq for item in logs.every(tx) if item.number > log.number]
    end = min(later) if later else rows.last_seq(tx) + 1
    return end - log.first_seq


def root_at(tx: Transaction, log: LogRow, size: int) -> bytes:
    """The root over a log's first leaves. Raises ValueError where it has not so many."""
    if not 0 <= size <= size_of(tx, log):
        raise ValueError("the log has not so many leaves")
    return merkle.root(_Kept(tx, log.first_seq), size)


def inclusion(tx: Transaction, log: LogRow, seq: int, size: int) -> list[bytes]:
    """The proof that the leaf of that place is in the log of that size. Raises ValueError."""
    if size > size_of(tx, log):
        raise ValueError("the log has not so many leaves")
    return merkle.inclusion(_Kept(tx, log.first_seq), seq - log.first_seq, size)


def consistency(tx: Transaction, log: LogRow, first: int, second: int) -> list[bytes]:
    """The proof that a log of the second size only adds to that of the first. Raises ValueError."""
    if second > size_of(tx, log):
        raise ValueError("the log has not so many leaves")
    return merkle.consistency(_Kept(tx, log.first_seq), first, second)


class _Kept:
    """A log's subtrees as the ledger keeps them (`merkle.Tree`)."""

    def __init__(self, tx: Transaction, first_seq: int) -> None:
        self._tx, self._first = tx, first_seq

    def node(self, level: int, end: int) -> bytes:
        own, above = rows.hashes(self._tx, self._first + end - 1)
        if level == 0:
            return own
        return above[(level - 1) * HASH_SIZE : level * HASH_SIZE]


def _first_seq(tx: Transaction) -> int:
    log = logs.latest(tx)
    return log.first_seq if log else 1


# --- verifying ------------------------------------------------------------------------------------


def verify(database: Database) -> Checked:
    """Compute every leaf's hash and every subtree anew, and compare with what is kept."""
    count, wrong = 0, []
    with database.transaction() as tx:
        firsts = {log.first_seq for log in logs.every(tx)}
        tree = _Anew()
        for row in rows.leaves(tx):
            count += 1
            if row.seq in firsts:
                tree = _Anew()
            above = tree.add(row.leaf_hash)
            hashed = leaf_hash(row.leaf)
            if row.seq != count or hashed != row.leaf_hash or above != row.nodes:
                wrong.append(row.seq)
    return Checked(count, tuple(wrong))


class _Anew:
    """A tree computed from its leaves alone, remembering no more than its peaks."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: dict[tuple[int, int], bytes] = {}

    def add(self, hashed: bytes) -> bytes:
        """Add a leaf; the subtrees that it completes, one after another."""
        self.size += 1
        above = merkle.completed(self, self.size, hashed)
        for level in range(len(above)):
            del self._peaks[level, self.size - (1 << level)]
        self._peaks[len(above), self.size] = above[-1] if above else hashed
        return b"".join(above)

    def node(self, level: int, end: int) -> bytes:
        return self._peaks[level, end]
