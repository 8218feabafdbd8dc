"""Judging a receipt: is it about what was delivered to its signer, in order, and signed by whom?

Each check refuses with a code of its own (`refused.WORDS`). The rows are judged twice: before gpg
runs, and again in the transaction that records, since gpg runs outside of any.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.crypto.faults import CryptoFault
from gateway.crypto.signatures import Signature
from gateway.receipts.keeping import Form, Taken
from gateway.receipts.parts import Receipts
from gateway.receipts.receipt import BY_OFFICER, Receipt, ReceiptKind
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.store import packages
from gateway.store import receipts as rows
from gateway.store.database import Transaction
from gateway.store.packages import DeliveryRow, PackageRow

SKEW = timedelta(minutes=10)  # how far ahead a signer's clock may be
# For each state of a delivery: the kinds that may come, and the state each leads to (None: it is
# kept as further evidence and moves nothing).
FOLLOWS: dict[str, dict[ReceiptKind, str | None]] = {
    "placed": {"collected": "collected"},
    "collected": {"collected": None, "opened": "opened"},
    "opened": {"collected": None, "opened": None, "accepted": "accepted", "queried": "queried"},
    "queried": {"collected": None, "opened": None, "queried": None, "accepted": "accepted"},
    "accepted": {"collected": None, "opened": None},
    "recalled": {"quarantined": "quarantined"},
    "quarantined": {},
}
_AS_OURS = {
    "signature.missing": "receipt.not-signed",
    "signature.bad": "receipt.bad-signature",
    "signature.wrong-key": "receipt.wrong-key",
    "key.expired": "receipt.expired-key",
    "key.revoked": "receipt.revoked-key",
}


@dataclass(frozen=True)
class Judged:
    """What a good receipt is about, and the state it leads the delivery to (None: no move)."""

    package: PackageRow
    delivery: DeliveryRow
    to: str | None


def judge_rows(
    tx: Transaction, taken: Taken[Form], party: str, flow: str | None, now: datetime
) -> Judged:
    """Hold a receipt against what was delivered. ``party`` and ``flow``: whose way in it took.

    Raises ReceiptRefused.
    """
    receipt = taken.receipt
    package = packages.get(tx, receipt.package)
    if receipt.party != party:
        raise refusal("receipt.not-yours")
    if package is None:
        raise refusal("receipt.unknown-package")
    delivery = packages.delivery(tx, package.id, party)
    if delivery is None or flow not in (None, package.flow):
        raise refusal("receipt.not-yours")
    if rows.is_known(tx, receipt.id, taken.sha256):
        raise refusal("receipt.replayed", delivery.id)
    if delivery.state == "sealed" or delivery.placed_at is None:
        raise refusal("receipt.never-served", delivery.id)
    if receipt.digest != delivery.sha256:
        raise refusal("receipt.wrong-digest", delivery.id)
    if receipt.agreement_hash != package.agreement_hash:
        raise refusal("receipt.wrong-agreement", delivery.id)
    if receipt.at > now + SKEW or _before_placed(receipt.at, delivery):
        raise refusal("receipt.wrong-time", delivery.id)
    return Judged(package, delivery, _next(receipt.kind, package, delivery))


def _before_placed(at: datetime, delivery: DeliveryRow) -> bool:
    """Receipts and signatures tell their time to the second, the database finer."""
    return delivery.placed_at is None or at < delivery.placed_at.replace(microsecond=0)


def _next(kind: ReceiptKind, package: PackageRow, delivery: DeliveryRow) -> str | None:
    if package.state == "superseded" and kind != "quarantined":
        raise refusal("receipt.superseded", delivery.id)
    follows = FOLLOWS[delivery.state]
    if kind in follows:
        return follows[kind]
    withdrawn = delivery.state in ("recalled", "quarantined") and kind != "quarantined"
    raise refusal("receipt.recalled" if withdrawn else "receipt.out-of-order", delivery.id)


def signed_by_party(parts: Receipts, taken: Taken[Receipt], party: str) -> bool:
    """Whether the party, or the officer of it that a receipt names, signed it."""
    if taken.receipt.party != party or not taken.signature:
        return False
    try:
        _verified(parts, taken, _pinned(parts, taken.receipt, ""))
    except (CryptoFault, ReceiptRefused):
        return False
    return True


def judge_signature(parts: Receipts, taken: Taken[Receipt], judged: Judged) -> None:
    """Hold the signature to the pinned key of whoever must have made it, as at signing time.

    Raises ReceiptRefused; CryptoFault where the gateway itself cannot judge (no public key, no
    gpg): then nothing was said about the receipt, and it may be offered again.
    """
    about = judged.delivery.id
    key = _pinned(parts, taken.receipt, about)
    if not taken.signature:
        raise refusal("receipt.not-signed", about)
    try:
        signed = _verified(parts, taken, key)
    except CryptoFault as fault:
        if fault.code not in _AS_OURS:
            raise
        raise refusal(_AS_OURS[fault.code], about) from fault
    if _before_placed(signed.at, judged.delivery):  # as if by a key that has since expired
        raise refusal("receipt.wrong-time", about)


def _verified(parts: Receipts, taken: Taken[Receipt], key: str) -> Signature:
    with tempfile.TemporaryDirectory(prefix="receipt-", dir=parts.home.work) as folder:
        body, signature = Path(folder) / "receipt", Path(folder) / "signature"
        body.write_bytes(taken.body)
        signature.write_bytes(taken.signature or b"")
        return parts.openpgp.verify_detached(body, signature, key)


def _pinned(parts: Receipts, receipt: Receipt, about: str) -> str:
    """The full fingerprint that must have signed: the party's, or the named officer's."""
    if receipt.kind not in BY_OFFICER:
        return parts.pins.exchange_of(receipt.party)
    for officer in parts.officers.of(receipt.party, "recipient"):
        if officer.id == receipt.officer and officer.key is not None:
            return officer.key
    raise refusal("receipt.unknown-officer", about)
