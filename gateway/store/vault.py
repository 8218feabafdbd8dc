"""Rows of the vault: what sealed objects are kept, of which kind and size in bytes, and of what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, drops, handovers, packages, reconciliations, vault


@dataclass(frozen=True)
class KeptRow:
    """An object as the database knows it; ``size`` in bytes."""

    sha256: str
    kind: str
    size: int
    put_at: datetime


@dataclass(frozen=True)
class KeptThing:
    """An object and what it is of. ``whole``: its package tells of every row that it holds.

    ``finished``: nothing of the exchange still waits for it.
    """

    sha256: str
    kind: str
    size: int
    put_at: datetime
    subject: str  # drop:…, package:…, reconciliation:…
    flow: str
    package_id: str | None
    whole: bool
    finished: bool


def add(tx: Transaction, sha256: str, kind: str, size: int, at: datetime) -> None:
    """Note an object; noting it twice is harmless, since its name is its content."""
    there = tx.execute(sa.select(vault.c.sha256).where(vault.c.sha256 == sha256)).first()
    if there is None:
        tx.execute(sa.insert(vault).values(sha256=sha256, kind=kind, size=size, put_at=at))


def every(tx: Transaction) -> list[KeptRow]:
    """Every object ever kept, oldest first; those destroyed since as well."""
    asked = sa.select(vault).order_by(vault.c.put_at, vault.c.sha256)
    return [KeptRow(**row) for row in tx.execute(asked).mappings()]


def referred(tx: Transaction) -> set[str]:
    """The names that drops, deliveries and lists give of their objects."""
    columns = (
        drops.c.original,
        deliveries.c.sha256,
        deliveries.c.manifest,
        deliveries.c.signature,
        reconciliations.c.sha256,
    )
    return {name for column in columns for name in tx.scalars(sa.select(column))}


def things(tx: Transaction) -> list[KeptThing]:
    """Every object that something refers to, with what it is of; oldest first."""
    known = {row.sha256: row for row in every(tx)}
    found = {
        told[0]: KeptThing(row.sha256, row.kind, row.size, row.put_at, *told[1:])
        for told in (*_originals(tx), *_deliveries(tx), *_lists(tx))
        if (row := known.get(told[0])) is not None
    }
    return sorted(found.values(), key=lambda item: (item.put_at, item.sha256))


_Told = tuple[str, str, str, str | None, bool, bool]
_ENDED = ("quarantined", "duplicate", "withdrawn", "replaced")


def _originals(tx: Transaction) -> Iterator[_Told]:
    """An original is finished with once its package is, and its sender was handed it."""
    asked = (
        sa.select(drops, packages.c.state.label("package"), handovers.c.sha256.label("handed"))
        .outerjoin(packages, packages.c.id == drops.c.package_id)
        .outerjoin(handovers, handovers.c.sha256 == drops.c.original)
    )
    for row in tx.execute(asked):
        done = row.state in _ENDED or row.package in ("accepted", "superseded")
        whole = row.package is not None and row.rows == row.accepted and not row.already_sent
        handed = row.handed is not None
        told = (row.original, f"drop:{row.id}", row.flow, row.package_id)
        yield (*told, whole, done and handed)


def _deliveries(tx: Transaction) -> Iterator[_Told]:
    """A package is finished with once all have accepted it, or another stands for it."""
    asked = sa.select(deliveries, packages.c.flow, packages.c.state.label("package")).join(
        packages, packages.c.id == deliveries.c.package_id
    )
    for row in tx.execute(asked):
        done = row.package in ("accepted", "superseded")
        for name in (row.sha256, row.manifest, row.signature):
            yield name, f"package:{row.package_id}", row.flow, row.package_id, True, done


def _lists(tx: Transaction) -> Iterator[_Told]:
    for row in tx.execute(sa.select(reconciliations)):
        subject = f"reconciliation:{row.id}"
        yield row.sha256, subject, row.flow, None, False, row.state == "placed"
