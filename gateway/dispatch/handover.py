"""Handing each sealed original over to its sender: into a folder, and its bucket where one is set.

It stays sealed to the sender's own records key; what its records system takes out of there is the
sender's affair. It is handed over once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.dispatch.place import PlacementConflict, PlacementFailed, place
from gateway.records.ledger import event, record
from gateway.records.vault import Vault
from gateway.store import handovers
from gateway.store.database import Database, StoreFault
from gateway.store.handovers import ToHandOver
from gateway.store.s3 import S3Place

HandOverFault = PlacementConflict | PlacementFailed | StoreFault | OSError


@dataclass(frozen=True)
class HandedOver:
    """An original handed over, or why it was not."""

    drop_id: str
    party: str
    fault: HandOverFault | None = None

    @property
    def subject(self) -> str:
        """What its alarm is about."""
        return f"records:{self.party}"

    def as_json(self) -> dict[str, str]:
        """As plain data."""
        return {"drop": self.drop_id, "party": self.party}


def hand_over(
    database: Database,
    vault: Vault,
    folder_of: Callable[[str], Path],
    buckets: Mapping[str, S3Place],
    now: datetime,
) -> Iterator[HandedOver]:
    """Hand over every original that waits. A sender that cannot be reached waits, no other does."""
    with database.transaction() as tx:
        waiting = handovers.waiting(tx)
    stuck: set[str] = set()
    for item in waiting:
        if item.party in stuck:
            continue
        try:
            kept, name = vault.whole(item.original), f"{item.drop_id}.gpg"
            if bucket := buckets.get(item.party):
                bucket.place(kept, name)
            place(kept, folder_of(item.party), name)
        except (PlacementConflict, PlacementFailed, StoreFault, OSError) as fault:
            stuck.add(item.party)
            yield HandedOver(item.drop_id, item.party, fault)
            continue
        _note(database, item, now)
        yield HandedOver(item.drop_id, item.party)


def _note(database: Database, item: ToHandOver, now: datetime) -> None:
    facts = {"party": item.party, "sha256": item.original}
    happened = event("original.handed-over", f"drop:{item.drop_id}", item.agreement_hash, facts)
    with database.transaction() as tx:
        handovers.add(tx, item.original, item.party, now)
        record(tx, happened, now)
