"""Until its window a sender may withdraw a drop, or let a newer one stand for it (design §5.1)."""

from datetime import datetime

from gateway.records.ledger import event, move
from gateway.refusal import Refusal
from gateway.store import drops
from gateway.store.database import Database, Transaction
from gateway.store.drops import WAITING, DropRow


class ChangeRefused(Refusal):
    """The drop cannot be withdrawn or replaced (any more). ``hint`` says what to do instead."""


def withdraw_drop(database: Database, drop_id: str, now: datetime) -> None:
    """Take a drop back before its window. Its sealed original stays. Raises ChangeRefused.

    Rows released from it that wait as well are taken back with it.
    """
    with database.transaction() as tx:
        named = _waiting(tx, drop_id)
        for drop in (named, *drops.released_from(tx, named)):
            facts = {"flow": drop.flow, "party": drop.party}
            happened = event("drop.withdrawn", f"drop:{drop.id}", drop.agreement_hash, facts)
            move(tx, "drop", {"id": drop.id}, drop.state, "withdrawn", happened, now)


def replace_drop(database: Database, drop_id: str, by: str, now: datetime) -> None:
    """Let the drop ``by`` stand for another of the same flow. Raises ChangeRefused.

    It stands for rows released from that one as well.
    """
    with database.transaction() as tx:
        named, newer = _waiting(tx, drop_id), _waiting(tx, by)
        if (
            newer.flow != named.flow
            or newer.number <= named.number
            or newer.original == named.original
        ):
            raise ChangeRefused(
                "drop.not-newer",
                "A drop can only be replaced by a newer one of the same flow.",
                "Name the older drop first, then the newer one; `status` lists them.",
            )
        for drop in (named, *drops.released_from(tx, named)):
            facts = {"flow": drop.flow, "party": drop.party, "by": newer.id}
            happened = event("drop.replaced", f"drop:{drop.id}", drop.agreement_hash, facts)
            values = {"replaced_by": newer.id}
            move(tx, "drop", {"id": drop.id}, drop.state, "replaced", happened, now, values)


def _waiting(tx: Transaction, drop_id: str) -> DropRow:
    drop = drops.get(tx, drop_id)
    if drop is None:
        raise ChangeRefused(
            "drop.unknown", "There is no drop of that id.", "`status` lists the latest drops."
        )
    if drop.state not in WAITING:
        raise ChangeRefused(
            "drop.not-waiting",
            f"The drop is {drop.state}: it no longer waits for its window.",
            "What was sent is corrected by a new drop, which travels marked as an update.",
        )
    return drop
