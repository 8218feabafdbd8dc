"""Rows of receipts: each statement about a delivery, with its very bytes and their signature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, receipts

# Those recorded in one moment (a recipient's folder, looked at once) stand in this order.
_ORDER = sa.case(
    {"collected": 0, "opened": 1, "queried": 2, "accepted": 3, "quarantined": 4},
    value=receipts.c.kind,
    else_=5,
)
_LINE = (
    receipts.c.kind,
    deliveries.c.package_id,
    deliveries.c.party,
    receipts.c.officer,
    receipts.c.way,
    receipts.c.at,
    receipts.c.recorded_at,
    receipts.c.person,
)


@dataclass(frozen=True)
class ReceiptRow:
    """A receipt as it was taken. ``signature``: None for those that the gateway makes unsigned.

    ``person``: who gave it on the site; it then has the gateway's signature.
    """

    id: str
    delivery_id: str
    kind: str
    officer: str | None
    way: str
    at: datetime
    recorded_at: datetime
    sha256: str
    body: bytes
    signature: bytes | None
    person: str | None = None


@dataclass(frozen=True)
class ReceiptLine:
    """A receipt with its package and party, for a list."""

    kind: str
    package_id: str
    party: str
    officer: str | None
    way: str
    at: datetime
    recorded_at: datetime
    person: str | None = None


def add(tx: Transaction, **values: Any) -> None:
    """A receipt was judged good; columns as in the schema."""
    tx.execute(sa.insert(receipts).values(**values))


def is_known(tx: Transaction, receipt_id: str, sha256: str) -> bool:
    """Whether a receipt of that id, or of those very bytes, was recorded before."""
    same = sa.or_(receipts.c.id == receipt_id, receipts.c.sha256 == sha256)
    return tx.execute(sa.select(receipts.c.id).where(same).limit(1)).first() is not None


def of_delivery(tx: Transaction, delivery_id: str) -> list[ReceiptRow]:
    """A delivery's receipts, in the order they were recorded."""
    rows = tx.execute(
        sa.select(receipts)
        .where(receipts.c.delivery_id == delivery_id)
        .order_by(receipts.c.recorded_at, _ORDER, receipts.c.at, receipts.c.id)
    ).mappings()
    return [ReceiptRow(**row) for row in rows]


def of_package(tx: Transaction, package_id: str) -> list[ReceiptLine]:
    """The receipts of all of a package's deliveries, in the order they were recorded."""
    rows = tx.execute(
        sa.select(*_LINE)
        .join(deliveries, deliveries.c.id == receipts.c.delivery_id)
        .where(deliveries.c.package_id == package_id)
        .order_by(receipts.c.recorded_at, _ORDER, receipts.c.at, receipts.c.id)
    ).mappings()
    return [ReceiptLine(**row) for row in rows]


def latest(tx: Transaction, limit: int = 50) -> list[ReceiptLine]:
    """The latest receipts of all flows, newest first."""
    rows = tx.execute(
        sa.select(*_LINE)
        .join(deliveries, deliveries.c.id == receipts.c.delivery_id)
        .order_by(receipts.c.recorded_at.desc(), _ORDER.desc(), receipts.c.at.desc(), receipts.c.id)
        .limit(limit)
    ).mappings()
    return [ReceiptLine(**row) for row in rows]
