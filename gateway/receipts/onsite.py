"""Acknowledging on the site: what a person who is signed in there says of a package.

Whoever calls has judged the person: session, grant, training, and that they proved lately who they
are. The gateway writes down what was said and signs it with its own key (`sitereceipt`); the order
of receipts is the same for all. Where nobody has said yet that the package was opened, the person
says that too, in the same breath: the page asks for both in words, and both are recorded or none.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from gateway.receipts.judging import judge_rows
from gateway.receipts.keeping import Taken, keep
from gateway.receipts.parts import Receipts
from gateway.receipts.refused import refusal
from gateway.receipts.sitereceipt import SiteKind, SiteReceipt, new_site_receipt, to_bytes
from gateway.store import packages
from gateway.store import receipts as rows
from gateway.store.database import Transaction
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.people import PersonRow

WAY: Literal["web"] = "web"


@dataclass(frozen=True)
class Saying:
    """What a person says of a package that was delivered to the party, in a flow."""

    person: PersonRow
    party: str
    flow: str
    package: str
    kind: Literal["accepted", "queried"]


@dataclass(frozen=True)
class Said:
    """What came of it. ``receipt``: its id; ``again``: it had been said before, and stands."""

    receipt: str
    state: str
    again: bool


def say_on_site(
    parts: Receipts,
    saying: Saying,
    now: datetime,
    also: Callable[[Transaction], None] | None = None,
) -> Said:
    """Record what a person says; saying it again changes nothing, and gives the same receipt.

    ``also`` is done in the same transaction, the first time and again. Raises ReceiptRefused,
    CryptoFault, and what ``also`` raises: nothing is recorded then.
    """
    with parts.database.transaction() as tx:
        package, delivery = _theirs(tx, saying)
        wanted = [] if _earlier(tx, saying, delivery) else _kinds(saying, delivery)
    taken = [_signed(parts, saying, package, delivery, kind, now) for kind in wanted]
    with parts.database.transaction() as tx:
        said = _recorded(tx, saying, taken, now)
        if also is not None:
            also(tx)
        return said


def _theirs(tx: Transaction, saying: Saying) -> tuple[PackageRow, DeliveryRow]:
    package = packages.get(tx, saying.package)
    delivery = packages.delivery(tx, saying.package, saying.party)
    if package is None or delivery is None or package.flow != saying.flow:
        raise refusal("package.unknown")
    return package, delivery


def _earlier(tx: Transaction, saying: Saying, delivery: DeliveryRow) -> Said | None:
    """The receipt by which this stands already, whoever gave it and by whatever way."""
    if delivery.state != saying.kind:
        return None
    given = [row for row in rows.of_delivery(tx, delivery.id) if row.kind == saying.kind]
    return Said(given[-1].id, delivery.state, again=True) if given else None


def _kinds(saying: Saying, delivery: DeliveryRow) -> list[SiteKind]:
    """What is said: that it was opened too, where nobody has said so yet."""
    return ["opened", saying.kind] if delivery.state == "collected" else [saying.kind]


def _signed(
    parts: Receipts,
    saying: Saying,
    package: PackageRow,
    delivery: DeliveryRow,
    kind: SiteKind,
    now: datetime,
) -> Taken[SiteReceipt]:
    """The statement, signed by the gateway; the signature is verified before it counts."""
    key = parts.pins.gateway
    receipt = new_site_receipt(kind, package, delivery, saying.person, key, now)
    with tempfile.TemporaryDirectory(prefix="receipt-", dir=parts.home.work) as folder:
        body, signature = Path(folder) / "receipt", Path(folder) / "signature"
        body.write_bytes(to_bytes(receipt))
        parts.openpgp.detach_sign(body, signature, key)
        parts.openpgp.verify_detached(body, signature, key)
        return Taken(receipt, body.read_bytes(), signature.read_bytes(), WAY, receipt.person)


def _recorded(
    tx: Transaction, saying: Saying, taken: list[Taken[SiteReceipt]], now: datetime
) -> Said:
    _, delivery = _theirs(tx, saying)
    earlier = _earlier(tx, saying, delivery)
    if earlier is not None:
        return earlier
    state, receipt = delivery.state, ""
    for item in taken:
        if item.receipt.kind == "opened" and delivery.state != "collected":
            continue  # somebody has said so in the meantime
        judged = judge_rows(tx, item, saying.party, saying.flow, now)
        done = keep(tx, item, judged.package, judged.delivery, judged.to, now)
        state, receipt = done.state, done.receipt.id
    if state != saying.kind:  # it stood a moment ago, and does not any more
        raise refusal("receipt.out-of-order", delivery.id)
    return Said(receipt, state, again=False)
