"""What signers of receipts have seen of the ledger, held against the ledger."""

import pytest
from receipting import Recipients

from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import NoteSigner, sign_note
from gateway.receipts.receipt import Receipt
from gateway.receipts.refused import ReceiptRefused
from gateway.records.checkpoints import Seen, signer_name, text_for, unverified
from gateway.records.ledger import Head
from gateway.store import alarms, meta, witnesses
from gateway.store.witnesses import WitnessRow


def given_out(recipients: Recipients) -> str:
    """The checkpoint that lies in the outbox."""
    return recipients.parts.home.checkpoint_of("dfe").read_text()


def noted(recipients: Recipients, seen: Seen, key: NoteSigner | None = None) -> str:
    """A note of that, as the gateway signs one."""
    parts = recipients.parts
    with parts.database.transaction() as tx:
        name = signer_name(meta.get(tx, "home.id") or "")
    signer = key or NoteSigner.load(HomeKeys(parts.home.root).log_key, name)
    return sign_note(text_for(Head(0, seen.origin, seen.size, seen.root)), [signer])


def told(recipients: Recipients) -> tuple[list[WitnessRow], list[tuple[str, str]]]:
    """The witnesses' latest rows, and the open alarms about them."""
    with recipients.parts.database.transaction() as tx:
        about = [(row.code, row.subject) for row in alarms.open_alarms(tx)]
        return witnesses.latest(tx), [item for item in about if item[1] == "log:witnesses"]


def collected(recipients: Recipients, head: str, party: str = "dfe") -> Receipt:
    """A receipt that shows a checkpoint."""
    return recipients.receipt("collected", party, head=head)


def test_a_receipt_that_shows_our_own_past(recipients: Recipients) -> None:
    note = given_out(recipients)
    receipt = collected(recipients, note)
    assert recipients.offer(recipients.offered(receipt)).moved
    ([row], raised) = told(recipients)
    seen = unverified(note)
    assert (row.party, row.log, row.size, row.root) == ("dfe", 1, seen.size, seen.root)
    assert (row.receipt_id, row.verdict, raised) == (receipt.id, "consistent", [])


@pytest.mark.parametrize(
    ("more", "root", "verdict", "code"),
    [
        (1000, None, "ahead", "ledger.rolled-back"),
        (0, bytes(32), "forked", "ledger.forked"),
    ],
)
def test_a_receipt_that_shows_another_past(
    recipients: Recipients, more: int, root: bytes | None, verdict: str, code: str
) -> None:
    seen = unverified(given_out(recipients))
    note = noted(recipients, Seen(seen.origin, seen.size + more, root or seen.root))
    assert recipients.offer(recipients.offered(collected(recipients, note))).moved
    ([row], raised) = told(recipients)
    assert row.verdict == verdict
    assert raised == [(code, "log:witnesses")]


def test_a_receipt_for_what_an_older_copy_never_sent(recipients: Recipients) -> None:
    seen = unverified(given_out(recipients))
    note = noted(recipients, Seen(seen.origin, seen.size + 5, bytes(32)))
    receipt = recipients.receipt("collected", head=note, package="notifications-2026-03-31-01")
    with pytest.raises(ReceiptRefused) as refused:
        recipients.offer(recipients.offered(receipt))
    assert refused.value.code == "receipt.unknown-package"
    assert told(recipients)[1] == [("ledger.rolled-back", "log:witnesses")]


def test_nobody_stops_the_gateway_by_what_it_never_signed(recipients: Recipients) -> None:
    seen = unverified(given_out(recipients))
    ahead = Seen(seen.origin, seen.size + 5, bytes(32))
    forger = NoteSigner.load(HomeKeys(recipients.parts.home.root).home_key, "gateway/0")
    forged = collected(recipients, noted(recipients, ahead, forger))
    assert recipients.offer(recipients.offered(forged)).moved, "it is a good receipt all the same"
    stolen = recipients.receipt(
        "collected", head=noted(recipients, ahead), package="notifications-2026-03-31-01"
    )
    with pytest.raises(ReceiptRefused):
        recipients.offer(recipients.offered(stolen, by="panel"))
    assert told(recipients) == ([], [])
