"""The vault's audit: every object read whole and compared with the database and the ledger.

The ledger tells of every object as well, under checkpoints that others have seen: an object that
went together with its rows is found missing all the same.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.records.ledger import event, record
from gateway.records.vault import Vault
from gateway.store import destructions, ledger
from gateway.store import vault as rows
from gateway.store.database import Database, StoreFault, Transaction

Tell = Callable[[int, int], None]
# What a leaf says of an object, by event.
_TOLD = {
    "drop.received": "sealed",
    "delivery.placed": "sha256",
    "reconciliation.placed": "sha256",
    "original.handed-over": "sha256",
}
_DESTROYED = "object.destroyed"


@dataclass(frozen=True)
class Wrong:
    """An object that is not as it was kept.

    ``how``: missing, altered, not-held (the bucket's hold was lifted), unread (the bucket does not
    answer), unrecorded (its row is gone), not-destroyed (it is there, though destroyed).
    """

    sha256: str
    kind: str
    how: str


@dataclass(frozen=True)
class Audited:
    """What an audit found. ``unknown``: files that nothing tells of, left by interrupted work."""

    objects: int
    size: int
    destroyed: int
    wrong: tuple[Wrong, ...]
    unknown: tuple[str, ...]


def audit(database: Database, vault: Vault, now: datetime, tell: Tell | None = None) -> Audited:
    """Look at every object, and record what was found."""
    found = look(database, vault, tell)
    with database.transaction() as tx:
        _record(tx, found.objects, found.wrong, now)
    return found


def look(database: Database, vault: Vault, tell: Tell | None = None) -> Audited:
    """Read every object and compare; nothing is recorded. ``tell``: bytes read, bytes in all."""
    with database.transaction() as tx:
        kept = rows.every(tx)
        claimed = {row.sha256 for row in destructions.every(tx)}
        told, destroyed = _of_ledger(tx)
        referred = rows.referred(tx) | told
    there = [row for row in kept if row.sha256 not in destroyed]
    total, done, wrong = sum(row.size for row in there), 0, []
    for row in there:
        how = "missing" if row.sha256 in claimed else _look(vault, row.sha256, row.size)
        if how != "whole":
            wrong.append(Wrong(row.sha256, row.kind, how))
        done += row.size
        if tell is not None:
            tell(done, total)
    known, lying = {row.sha256 for row in kept}, vault.names()
    wrong += [Wrong(name, "unknown", "unrecorded") for name in sorted(referred - known)]
    wrong += [Wrong(name, "unknown", "not-destroyed") for name in sorted(lying & destroyed)]
    unknown = tuple(sorted(lying - known - referred))
    return Audited(len(there), total, len(destroyed), tuple(wrong), unknown)


def absent(database: Database, vault: Vault) -> int:
    """How many objects do not lie at hand in their size; nothing is read."""
    with database.transaction() as tx:
        kept = rows.every(tx)
        gone = {row.sha256 for row in destructions.every(tx)}
    return sum(not (row.sha256 in gone or vault.lies(row.sha256, row.size)) for row in kept)


def _look(vault: Vault, sha256: str, size: int) -> str:
    try:
        return vault.look(sha256, size)
    except StoreFault:
        return "unread"


def _of_ledger(tx: Transaction) -> tuple[set[str], set[str]]:
    """The objects that leaves tell of, and those that leaves tell were destroyed."""
    told: set[str] = set()
    destroyed: set[str] = set()
    for name, sha256 in _leaves(tx):
        (destroyed if name == _DESTROYED else told).add(sha256)
    return told, destroyed


def _leaves(tx: Transaction) -> Iterator[tuple[str, str]]:
    for row in ledger.leaves(tx):
        leaf = json.loads(row.leaf)
        member = "sha256" if leaf["event"] == _DESTROYED else _TOLD.get(leaf["event"])
        if member is not None:
            yield leaf["event"], leaf["facts"][member]


def _record(tx: Transaction, objects: int, wrong: tuple[Wrong, ...], now: datetime) -> None:
    missing = sum(item.how == "missing" for item in wrong)
    facts = {"objects": objects, "wrong": len(wrong), "missing": missing}
    record(tx, event("vault.audited", "vault", facts=facts), now)
