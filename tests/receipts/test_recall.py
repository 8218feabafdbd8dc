"""Recall: asked for by one officer, approved by two, carried out at a tick; nothing destroyed."""

import json

import jsonschema
import pytest
from approving import FIRST, REASON, SECOND, approved_by, recalled
from rehearsing import AtWork, clean_row, packed

from gateway.access.approvals import ApprovalRefused
from gateway.engine.acts import asking_about, carry_out
from gateway.engine.tick import as_json, tick
from gateway.receipts import ReceiptRefused
from gateway.receipts.notice import RecallNotice, schema, to_bytes
from gateway.receipts.recall import ActRefused, ask_recall
from gateway.receipts.serving import require_servable, servable
from gateway.receipts.texts import TextRefused
from gateway.store import requests

NOTIFICATIONS = "notifications"
NEXT_DAY = "2026-03-03T16:05"
OWED = "recall.statement-owed"


@pytest.fixture
def home(recipients, shared_reader):
    """The same home, for its ticks and its tables."""
    return AtWork(recipients.home.root, shared_reader)


def notice(home, party, package):
    """The notice in a party's outbox, once its signature was verified."""
    folder = home.home.outbox_of(party, NOTIFICATIONS)
    path = folder / f"{package}.recalled.json"
    told = RecallNotice.model_validate_json(path.read_bytes())
    assert to_bytes(told) == path.read_bytes()
    with home.parts(NEXT_DAY) as (parts, _):
        signed = path.with_name(path.name + ".asc")
        parts.openpgp.verify_detached(path, signed, parts.pins.gateway)
    return told


def test_uncollected_it_is_no_longer_served_and_nothing_is_destroyed(recipients, home):
    parts, package = recipients.parts, recipients.package_id
    before = home.files()
    request = recalled(parts, recipients.now, package)
    with parts.database.transaction() as tx:
        assert servable(tx, "dfe", NOTIFICATIONS)  # approved, and not yet carried out
    ended, faults = carry_out(parts, recipients.now)
    assert ([item.code for item in ended], faults) == ([None], [])
    with parts.database.transaction() as tx:
        assert requests.get(tx, request.id).state == "done"
        for party in ("dfe", "panel"):
            assert servable(tx, party, NOTIFICATIONS) == []
            with pytest.raises(ReceiptRefused) as refused:
                require_servable(tx, package, party)
            assert refused.value.code == "package.recalled"
    assert home.query("SELECT state FROM packages") == [("recalled",)]
    for party in ("dfe", "panel"):
        assert home.outbox(party) == [f"{package}.recalled.json", f"{package}.recalled.json.asc"]
        told = notice(home, party, package)
        assert (told.asks, told.collected) == ("quarantine-and-retain", False)
        assert told.delivery_sha256 == recipients.delivery(party).sha256
    kept = home.files()
    assert {name: kept[name] for name in before if not name.startswith("outbox/")} == {
        name: told for name, told in before.items() if not name.startswith("outbox/")
    }
    assert OWED not in home.alarms()
    events = [leaf["event"] for leaf in home.leaves()][-4:]
    assert events == ["package.recalled", "delivery.recalled", "delivery.recalled", "request.done"]
    again = home.files()
    carry_out(parts, recipients.now)
    assert home.files() == again


def test_collected_its_holder_owes_a_statement(recipients, home):
    recipients.give("collected", "opened")
    recalled(recipients.parts, recipients.now, recipients.package_id)
    carry_out(recipients.parts, recipients.now)
    told = notice(home, "dfe", recipients.package_id)
    assert told.collected
    assert "destroy nothing" in told.words
    owed = (OWED, f"delivery:{recipients.package_id}:dfe")
    assert [item for item in home.open_alarms() if item[0] == OWED] == [owed]
    carry_out(recipients.parts, recipients.now)
    assert len(home.leaves("alarm.raised")) == 1
    recipients.give("quarantined")
    carry_out(recipients.parts, recipients.now)
    assert OWED not in home.alarms()
    assert recipients.delivery().state == "quarantined"


def test_without_a_hold_destruction_is_offered(recipients, home):
    path = home.home.config / "agreements" / "ofsted-dfe.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\nhold = true", "\nhold = false"), encoding="utf-8")
    with home.parts("2026-03-02T16:20") as (parts, now):
        recalled(parts, now, recipients.package_id)
        carry_out(parts, now)
    assert notice(home, "dfe", recipients.package_id).asks == "destroy-or-retain"


def test_what_was_recalled_travels_again(recipients, home, checkout):
    """The same file may be dropped again, and a drop that waits is counted anew."""
    home.rows(clean_row(1), clean_row(2))
    home.tick("2026-03-02T16:30")
    assert home.query("SELECT accepted, repeats FROM drops WHERE state = 'accepted'") == [(1, 1)]
    with home.parts("2026-03-02T16:40") as (parts, now):
        recalled(parts, now, recipients.package_id)
        report = tick(parts, now)
        told = as_json(parts, report)
    assert [item.code for item in report.acts] == [None]
    assert home.query("SELECT accepted, repeats FROM drops WHERE state = 'accepted'") == [(2, 0)]
    assert len(home.leaves("drop.recounted")) == 1
    jsonschema.validate(told, json.loads((checkout / "schemas/tick.schema.json").read_text()))
    assert told["acts"][0]["act"] == "recall"
    home.rows(clean_row(1))
    assert [item.state for item in home.tick("2026-03-02T17:00").arrivals.processed] == ["accepted"]
    [sent] = packed(home.tick(NEXT_DAY))
    assert (sent.rows, sent.updates) == (2, 0)


def test_files_that_are_not_the_packages_are_left_and_told_of(recipients, home):
    other = home.home.outbox_of("dfe", NOTIFICATIONS) / f"{recipients.package_id}.zip.gpg"
    other.write_bytes(b"something else")
    recalled(recipients.parts, recipients.now, recipients.package_id)
    _, faults = carry_out(recipients.parts, recipients.now)
    assert [fault.code for fault in faults] == ["outbox.conflict"]
    assert other.read_bytes() == b"something else"
    assert home.outbox("panel")[0].endswith(".recalled.json")
    assert "outbox.conflict" in home.alarms()
    other.unlink()
    _, faults = carry_out(recipients.parts, recipients.now)
    assert faults == []
    assert "outbox.conflict" not in home.alarms()
    assert home.outbox("dfe")[0].endswith(".recalled.json")


def test_a_damaged_vault_keeps_the_outboxs_copy(recipients, home):
    delivery = recipients.delivery()
    kept = recipients.parts.vault.path(delivery.sha256)
    whole = kept.read_bytes()
    kept.chmod(0o600)
    kept.write_bytes(b"")
    recalled(recipients.parts, recipients.now, recipients.package_id)
    _, faults = carry_out(recipients.parts, recipients.now)
    assert [fault.code for fault in faults] == ["vault.damaged"]
    assert f"{recipients.package_id}.zip.gpg" in home.outbox("dfe")
    with recipients.parts.database.transaction() as tx:
        assert servable(tx, "dfe", NOTIFICATIONS) == []  # the database decides what is served
    kept.write_bytes(whole)
    carry_out(recipients.parts, recipients.now)
    assert f"{recipients.package_id}.zip.gpg" not in home.outbox("dfe")


def test_who_may_not_ask(recipients, home):
    parts, package, now = recipients.parts, recipients.package_id, recipients.now
    with pytest.raises(ActRefused) as refused:
        asking_about(parts, "notifications-2026-03-09-01", FIRST, now)
    assert refused.value.code == "act.unknown-package"
    for officer in ("dfe-officer-1", "ofsted-officer-3"):
        with pytest.raises(ActRefused) as refused:
            ask_recall(asking_about(parts, package, officer, now), package, REASON)
        assert refused.value.code == "act.not-sender"
    with pytest.raises(TextRefused) as text:
        ask_recall(asking_about(parts, package, FIRST, now), package, b"for AB123456C")
    assert text.value.code == "text.identifier"
    request = ask_recall(asking_about(parts, package, FIRST, now), package, REASON)
    with pytest.raises(ApprovalRefused):
        approved_by(parts, now, request, FIRST)
    approved_by(parts, now, request, SECOND)
    assert carry_out(parts, now) == ([], [])
    assert home.query("SELECT state FROM packages") == [("placed",)]
    told = json.dumps([home.leaves(), home.database()])
    assert REASON.decode() not in told


def test_a_second_recall_fails_by_name_until_a_new_request_is_made(recipients, home):
    parts, package, now = recipients.parts, recipients.package_id, recipients.now
    recalled(parts, now, package)
    recalled(parts, now, package)
    ended, _ = carry_out(parts, now)
    assert sorted(str(item.code) for item in ended) == ["None", "recall.not-standing"]
    assert home.alarms()["request.failed"].startswith("request:")
    assert len(home.leaves("package.recalled")) == 1
    assert [leaf["facts"]["code"] for leaf in home.leaves("request.failed")] == [
        "recall.not-standing"
    ]


def test_an_approval_forged_in_the_database_does_nothing(recipients, home):
    parts, package, now = recipients.parts, recipients.package_id, recipients.now
    request = ask_recall(asking_about(parts, package, FIRST, now), package, REASON)
    with parts.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE requests SET state = 'approved'")
    ended, _ = carry_out(parts, now)
    assert [(item.request_id, item.code) for item in ended] == [(request.id, "approval.not-proven")]
    assert home.query("SELECT state FROM packages") == [("placed",)]


def test_the_committed_schema_is_the_notices(checkout):
    path = checkout / "schemas" / "recall-notice.schema.json"
    assert path.read_text(encoding="utf-8") == schema()
