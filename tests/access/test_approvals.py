"""Two officers approve what a third asks, each with their own key; nothing else ever approves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desk import AT, BODY, FIRST, SECOND, THIRD, Desk

from gateway.access.approvals import (
    ApprovalRefused,
    body_of,
    make_request,
    note_refusal,
    require_proven,
    signed_statement,
    statement,
)
from gateway.access.officers import OfficersFault
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.store import requests
from gateway.store.requests import ApprovalRow

OTHER = "dfe-officer-1"


@pytest.fixture
def desk(work):
    with work.parts(AT) as (parts, now):
        yield Desk(work, parts, now)


# --- what the parties decide together -------------------------------------------------------------

THEIRS = ("dfe-officer-1", "dfe-officer-2")


@pytest.mark.parametrize("act", ["end-hold", "destroy", "recover-ledger", "change-keys"])
def test_it_takes_an_approver_of_each_party(desk, act):
    request = desk.ask(act=act)
    assert desk.refused(request, FIRST) == "approval.own-request"
    assert desk.approve(request, SECOND).state == "open"
    assert desk.refused(request, THIRD) == "approval.one-of-each"
    assert desk.approve(request, THEIRS[0]).state == "approved"
    with desk.parts.database.transaction() as tx:
        require_proven(tx, desk.officers, desk.parts.openpgp, request)


def test_an_agent_neither_asks_nor_decides(desk):
    assert desk.officers.signatories == ("dfe", "ofsted")
    request = desk.ask(act="end-hold")
    assert desk.refused(request, "panel-officer-1") == "approval.not-your-party"
    with pytest.raises(ApprovalRefused) as refused:
        desk.ask("panel-officer-1", "end-hold")
    assert refused.value.code == "request.not-your-act"


def test_two_of_a_party_written_into_the_database_prove_nothing(desk):
    request = desk.ask(act="end-hold")
    desk.approve(request, SECOND)
    key = desk.officers.get(THIRD).key
    with desk.parts.database.transaction() as tx:
        signed = desk.sign(request, THIRD)
        requests.add_approval(tx, ApprovalRow(request.id, THIRD, key, signed, desk.now))
    with desk.parts.database.transaction() as tx, pytest.raises(ApprovalRefused) as refused:
        require_proven(tx, desk.officers, desk.parts.openpgp, request)
    assert refused.value.code == "approval.not-proven"


def test_either_party_takes_such_a_request_back(desk):
    request = desk.ask(act="end-hold")
    desk.withdraw(request, THEIRS[1])
    assert desk.state(request)[0] == "withdrawn"


def test_without_signatories_nothing_is_enough(desk):
    request = desk.ask(act="destroy")
    desk.approve(request, SECOND)
    desk.officers.signatories = ()
    with desk.parts.database.transaction() as tx, pytest.raises(ApprovalRefused):
        require_proven(tx, desk.officers, desk.parts.openpgp, request)


# --- two others approve ---------------------------------------------------------------------------


def test_two_others_approve(desk):
    request = desk.ask()
    assert (request.state, request.party, request.requested_by) == ("open", "ofsted", FIRST)
    assert body_of(desk.parts.sealer, request) == BODY
    assert desk.approve(request, SECOND).state == "open"
    assert desk.approve(request, THIRD).state == "approved"
    assert desk.state(request) == ("approved", [SECOND, THIRD])
    with desk.parts.database.transaction() as tx:
        assert requests.approved(tx) == [replace(request, state="approved")]
        require_proven(tx, desk.officers, desk.parts.openpgp, request)
    made, *approvals = desk.work.leaves()[-3:]
    assert (made["event"], made["agreement"]) == ("request.made", "ab")
    assert made["facts"]["digest"] == request.digest
    assert [leaf["event"] for leaf in approvals] == ["request.approved"] * 2
    keys = [desk.officers.get(who).key for who in (SECOND, THIRD)]
    assert [leaf["facts"]["key"] for leaf in approvals] == keys


def test_the_ledger_names_no_officer_and_tells_no_reason(desk):
    request = desk.ask()
    desk.approve(request, SECOND)
    desk.refused(request, FIRST)
    told = json.dumps(desk.work.leaves())
    assert not any(word in told for word in (FIRST, SECOND, BODY["reason"]))
    assert BODY["reason"] not in "\n".join(desk.work.database())


def test_the_same_request_twice_has_two_digests(desk):
    one, other = desk.ask(), desk.ask()
    assert one.digest != other.digest
    with desk.parts.database.transaction() as tx:
        assert {row.id for row in requests.latest(tx)} == {one.id, other.id}
        assert requests.approved(tx) == []


def test_what_is_asked_cannot_be_exchanged(desk):
    """Neither in the database, nor by moving another request's sealed words here."""
    request, other = desk.ask(), desk.ask()
    changed = (
        replace(request, body_sealed=other.body_sealed),
        replace(request, subject="package:y"),
        replace(request, digest=other.digest),
    )
    for row in changed:
        with pytest.raises(CryptoFault) as refused:
            body_of(desk.parts.sealer, row)
        assert refused.value.code == "sealed.damaged"
        assert statement(row) != statement(request) or row.digest == request.digest


def test_plain_gpg_signs_a_statement(desk, tmp_path, need_program):
    request = desk.ask()
    said = tmp_path / "statement"
    said.write_bytes(statement(request))
    need_program("gpg")
    for who, words in ((SECOND, ["--detach-sign"]), (THIRD, ["--armor", "--detach-sign"])):
        state = desk.approve(request, who, desk.gpg(who, *words, str(said))).state
    assert state == "approved"


# --- refusals -------------------------------------------------------------------------------------


def test_who_may_not_approve(desk):
    request = desk.ask()
    assert desk.refused(request, FIRST) == "approval.own-request"
    assert desk.refused(request, OTHER) == "approval.not-your-party"
    assert desk.refused(request, "nobody", b"x") == "approval.unknown-officer"
    desk.approve(request, SECOND)
    assert desk.refused(request, SECOND) == "approval.repeated"
    assert desk.state(request) == ("open", [SECOND])
    desk.change(THIRD, roles=("administrator",))
    assert desk.refused(request, THIRD) == "approval.not-approver"
    desk.change(THIRD, roles=("approver",), key=None)
    assert desk.refused(request, THIRD, b"x") == "approval.no-key"


@pytest.mark.parametrize("whose", [FIRST, SECOND])
def test_two_names_with_one_key_are_one_hand(desk, whose):
    """The asker's key, or the first approver's, pinned anew under another name."""
    request = desk.ask()
    signature = desk.sign(request, whose)
    if whose == SECOND:
        desk.approve(request, SECOND)
    desk.change(THIRD, key=desk.officers.get(whose).key)
    assert desk.refused(request, THIRD, signature) == "approval.same-key"


def test_signatures_that_are_none(desk):
    request, other = desk.ask(), desk.ask()
    by_third = desk.sign(request, THIRD)
    assert desk.refused(request, SECOND, b"") == "approval.not-signed"
    assert desk.refused(request, SECOND, b"x" * 70_000) == "approval.not-signed"
    assert desk.refused(request, SECOND, b"not a signature") == "approval.not-signed"
    assert desk.refused(request, SECOND, by_third) == "approval.wrong-key"
    assert desk.refused(request, SECOND, desk.sign(other, SECOND)) == "approval.bad-signature"
    altered = replace(request, subject="package:y")
    assert desk.refused(request, SECOND, desk.sign(altered, SECOND)) == "approval.bad-signature"
    both = desk.sign(request, SECOND) + by_third
    assert desk.refused(request, SECOND, both) in ("approval.bad-signature", "approval.not-signed")


def test_a_signed_message_is_no_detached_signature(desk, tmp_path, need_program):
    """`gpg --sign` puts the statement inside: it says nothing about what is asked here."""
    request = desk.ask()
    said = tmp_path / "statement"
    said.write_bytes(statement(request))
    need_program("gpg")
    assert desk.refused(request, SECOND, desk.gpg(SECOND, "--sign", str(said))) == (
        "approval.not-signed"
    )


def test_a_party_s_own_key_is_no_officer_s(desk):
    request = desk.ask()
    key = desk.parts.pins.exchange_of("ofsted")
    signature = desk.sign(request, "ofsted", key)
    assert desk.refused(request, SECOND, signature) == "approval.wrong-key"


def test_a_key_that_has_ended_or_is_unknown_cannot_approve(desk):
    request = desk.ask()
    desk.change(SECOND, key="F" * 40)
    assert desk.refused(request, SECOND, b"x") == "approval.key-unusable"


def test_a_signature_dated_back_into_the_key_s_life_does_not_help(desk, tmp_path):
    """Who keeps an ended key can set a clock back; nobody can set the gateway's."""
    request = desk.ask()
    made, ended = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    with OpenPGP(tmp_path / "own", made + timedelta(days=1)) as openpgp:
        key = openpgp.generate("An ended key", "sign", made, ended)
        signature = signed_statement(openpgp, request, key)
        desk.parts.openpgp.import_pinned(openpgp.export_public(key), key)
    desk.change(SECOND, key=key)
    assert desk.refused(request, SECOND, signature) == "approval.key-unusable"


def test_a_stolen_key_takes_its_approval_with_it(desk):
    """It is revoked between the two approvals: the first no longer counts."""
    request = desk.ask()
    desk.approve(request, SECOND)
    key = desk.officers.get(SECOND).key
    keyring = HomeKeys(desk.work.home.root).rehearsal(SECOND)
    revocation = (keyring / "openpgp-revocs.d" / f"{key}.rev").read_text()
    desk.gpg(SECOND, "--import", text=revocation.replace("\n:-----", "\n-----"))
    desk.parts.openpgp.import_pinned(desk.gpg(SECOND, "--export", key), key)
    assert desk.approve(request, THIRD).state == "open"
    assert desk.state(request) == ("open", [SECOND, THIRD])


def test_an_unknown_request(desk):
    request = replace(desk.ask(), id="0" * 16)
    assert desk.refused(request, SECOND) == "request.unknown"
    assert desk.work.leaves()[-1]["subject"] == "request:unknown"


def test_who_may_ask(desk):
    desk.change(FIRST, roles=("auditor", "recipient"))
    with pytest.raises(ApprovalRefused) as refused:
        desk.ask()
    assert refused.value.code == "request.not-entitled"
    note_refusal(desk.parts.database, refused.value, desk.now)
    facts = {"act": "recall", "party": "ofsted", "code": "request.not-entitled"}
    assert desk.work.leaves()[-1]["facts"] == facts
    with pytest.raises(ApprovalRefused) as refused:
        desk.ask(SECOND, act="send-it-all")
    assert refused.value.code == "request.act"
    with pytest.raises(OfficersFault) as unknown:
        desk.ask("nobody")
    assert unknown.value.code == "officers.unknown"


# --- what has ended, and officers who go ----------------------------------------------------------


def test_a_request_is_withdrawn_by_who_asked_or_by_an_approver(desk):
    for who in (FIRST, THIRD):
        request = desk.ask()
        desk.approve(request, SECOND)
        desk.withdraw(request, who)
        assert desk.state(request)[0] == "withdrawn"
        assert desk.work.leaves()[-1]["event"] == "request.withdrawn"
        assert desk.refused(request, THIRD) == "request.not-open"
        assert desk.refused(request, THIRD, withdrawing=True) == "request.not-open"


def test_others_cannot_withdraw(desk):
    request = desk.ask()
    assert desk.refused(request, OTHER, withdrawing=True) == "approval.not-your-party"
    desk.change(SECOND, roles=("sender",))
    assert desk.refused(request, SECOND, withdrawing=True) == "approval.not-approver"
    assert desk.state(request) == ("open", [])


def test_what_is_approved_is_not_withdrawn_nor_approved_again(desk):
    request = desk.ask(THIRD)
    desk.approve(request, SECOND)
    desk.approve(request, FIRST)
    assert desk.refused(request, THIRD, withdrawing=True) == "request.not-open"
    assert desk.refused(request, SECOND) == "request.not-open"


def test_an_asker_who_has_gone_could_come_back_under_another_name(desk):
    request = desk.ask()
    desk.remove(FIRST)
    assert desk.refused(request, SECOND) == "approval.asker-gone"
    desk.withdraw(request, SECOND)


@pytest.mark.parametrize("change", [{"roles": ("sender",)}, {"key": "F" * 40}, {"party": "dfe"}])
def test_an_approval_falls_with_its_officer(desk, change):
    """One more is then needed: the first no longer counts."""
    request = desk.ask()
    desk.approve(request, SECOND)
    desk.change(SECOND, **change)
    assert desk.approve(request, THIRD).state == "open"


def test_a_state_written_into_the_database_proves_nothing(desk):
    request = desk.ask()
    desk.approve(request, SECOND)
    forged = desk.sign(request, THIRD, subject="package:y")
    key = desk.officers.get(THIRD).key
    with desk.parts.database.transaction() as tx:
        requests.add_approval(tx, ApprovalRow(request.id, THIRD, key, forged, desk.now))
        with pytest.raises(ApprovalRefused) as refused:
            require_proven(tx, desk.officers, desk.parts.openpgp, request)
    assert refused.value.code == "approval.not-proven"


def test_make_request_takes_part_in_the_caller_s_transaction(desk):
    known = desk.parts.sealer, desk.officers, "recall", "package:x", BODY, FIRST, desk.now
    leaves = len(desk.work.leaves())
    with pytest.raises(RuntimeError), desk.parts.database.transaction() as tx:
        make_request(tx, *known)
        raise RuntimeError
    assert len(desk.work.leaves()) == leaves
