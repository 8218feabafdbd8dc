"""What a withdrawn package carried may travel again: the memory of it, and the counts of drops.

A drop that still waits was judged against what had been sent when it came. When some of that is
withdrawn, rows that were repeats of it are news, and the drop's counts must say so: a package's
manifest adds up from them.
"""

from dataclasses import replace
from datetime import datetime

from gateway.agreement.model import Flow
from gateway.dispatch.parts import Dispatch
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import drops, sent
from gateway.store.database import Transaction
from gateway.store.drops import DropRow


def forget(tx: Transaction, parts: Dispatch, flow: Flow, package_id: str, now: datetime) -> None:
    """Count the rows of a withdrawn package as not sent, and judge the waiting drops by that.

    Call it once the package itself has moved. Nothing is taken away (see `sent.withdraw`).
    """
    sent.withdraw(tx, flow.id, package_id)
    for drop in drops.waiting(tx, flow.id):
        enter_counts(tx, parts, drop, recounted(tx, parts, flow, drop), now)


def recounted(
    tx: Transaction, parts: Dispatch, flow: Flow, drop: DropRow, without: str | None = None
) -> DropRow:
    """The drop, with rows that are repeats no longer counted as accepted.

    ``without``: as if that package had been withdrawn. Rows that have become repeats since stay
    accepted: the package that gathers them leaves them out.
    """
    if not drop.already_sent:
        return drop
    still = 0
    for chunk in parts.staging.read(drop.id, "accepted"):
        rows = [cells for _, cells in chunk]
        macs = parts.keyed.references(flow.id, (cells[flow.reference_place] for cells in rows))
        last = sent.last_digests(tx, flow.id, macs, without)
        found = parts.keyed.rows(flow.id, rows)
        still += sum(last.get(mac) == now for mac, now in zip(macs, found, strict=True))
    freed = max(0, drop.already_sent - still)
    return replace(
        drop,
        accepted=(drop.accepted or 0) + freed,
        repeats=(drop.repeats or 0) - freed,
        already_sent=drop.already_sent - freed,
    )


def enter_counts(
    tx: Transaction, parts: Dispatch, before: DropRow, after: DropRow, now: datetime
) -> None:
    """Keep a drop's new counts and ledger them, where they differ."""
    if after == before:
        return
    drops.count_anew(tx, after)
    facts: dict[str, Fact] = {"flow": after.flow}
    commits: dict[str, Fact] = {"accepted": after.accepted or 0, "repeats": after.repeats or 0}
    subject = f"drop:{after.id}"
    record(tx, event("drop.recounted", subject, parts.agreed.hash, facts, commits), now)
