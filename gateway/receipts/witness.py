"""Witnesses: each signed receipt shows the latest checkpoint of our ledger that its signer saw.

The checkpoint is a note that the gateway itself signed, so that nobody can claim to have seen what
was never given out. Where our ledger does not add to it, the ledger has lost its end or its past
was changed: the loudest alarm, and nothing more is dispatched (`engine.logkeeping`).
"""

from datetime import datetime

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import read_keys
from gateway.receipts.parts import Receipts
from gateway.receipts.receipt import Receipt
from gateway.records.alarms import raise_alarm
from gateway.records.checkpoints import Seen, compare, log_number, read
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import witnesses
from gateway.store.database import Transaction
from gateway.store.witnesses import WitnessRow

ROLLED_BACK, FORKED = "ledger.rolled-back", "ledger.forked"
SUBJECT = "log:witnesses"
_WORDS = {
    ROLLED_BACK: (
        "A receipt shows a checkpoint that covers more than the ledger holds: an older copy of "
        "this home is at work. Nothing is dispatched. Stop it, put back the latest copy, and see "
        "docs/ledger.md."
    ),
    FORKED: (
        "A receipt shows a checkpoint of another past than the ledger has: its past was changed. "
        "Nothing is dispatched. Keep everything as it is, and see docs/ledger.md."
    ),
}


def seen_in(parts: Receipts, receipt: Receipt) -> Seen | None:
    """What a receipt shows to have been seen; None where no key of ours signed it."""
    if receipt.head is None:
        return None
    try:
        return read(receipt.head, read_keys(parts.home.log_keys))
    except CryptoFault:
        return None


def heed(tx: Transaction, receipt: Receipt, seen: Seen, now: datetime) -> None:
    """Hold the ledger against what the signer of a receipt has seen, and keep the verdict.

    The receipt's signature was verified.
    """
    verdict = compare(tx, seen)
    log = log_number(seen.origin)
    row = WitnessRow(receipt.party, log, seen.size, seen.root, receipt.id, verdict, now)
    witnesses.add(tx, row)
    facts: dict[str, Fact] = {
        "party": receipt.party,
        "log": log,
        "size": seen.size,
        "root": seen.root.hex(),
        "verdict": verdict,
        "receipt": receipt.id,
    }
    record(tx, event("witness.seen", f"log:{log}", facts=facts), now)
    if verdict not in ("consistent", "recovered"):
        code = FORKED if verdict == "forked" else ROLLED_BACK
        raise_alarm(tx, code, SUBJECT, _WORDS[code], now)
