"""Keeping a good receipt: its row, its ledger leaf and the delivery's move, in one transaction."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from gateway.receipts.receipt import Receipt
from gateway.receipts.sitereceipt import SiteReceipt
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.store import packages
from gateway.store import receipts as rows
from gateway.store.database import Transaction
from gateway.store.packages import DeliveryRow, PackageRow

Way = Literal["folder", "api", "sftp", "s3", "web"]
Form = TypeVar("Form", Receipt, SiteReceipt)
_STAMPS = {
    "collected": "collected_at",
    "opened": "opened_at",
    "accepted": "acknowledged_at",
    "queried": "acknowledged_at",
}


@dataclass(frozen=True)
class Recorded:
    """A receipt that was recorded. ``state``: the delivery's now; ``moved``: whether by this."""

    receipt: Receipt | SiteReceipt
    delivery_id: str
    way: Way
    state: str
    moved: bool

    def as_json(self) -> dict[str, str]:
        """As plain data; the officer's name stays in the receipt."""
        return {
            "kind": self.receipt.kind,
            "package": self.receipt.package,
            "party": self.receipt.party,
            "way": self.way,
            "state": self.state,
        }


@dataclass(frozen=True)
class Taken(Generic[Form]):
    """A receipt as it came: its very bytes, their signature (None: the gateway's own), the way.

    One given on the site has the gateway's signature. ``person``: who did it there, their id.
    """

    receipt: Form
    body: bytes
    signature: bytes | None
    way: Way
    person: str | None = None

    @property
    def sha256(self) -> str:
        """Of the bytes, hex."""
        return hashlib.sha256(self.body).hexdigest()


def keep(
    tx: Transaction,
    taken: Taken[Form],
    package: PackageRow,
    delivery: DeliveryRow,
    to: str | None,
    now: datetime,
) -> Recorded:
    """Record a receipt that was judged good and make the move ``to``, where it makes one.

    Raises MoveRefused when the delivery has moved since it was read: then nothing is recorded.
    """
    receipt = taken.receipt
    rows.add(
        tx,
        id=receipt.id,
        delivery_id=delivery.id,
        kind=receipt.kind,
        officer=receipt.officer,
        person=taken.person,
        way=taken.way,
        at=receipt.at,
        recorded_at=now,
        sha256=taken.sha256,
        body=taken.body,
        signature=taken.signature,
    )
    facts: dict[str, Fact] = {
        "kind": receipt.kind,
        "package": package.id,
        "party": delivery.party,
        "way": taken.way,
        "digest": receipt.digest,
        "receipt": taken.sha256,
    }
    commits: dict[str, Fact] = {"officer": taken.person or receipt.officer or ""}
    subject = f"delivery:{delivery.id}"
    happened = event("receipt.recorded", subject, package.agreement_hash, facts, commits)
    if to is None:
        record(tx, happened, now)
        if receipt.kind == "collected":
            packages.note_collected(tx, delivery.id, now)
    else:
        stamp = {_STAMPS[to]: now} if to in _STAMPS else {}
        move(tx, "delivery", {"id": delivery.id}, delivery.state, to, happened, now, stamp)
        _accept_package(tx, package, now)
    return Recorded(receipt, delivery.id, taken.way, to or delivery.state, to is not None)


def _accept_package(tx: Transaction, package: PackageRow, now: datetime) -> None:
    """The last recipient of a package has accepted: so is the package."""
    states = {row.state for row in packages.deliveries_of(tx, package.id)}
    if states != {"accepted"} or package.state != "placed":
        return
    facts: dict[str, Fact] = {"flow": package.flow, "day": package.day.isoformat()}
    happened = event("package.accepted", f"package:{package.id}", package.agreement_hash, facts)
    move(tx, "package", {"id": package.id}, "placed", "accepted", happened, now)
