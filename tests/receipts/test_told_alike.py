"""Every receipt and refusal is in the ledger; `status` and the digest tell what it tells."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from receipting import PLACED_AT, Recipients
from rehearsing import AtWork

from gateway.engine.status import status_of
from gateway.intake.confined.reader import Reader
from gateway.receipts import ReceiptRefused
from gateway.receipts.digest import digest_of
from gateway.receipts.serving import note_served

EVENING = datetime(2026, 3, 2, 17, tzinfo=UTC)
STEPS = ("collected", "opened", "accepted", "queried")


def a_busy_afternoon(recipients: Recipients) -> list[str]:
    """Receipts by every way and refusals of many kinds; the codes of the refusals, in order."""
    refused: list[str] = []

    def offer(offered: Any) -> None:
        try:
            recipients.offer(offered)
        except ReceiptRefused as fault:
            refused.append(fault.code)

    opened = recipients.offered(recipients.receipt("opened"))
    offer(opened)  # before its collection
    recipients.give("collected", way="folder")
    offer(opened)
    offer(opened)  # again
    offer(recipients.offered(recipients.receipt("accepted"), by="ofsted"))
    offer(recipients.offered(recipients.receipt("accepted", digest="0" * 64)))
    recipients.give("queried", "accepted", way="sftp")
    offer(recipients.offered(recipients.receipt("collected", "panel"), party="dfe"))
    size, agreed = recipients.delivery("panel").size, recipients.package().agreement_hash
    database = recipients.parts.database
    for who in ("one", "another"):  # two collectors of one party: two receipts, one step
        delivery = recipients.delivery("panel")
        note_served(database, delivery, agreed, who, "api", 0, size, recipients.now)
    recipients.give("opened", party="panel")
    return refused


@pytest.fixture
def home(recipients: Recipients, shared_reader: Reader) -> AtWork:
    """The same home, for its ledger."""
    return AtWork(recipients.home.root, shared_reader)


def test_ledger_status_and_digest_agree(recipients: Recipients, home: AtWork) -> None:
    refused = a_busy_afternoon(recipients)
    assert len(refused) == 5
    assert [leaf["facts"]["code"] for leaf in home.leaves("receipt.refused")] == refused

    recorded = [leaf["facts"] for leaf in home.leaves("receipt.recorded")]
    names = ("kind", "package", "party", "way")
    told = Counter(tuple(facts[name] for name in names) for facts in recorded)
    assert sum(told.values()) == 7
    kept = home.query("SELECT sha256 FROM receipts ORDER BY recorded_at, rowid")
    assert sorted(facts["receipt"] for facts in recorded) == sorted(sha256 for (sha256,) in kept)

    status = status_of(recipients.parts, EVENING)
    assert Counter(tuple(item[name] for name in names) for item in status["receipts"]) == told

    with recipients.parts.database.transaction() as tx:
        digest = digest_of(tx, recipients.parts.agreed, "ofsted", PLACED_AT.date(), EVENING)
    for party in ("dfe", "panel"):
        [line] = [item for item in digest.lines if item.recipient == party]
        taken = {facts["kind"] for facts in recorded if facts["party"] == party}
        assert {kind: getattr(line, kind) for kind in STEPS} == {
            kind: int(kind in taken) for kind in STEPS
        }
        assert line.sent == 1
    outstanding = [item.as_json(EVENING) for item in digest.owed]
    shown = [item for item in status["outstanding"] if item in outstanding]
    assert shown == outstanding
    assert [(item["owed"], item["party"]) for item in outstanding if item["package"]] == [
        ("accepted", "panel")
    ]
