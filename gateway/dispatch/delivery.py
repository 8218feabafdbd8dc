"""Deliveries: the bytes kept in the vault, placed with each recipient, read back and recorded."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.agreement.model import Flow
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.place import (
    DeliveryFiles,
    PlacementConflict,
    PlacementFailed,
    place_delivery,
)
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move
from gateway.store import packages
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.packages import DeliveryRow
from gateway.store.s3 import UNREACHABLE


@dataclass(frozen=True)
class Placed:
    """An attempt to place a delivery. ``fault`` is None where the bytes read back match."""

    package_id: str
    party: str
    path: Path
    sha256: str
    fault: Exception | None = None

    @property
    def subject(self) -> str:
        """What alarms about it are about."""
        return f"delivery:{self.package_id}:{self.party}"

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "package": self.package_id,
            "party": self.party,
            "file": str(self.path),
            "sha256": self.sha256,
        }


def place_waiting(
    parts_of: Callable[[str], Dispatch], database: Database, now: datetime, flows: Collection[str]
) -> Iterator[Placed]:
    """Place every delivery of those flows that waits, from the vault; one fault stops no other.

    A bucket that does not answer is asked once, not for each delivery that waits for it.
    """
    with database.transaction() as tx:
        waiting = [
            (row, package)
            for row in packages.to_place(tx, flows)
            if (package := packages.get(tx, row.package_id)) is not None
        ]
    silent: dict[str, StoreFault] = {}
    for row, package in waiting:
        parts = parts_of(package.flow)
        flow = parts.agreed.agreement.flow(package.flow)
        placed = _placed(parts, flow, row, now, silent.get(row.party))
        if isinstance(placed.fault, StoreFault) and placed.fault.code == UNREACHABLE:
            silent[row.party] = placed.fault
        yield placed


def _placed(
    parts: Dispatch, flow: Flow, row: DeliveryRow, now: datetime, silent: StoreFault | None
) -> Placed:
    folder = parts.home.outbox_of(row.party, flow.id)
    bucket = parts.buckets.get(row.party)
    try:
        if silent is not None:
            raise silent
        kept = [parts.vault.whole(name) for name in (row.sha256, row.manifest, row.signature)]
        files = DeliveryFiles(row.package_id, row.file_name, *kept)
        within = bucket.within(flow.id) if bucket else None
        read_back = place_delivery(files, folder, within, parts.database.confirm)
    except (StoreFault, PlacementFailed, PlacementConflict, OSError) as fault:
        code = str(getattr(fault, "code", "outbox.failed"))
        with parts.database.transaction() as tx:
            packages.attempted(tx, row.id, code)
        return Placed(row.package_id, row.party, folder / row.file_name, row.sha256, fault)
    facts: dict[str, Fact] = {
        "package": row.package_id,
        "party": row.party,
        "sha256": read_back,
        "protection": row.protection,
    }
    happened = event("delivery.placed", f"delivery:{row.id}", parts.agreed.hash, facts)
    with parts.database.transaction() as tx:
        packages.attempted(tx, row.id, None)
        move(tx, "delivery", {"id": row.id}, "sealed", "placed", happened, now, {"placed_at": now})
        if packages.all_placed(tx, row.package_id):
            _package_placed(tx, row.package_id, now)
    return Placed(row.package_id, row.party, folder / row.file_name, read_back)


def _package_placed(tx: Transaction, package_id: str, now: datetime) -> None:
    """The last delivery of a package lies in its outbox: so does the package."""
    package = packages.get(tx, package_id)
    if package is None:
        return
    facts: dict[str, Fact] = {"flow": package.flow, "day": package.day.isoformat()}
    happened = event("package.placed", f"package:{package_id}", package.agreement_hash, facts)
    move(tx, "package", {"id": package_id}, "sealed", "placed", happened, now)
