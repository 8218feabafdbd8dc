"""Rows of holds: begun, reviewed, ended; never removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import answers, holds, packages, sent_references


@dataclass(frozen=True)
class HoldRow:
    """A hold. ``scope``: everything, flow, case. ``request_id``: by which it was ended."""

    id: str
    scope: str
    flow: str | None
    reference_mac: bytes | None
    reference_sealed: bytes | None
    reason_sealed: bytes
    state: str
    begun_at: datetime
    review_on: date
    ended_at: datetime | None
    request_id: str | None


def add(tx: Transaction, hold: HoldRow) -> None:
    """A hold was begun."""
    tx.execute(sa.insert(holds).values(**vars(hold)))


def get(tx: Transaction, hold_id: str) -> HoldRow | None:
    """The hold of that id, or None."""
    row = tx.execute(sa.select(holds).where(holds.c.id == hold_id)).mappings().first()
    return HoldRow(**row) if row else None


def every(tx: Transaction, state: str = "") -> list[HoldRow]:
    """Every hold, oldest first; in that state where given."""
    asked = sa.select(holds).order_by(holds.c.begun_at, holds.c.id)
    if state:
        asked = asked.where(holds.c.state == state)
    return [HoldRow(**row) for row in tx.execute(asked).mappings()]


def reviewed(tx: Transaction, hold_id: str, review_on: date) -> None:
    """A hold stays on, and is looked at again on that day."""
    tx.execute(sa.update(holds).where(holds.c.id == hold_id).values(review_on=review_on))


def carriers(tx: Transaction, macs: Mapping[str, bytes]) -> frozenset[str]:
    """Packages that may carry a reference, whose keyed digest is given by flow.

    Each of a flow from the first that carried it on, and each that answered it.
    """
    found: set[str] = set()
    first = packages.alias("first")
    for flow, mac in macs.items():
        since = (
            sa.select(first.c.day)
            .join(sent_references, sent_references.c.first_package_id == first.c.id)
            .where(sent_references.c.flow == flow, sent_references.c.reference_mac == mac)
        )
        for day in tx.scalars(since):
            asked = sa.select(packages.c.id).where(packages.c.flow == flow, packages.c.day >= day)
            found |= set(tx.scalars(asked))
        answered = sa.select(answers.c.package_id).where(
            answers.c.flow == flow, answers.c.reference_mac == mac
        )
        found |= set(tx.scalars(answered))
    return frozenset(found)
