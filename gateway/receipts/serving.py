"""Serving packages to their recipients, and knowing when one has been collected whole.

Collected means that every byte was served to one principal: a broken download is not a collection,
and two halves that two principals fetched are none either.
"""

from datetime import datetime
from pathlib import Path

from gateway.receipts.keeping import Taken, Way, keep
from gateway.receipts.ranges import covers, union
from gateway.receipts.receipt import new_receipt, to_bytes
from gateway.receipts.refused import refusal
from gateway.records.vault import Vault
from gateway.store import packages, served
from gateway.store.database import Database, Transaction
from gateway.store.packages import DeliveryRow

SERVABLE = ("placed", "collected", "opened", "accepted", "queried")


def servable(tx: Transaction, party: str, flow: str) -> list[DeliveryRow]:
    """A party's deliveries of a flow that may be fetched, oldest package first."""
    found = packages.deliveries_to(tx, party, flow, SERVABLE)
    return [row for row in found if not _is_superseded(tx, row.package_id)]


def require_servable(tx: Transaction, package_id: str, party: str) -> DeliveryRow:
    """A party's delivery of a package, while it may be fetched.

    Raises ReceiptRefused: package.unknown (another party's as well), package.recalled,
    package.superseded.
    """
    delivery = packages.delivery(tx, package_id, party)
    if delivery is None or delivery.state == "sealed":
        raise refusal("package.unknown")
    if _is_superseded(tx, package_id):
        raise refusal("package.superseded", delivery.id)
    if delivery.state not in SERVABLE:
        raise refusal("package.recalled", delivery.id)
    return delivery


def _is_superseded(tx: Transaction, package_id: str) -> bool:
    package = packages.get(tx, package_id)
    return package is not None and package.state == "superseded"


def note_served(
    database: Database,
    delivery: DeliveryRow,
    agreement_hash: str,
    principal: str,
    way: Way,
    start: int,
    stop: int,
    now: datetime,
) -> bool:
    """Note that the bytes ``start`` to ``stop`` (not included) of a delivery were served.

    True when ``principal`` (a token's prefix, a key's fingerprint, on the site a person's id; never
    a secret) now first has every byte: then the gateway's own, unsigned receipt ``collected`` is
    recorded, and the delivery moves placed → collected unless another collector moved it before.
    """
    start, stop = max(start, 0), min(stop, delivery.size)
    if start >= stop:
        return False
    with database.transaction() as tx:
        before = served.ranges(tx, delivery.id, principal)
        after = union([*before, (start, stop)])
        if after == before:
            return False
        served.put(tx, delivery.id, principal, way, after, now)
        if not covers(after, delivery.size):
            return False
        person = principal if way == "web" else None
        _collected(tx, delivery, agreement_hash, (way, person), now)
    return True


def _collected(
    tx: Transaction,
    delivery: DeliveryRow,
    agreement_hash: str,
    by: tuple[Way, str | None],
    now: datetime,
) -> None:
    package = packages.get(tx, delivery.package_id)
    fresh = packages.delivery(tx, delivery.package_id, delivery.party)
    if package is None or fresh is None:
        raise refusal("package.unknown")
    receipt = new_receipt("collected", package.id, fresh.party, fresh.sha256, agreement_hash, now)
    to = "collected" if fresh.state == "placed" else None
    keep(tx, Taken(receipt, to_bytes(receipt), None, *by), package, fresh, to, now)


def package_file(vault: Vault, delivery: DeliveryRow) -> Path:
    """The delivered file in the vault, read whole and matching. Raises StoreFault.

    It is read again only when the file has changed: a resumed download asks many times.
    """
    return vault.seen_whole(delivery.sha256)


def manifest_file(vault: Vault, delivery: DeliveryRow) -> Path:
    """The outer manifest in the vault, read whole and matching. Raises StoreFault."""
    return vault.whole(delivery.manifest)


def signature_file(vault: Vault, delivery: DeliveryRow) -> Path:
    """The manifest's detached signature in the vault. Raises StoreFault."""
    return vault.whole(delivery.signature)
