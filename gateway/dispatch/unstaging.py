"""Staged rows go when they have served: their package accepted by all, their original read whole.

Then only the sealed original and the sealed package remain (design §5 step 8). What is removed is a
copy made from the original, so a hold is kept; with a damaged original the copy stays.
"""

from collections.abc import Iterator

from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.store import drops, packages
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.drops import DropRow


def unstage(
    database: Database, staging: Staging, vault: Vault
) -> Iterator[tuple[str, StoreFault | OSError | None]]:
    """Remove the accepted rows of drops that need them no longer; each with its fault, or None.

    A drop whose package was recalled, or superseded by one that not all have accepted, keeps them.
    """
    staged = staging.staged()
    if not staged:
        return
    with database.transaction() as tx:
        served = [drop for drop_id in staged if (drop := _served(tx, drop_id)) is not None]
    for drop in served:
        try:
            vault.whole(drop.original)
            staging.remove_accepted(drop.id)
        except (StoreFault, OSError) as fault:
            yield drop.id, fault
        else:
            yield drop.id, None


def _served(tx: Transaction, drop_id: str) -> DropRow | None:
    """The drop, where the package that stands for it at last was accepted by every recipient."""
    drop = drops.get(tx, drop_id)
    if drop is None or drop.state != "sent" or drop.package_id is None:
        return None
    package = packages.standing(tx, drop.package_id)
    return drop if package is not None and package.state == "accepted" else None
