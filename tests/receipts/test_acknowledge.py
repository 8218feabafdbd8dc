"""One receipt after another, each judged: what counts, what is refused, and what the ledger says.

Real keys sign; a rehearsal home judges.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from receipting import OFFICER, ORDER, PLACED_AT, Recipients

from gateway.access.officers import Officers
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import PartyPins
from gateway.receipts import Offered, ReceiptRefused
from gateway.receipts.receipt import LARGEST_BODY, LARGEST_SIGNATURE, Receipt, to_bytes
from gateway.records.ledger import verify
from gateway.store import ledger, packages
from gateway.store.lifecycles import advance


def leaves(recipients: Recipients, *events: str) -> list[dict[str, Any]]:
    """The ledger's leaves of those events."""
    with recipients.parts.database.transaction() as tx:
        told = [json.loads(row.leaf) for row in ledger.leaves(tx)]
    return [leaf for leaf in told if leaf["event"] in events]


def refused(recipients: Recipients, offered: Offered, code: str) -> ReceiptRefused:
    """Offer what must be refused so: the ledger says it, and nothing else changes."""
    before = recipients.delivery(), len(leaves(recipients, "receipt.refused"))
    kept = recipients.kept()
    with pytest.raises(ReceiptRefused) as caught:
        recipients.offer(offered)
    assert caught.value.code == code
    assert caught.value.message and caught.value.hint
    told = leaves(recipients, "receipt.refused")
    assert len(told) == before[1] + 1
    assert told[-1]["facts"] == {"party": offered.party, "way": offered.way, "code": code}
    assert told[-1]["subject"] in (
        f"delivery:{caught.value.about}",
        f"receipts:{offered.party}",
    )
    assert recipients.kept() == kept
    assert recipients.delivery() == before[0]
    return caught.value


def test_collected_opened_accepted(recipients: Recipients) -> None:
    """Each recipient's three receipts; the package is accepted with the last of them."""
    assert recipients.delivery().collected_at is None
    for party in ("dfe", "panel"):
        assert recipients.package().state == "placed"
        for kind in ORDER:
            (recorded,) = recipients.give(kind, party=party)
            assert (recorded.state, recorded.moved) == (kind, True)
            assert recipients.delivery(party).state == kind
    delivery = recipients.delivery()
    assert delivery.collected_at == delivery.opened_at == delivery.acknowledged_at == recipients.now
    assert recipients.package().state == "accepted"
    told = leaves(recipients, "receipt.recorded")
    assert [leaf["facts"]["kind"] for leaf in told] == [*ORDER, *ORDER]
    assert all(set(leaf["commits"]) == {"officer"} for leaf in told)
    assert told[0]["facts"]["digest"] == delivery.sha256
    assert len(leaves(recipients, "package.accepted")) == 1
    assert verify(recipients.parts.database).wrong == ()
    kept = recipients.kept()
    assert [row.kind for row in kept] == list(ORDER)
    assert [row.officer for row in kept] == [None, None, OFFICER.format(party="dfe")]
    assert all(row.signature and b"PGP SIGNATURE" in row.signature for row in kept)
    assert kept[0].body.endswith(b"}\n")


def test_what_was_queried_can_be_accepted_later(recipients: Recipients) -> None:
    """A query is kept each time it is made, and does not end the package's life."""
    recipients.give("collected", "opened", "queried")
    (again,) = recipients.give("queried")
    assert (again.state, again.moved) == ("queried", False)
    assert recipients.package().state == "placed"
    (accepted,) = recipients.give("accepted")
    assert (accepted.state, accepted.moved) == ("accepted", True)
    for kind in ("queried", "accepted"):
        late = recipients.offered(recipients.receipt(kind))
        refused(recipients, late, "receipt.out-of-order")


def test_two_collectors_at_once(recipients: Recipients) -> None:
    """Both receipts are kept, and the delivery moves once."""
    first, second = recipients.give("collected", "collected")
    assert (first.moved, second.moved) == (True, False)
    assert second.state == "collected"
    opened = recipients.give("opened", "collected", "opened")
    assert [item.moved for item in opened] == [True, False, False]
    assert recipients.delivery().state == "opened"


@pytest.mark.parametrize("kind", ["opened", "accepted", "queried"])
def test_a_receipt_before_collection(recipients: Recipients, kind: Any) -> None:
    """None may skip those before it."""
    early = recipients.offered(recipients.receipt(kind))
    refused(recipients, early, "receipt.out-of-order")
    recipients.give("collected")
    if kind != "opened":
        refused(recipients, early, "receipt.out-of-order")


def test_a_replayed_receipt(recipients: Recipients) -> None:
    """The same bytes, or the same id in other bytes, count once."""
    receipt = recipients.receipt("collected")
    offered = recipients.offered(receipt)
    recipients.offer(offered)
    refused(recipients, offered, "receipt.replayed")
    altered = Receipt.model_validate(receipt.model_dump() | {"kind": "opened"})
    refused(recipients, recipients.offered(altered), "receipt.replayed")
    assert recipients.delivery().state == "collected"


def test_a_receipt_for_a_superseded_package(recipients: Recipients) -> None:
    """Only the newer package can be acknowledged."""
    recipients.give("collected")
    with recipients.parts.database.transaction() as tx:
        advance(tx, "package", {"id": recipients.package_id}, "placed", "superseded")
    for kind in ("collected", "opened", "accepted"):
        offered = recipients.offered(recipients.receipt(kind))
        refused(recipients, offered, "receipt.superseded")


def test_a_receipt_for_a_recalled_package(recipients: Recipients) -> None:
    """It is answered by `quarantined` and by nothing else, once, by a named officer."""
    early = recipients.offered(recipients.receipt("quarantined"))
    refused(recipients, early, "receipt.out-of-order")
    recipients.give("collected")
    key = {"id": recipients.delivery().id}
    with recipients.parts.database.transaction() as tx:
        advance(tx, "package", {"id": recipients.package_id}, "placed", "recalled")
        advance(tx, "delivery", key, "collected", "recalled")
    opened = recipients.offered(recipients.receipt("opened"))
    refused(recipients, opened, "receipt.recalled")
    (kept,) = recipients.give("quarantined")
    assert (kept.state, kept.moved) == ("quarantined", True)
    again = recipients.offered(recipients.receipt("quarantined"))
    refused(recipients, again, "receipt.out-of-order")
    refused(recipients, opened, "receipt.recalled")


def test_a_receipt_for_what_was_never_served(recipients: Recipients) -> None:
    """A delivery that is sealed and not yet placed cannot have been collected."""
    other = "notifications-2026-03-03-01"
    package, sealed = recipients.package(), recipients.delivery()
    values = {name: getattr(package, name) for name in package.__dataclass_fields__}
    values |= {"id": other, "number": 2}
    del values["state"]
    with recipients.parts.database.transaction() as tx:
        packages.add_package(tx, **values)
        packages.add_delivery(
            tx,
            **{
                name: getattr(sealed, name)
                for name in ("party", "protection", "file_name", "sha256", "size")
            },
            package_id=other,
            manifest=sealed.manifest,
            signature=sealed.signature,
        )
    early = recipients.receipt("collected", package=other)
    refused(recipients, recipients.offered(early), "receipt.never-served")


Change = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"package": "notifications-2031-01-01-01"}, "receipt.unknown-package"),
        ({"digest": "0" * 64}, "receipt.wrong-digest"),
        ({"agreement_hash": "0" * 64}, "receipt.wrong-agreement"),
        ({"at": PLACED_AT - timedelta(seconds=1)}, "receipt.wrong-time"),
        ({"at": PLACED_AT + timedelta(minutes=20, seconds=1)}, "receipt.wrong-time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_receipt_about_something_else(recipients: Recipients, change: Change, code: str) -> None:
    """Package, digest, agreement and time must be those of the delivery."""
    refused(recipients, recipients.offered(recipients.receipt("collected", **change)), code)


@pytest.mark.parametrize("minutes", [0, 20])
def test_a_clock_may_be_ten_minutes_ahead(recipients: Recipients, minutes: int) -> None:
    """From the second of placement until ten minutes from now."""
    at = PLACED_AT + timedelta(minutes=minutes)
    assert recipients.offer(recipients.offered(recipients.receipt("collected", at=at))).moved


def test_a_receipt_by_the_way_of_another(recipients: Recipients) -> None:
    """What comes by one party's folder or token speaks for no other party, and no other flow."""
    receipt = recipients.receipt("collected")
    refused(recipients, recipients.offered(receipt, party="panel"), "receipt.not-yours")
    other_flow = recipients.offered(receipt, flow="scr-updates")
    refused(recipients, other_flow, "receipt.not-yours")
    sender = Receipt.model_validate(receipt.model_dump() | {"party": "ofsted"})
    refused(recipients, recipients.offered(sender), "receipt.not-yours")
    assert recipients.offer(recipients.offered(receipt, flow="notifications")).moved


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        ("collected", "panel"),
        ("collected", "dfe-officer-1"),
        ("accepted", "dfe"),
        ("accepted", "dfe-officer-2"),
        ("accepted", "panel-officer-1"),
    ],
)
def test_a_receipt_signed_by_another_key(recipients: Recipients, kind: Any, by: str) -> None:
    """Machines sign with the party's key, officers with their own, and nobody for another."""
    if kind == "accepted":
        recipients.give("collected", "opened")
    refused(recipients, recipients.offered(recipients.receipt(kind), by=by), "receipt.wrong-key")


def test_a_signature_over_other_bytes(recipients: Recipients) -> None:
    """A receipt that was changed after it was signed."""
    receipt, other = recipients.receipt("collected"), recipients.receipt("collected")
    swapped = Offered(to_bytes(receipt), recipients.signed(other), "api", "dfe")
    refused(recipients, swapped, "receipt.bad-signature")


@pytest.mark.parametrize("signature", [None, b"", b"no signature at all"])
def test_a_receipt_without_a_signature(recipients: Recipients, signature: bytes | None) -> None:
    """Only the gateway's own count of bytes needs none."""
    body = to_bytes(recipients.receipt("collected"))
    refused(recipients, Offered(body, signature, "folder", "dfe"), "receipt.not-signed")


@pytest.mark.parametrize(
    "officer", ["nobody-here", "dfe-officer-3", "panel-officer-1", "ofsted-officer-1"]
)
def test_an_officer_who_may_not_receive(recipients: Recipients, officer: str) -> None:
    """Unknown, without the role, or of another party."""
    recipients.give("collected", "opened")
    receipt = recipients.receipt("accepted", officer=officer)
    by = officer if officer != "nobody-here" else "dfe-officer-1"
    refused(recipients, recipients.offered(receipt, by=by), "receipt.unknown-officer")


def test_an_officer_without_a_pinned_key(recipients: Recipients) -> None:
    """A name alone proves nothing."""
    recipients.give("collected", "opened")
    bare = Officers([item.model_copy(update={"key": None}) for item in recipients.officers])
    recipients.parts = replace(recipients.parts, officers=bare)
    offered = recipients.offered(recipients.receipt("accepted"))
    refused(recipients, offered, "receipt.unknown-officer")


@pytest.fixture
def short_lived(recipients: Recipients) -> Callable[[datetime], Offered]:
    """A key pinned for dfe that ends two minutes after placement; ``offered(at)`` signs with it.

    Its owner has given it a longer life since, and has told nobody: gpg signs with no expired key.
    """
    folder = HomeKeys(recipients.home.root).folder / "short-lived"
    made, ends = datetime(2015, 1, 1, tzinfo=UTC), PLACED_AT + timedelta(minutes=2)
    with OpenPGP(folder) as openpgp:
        key = openpgp.generate("dfe short lived", "sign", made, ends)
        public = openpgp.export_public(key)
        longer = ["gpg", "--batch", "--homedir", str(folder), "--quick-set-expire", key, "20y"]
        subprocess.run(longer, check=True, capture_output=True)
    recipients.parts.openpgp.import_pinned(public, key)
    pins = replace(recipients.pins, parties={**recipients.pins.parties, "dfe": PartyPins(key)})
    recipients.parts = replace(recipients.parts, pins=pins)

    def offered(at: datetime, signed_at: datetime | None = None) -> Offered:
        body = to_bytes(recipients.receipt("collected", at=at))
        (folder / "body").write_bytes(body)
        with OpenPGP(folder, signed_at or at) as openpgp:
            openpgp.detach_sign(folder / "body", folder / "body.asc", key)
        return Offered(body, (folder / "body.asc").read_bytes(), "folder", "dfe")

    return offered


def test_a_receipt_signed_by_an_expired_key(recipients: Recipients, short_lived: Any) -> None:
    """A signature counts as at its making: good in the key's life, also when it ends later."""
    late = short_lived(PLACED_AT + timedelta(minutes=3))
    refused(recipients, late, "receipt.expired-key")
    assert recipients.now > PLACED_AT + timedelta(minutes=2)
    assert recipients.offer(short_lived(PLACED_AT + timedelta(minutes=1))).moved


def test_a_signature_from_before_the_placement(recipients: Recipients, short_lived: Any) -> None:
    """A key that has ended is not given new life by setting a clock back."""
    at = PLACED_AT + timedelta(minutes=3)
    refused(recipients, short_lived(at, PLACED_AT - timedelta(days=1)), "receipt.wrong-time")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "receipt.malformed"),
        (b"{}\n", "receipt.malformed"),
        (b"\xff\xfe", "receipt.malformed"),
        (b"[" * 60_000, "receipt.malformed"),
        (b" " * (LARGEST_BODY + 1), "receipt.too-large"),
    ],
    ids=["empty", "nothing in it", "not text", "deep", "large"],
)
def test_what_is_no_receipt(recipients: Recipients, body: bytes, code: str) -> None:
    """Refused before anything else is looked at, and never quoted."""
    refused(recipients, Offered(body, b"x", "folder", "dfe"), code)


def test_a_receipt_in_another_form(recipients: Recipients) -> None:
    """What was signed is what is read: there is one way to write a receipt."""
    receipt = recipients.receipt("collected")
    spaced = json.dumps(receipt.model_dump(mode="json")).encode() + b"\n"
    refused(recipients, Offered(spaced, b"x", "api", "dfe"), "receipt.malformed")
    large = Offered(to_bytes(receipt), b"x" * (LARGEST_SIGNATURE + 1), "api", "dfe")
    refused(recipients, large, "receipt.too-large")


def test_a_key_that_the_gateway_does_not_have(recipients: Recipients) -> None:
    """The fault is the gateway's: the receipt is not judged, and may be offered again."""
    offered = recipients.offered(recipients.receipt("collected"))
    real = recipients.parts
    unknown = replace(recipients.pins, parties={"dfe": PartyPins("0" * 40)})
    recipients.parts = replace(real, pins=unknown)
    with pytest.raises(CryptoFault) as caught:
        recipients.offer(offered)
    assert caught.value.code == "key.unknown"
    assert leaves(recipients, "receipt.refused", "receipt.recorded") == []
    recipients.parts = real
    assert recipients.offer(offered).moved
