"""Receipts: a package's life ends when a named officer of its recipient has accepted it.

`acknowledge` is the whole story of one receipt, whatever way it came.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.receipts.judging import judge_rows, judge_signature, signed_by_party
from gateway.receipts.keeping import Recorded, Taken, Way, keep
from gateway.receipts.parts import Receipts
from gateway.receipts.receipt import LARGEST_BODY, LARGEST_SIGNATURE, Receipt, from_bytes
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.witness import heed, seen_in
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record

_OF_ANOTHER_PAST = ("receipt.unknown-package", "receipt.not-yours", "receipt.never-served")

__all__ = ["Offered", "ReceiptRefused", "Receipts", "Recorded", "Way", "acknowledge"]


@dataclass(frozen=True)
class Offered:
    """A receipt as someone offers it: bytes, detached signature, and the way it came.

    ``party``: whose folder, token or account it came by. ``flow``: that of the token, where the
    way is bound to one.
    """

    body: bytes
    signature: bytes | None
    way: Way
    party: str
    flow: str | None = None


def acknowledge(parts: Receipts, offered: Offered, now: datetime) -> Recorded:
    """Read a receipt, judge it, and record it with the move that it makes.

    Raises ReceiptRefused, which is in the ledger then; CryptoFault or StoreFault where the gateway
    itself could not judge, and the receipt may be offered again.
    """
    try:
        taken = _read(offered)
        with parts.database.transaction() as tx:
            judged = judge_rows(tx, taken, offered.party, offered.flow, now)
        judge_signature(parts, taken, judged)
        seen = seen_in(parts, taken.receipt)
        with parts.database.transaction() as tx:
            judged = judge_rows(tx, taken, offered.party, offered.flow, now)
            if seen is not None:
                heed(tx, taken.receipt, seen, now)
            return keep(tx, taken, judged.package, judged.delivery, judged.to, now)
    except ReceiptRefused as refused:
        _record_refusal(parts, offered, refused, now)
        if refused.code in _OF_ANOTHER_PAST:
            _heed_refused(parts, offered, now)
        raise


def _read(offered: Offered) -> Taken[Receipt]:
    if len(offered.body) > LARGEST_BODY or len(offered.signature or b"") > LARGEST_SIGNATURE:
        raise refusal("receipt.too-large")
    try:
        receipt = from_bytes(offered.body)
    except ValueError:
        raise refusal("receipt.malformed") from None
    return Taken(receipt, offered.body, offered.signature, offered.way)


def _heed_refused(parts: Receipts, offered: Offered, now: datetime) -> None:
    """An older copy of the home knows nothing of what a receipt is about: what was seen tells."""
    taken = _read(offered)
    seen = seen_in(parts, taken.receipt)
    if seen is None or not signed_by_party(parts, taken, offered.party):
        return
    with parts.database.transaction() as tx:
        heed(tx, taken.receipt, seen, now)


def _record_refusal(
    parts: Receipts, offered: Offered, refused: ReceiptRefused, now: datetime
) -> None:
    facts: dict[str, Fact] = {
        "party": offered.party,
        "way": offered.way,
        "code": refused.code,
    }
    subject = f"delivery:{refused.about}" if refused.about else f"receipts:{offered.party}"
    with parts.database.transaction() as tx:
        record(tx, event("receipt.refused", subject, "", facts), now)
