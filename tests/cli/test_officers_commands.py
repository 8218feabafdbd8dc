"""Officers at the command line: who they are, what they ask for and approve, and tokens."""

import json
import re
import shutil

import jsonschema
import pytest
from rehearsing import AtWork

from gateway.access.approvals import make_request
from gateway.access.tokens import check_token
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.store import requests

AT = "2026-03-02T16:05"
FIRST, SECOND, THIRD = (f"ofsted-officer-{number}" for number in (1, 2, 3))


@pytest.fixture
def asked(work: AtWork) -> str:
    """The id of a request by the first officer."""
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        body = {"reason": "It went to the wrong day."}
        known = parts.sealer, parts.officers
        return make_request(tx, *known, "recall", "package:x", body, FIRST, now).id


def code(done) -> str:
    """The code of a coded answer, without a traceback."""
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    answer = re.search(r"\[([a-z.-]+)\]$", done.stderr, re.MULTILINE)
    assert answer is not None, done.stderr
    return answer[1]


def test_officers_and_who_acts_for_them(work, call):
    home = work.home.root
    said = call(home, "away", FIRST, "--deputy", SECOND, "--from", "2026-03-02",
                "--until", "2026-03-06", "--now", AT)  # fmt: skip
    assert said.stdout == (
        f"{FIRST} is away from 2 March 2026 to 6 March 2026; {SECOND} acts meanwhile.\n"
    )
    lines = call(home, "officers", "--now", AT).stdout.splitlines()
    (told,) = [line for line in lines if line.startswith(f"│ {FIRST}")]
    assert SECOND in told
    lines = call(home, "officers", "--now", "2026-03-07").stdout.splitlines()
    (told,) = [line for line in lines if line.startswith(f"│ {FIRST}")]
    assert SECOND not in told
    days = ("--from", "2026-03-02", "--until", "2026-03-06", "--now", AT)
    assert code(call(home, "away", SECOND, "--deputy", FIRST, *days)) == "absence.circle"
    assert code(call(home, "away", "nobody", "--deputy", FIRST, *days)) == "officers.unknown"
    assert "is here" in call(home, "away", FIRST, "--deputy", FIRST, *days).stdout


def test_a_home_without_officers(work, call):
    work.home.officers_file.unlink()
    assert "No officers are named" in call(work.home.root, "officers").stdout


def test_a_request_is_shown_and_approved_by_two(work, call, asked, tmp_path, checkout):
    home, target = work.home.root, tmp_path / "statement"
    assert asked in call(home, "request", "list").stdout
    (listed,) = json.loads(call(home, "request", "list", "--json").stdout)
    assert (listed["id"], listed["state"], listed["approvals"]) == (asked, "open", 0)
    status = json.loads(call(home, "status", "--now", AT, "--json").stdout)
    schema = json.loads((checkout / "schemas" / "status.schema.json").read_text())
    jsonschema.validate(status, schema)
    assert status["requests"] == [listed]
    shown = call(home, "request", "show", asked, "--statement", str(target))
    assert "reason: It went to the wrong day." in shown.stdout
    assert json.loads(target.read_bytes())["id"] == asked

    first = call(home, "approve", asked, "--officer", SECOND, "--now", AT)
    assert "needs the approval of another officer" in first.stdout
    signature = tmp_path / "statement.asc"
    with OpenPGP(HomeKeys(home).rehearsal(THIRD)) as openpgp:
        key = openpgp.secret_keys()[0].fingerprint
        openpgp.detach_sign(target, signature, key)
    words = ("approve", asked, "--officer", THIRD)
    both = call(home, *words, "--signature", str(signature), "--now", AT)
    assert "has the approvals it needs" in both.stdout
    shown = call(home, "request", "show", asked).stdout
    assert f"Approved by {SECOND}" in shown
    assert f"Approved by {THIRD}, 2026-03-02 16:05 UTC, key {key}." in shown
    assert "It is approved." in shown


def test_refusals_have_a_code_and_are_ledgered(work, call, asked, tmp_path):
    home = work.home.root
    words = ("approve", asked, "--now", AT, "--officer")
    assert code(call(home, *words, FIRST)) == "approval.own-request"
    assert code(call(home, *words, "dfe-officer-1")) == "approval.not-your-party"
    assert code(call(home, *words, "nobody")) == "approval.unknown-officer"
    (tmp_path / "none").write_bytes(b"")
    given = ("--signature", str(tmp_path / "none"))
    assert code(call(home, *words, SECOND, *given)) == "approval.not-signed"
    given = ("--signature", str(tmp_path / "absent"))
    assert code(call(home, *words, SECOND, *given)) == "file.absent"
    unknown = ("approve", "0" * 16, "--officer", SECOND)
    assert code(call(home, *unknown)) == "request.unknown"
    assert code(call(home, "request", "show", "0" * 16)) == "request.unknown"
    codes = [leaf["facts"]["code"] for leaf in work.leaves("request.refused")]
    assert codes == [
        "approval.own-request", "approval.not-your-party", "approval.unknown-officer",
        "approval.not-signed", "request.unknown",
    ]  # fmt: skip


def test_a_request_is_withdrawn(work, call, asked):
    home = work.home.root
    done = call(home, "request", "withdraw", asked, "--officer", FIRST, "--now", AT)
    assert f"Withdrawn: request {asked}" in done.stdout
    assert "No requests." in call(home, "request", "list").stdout
    assert "withdrawn" in call(home, "request", "list", "--all").stdout
    again = call(home, "request", "withdraw", asked, "--officer", FIRST, "--now", AT)
    assert code(again) == "request.not-open"


def test_an_officer_signs_with_the_keys_of_who_runs_the_command(
    work, call, asked, tmp_path, monkeypatch
):
    """In a real home an officer's keys lie with the officer, and gpg finds them by GNUPGHOME."""
    home = work.home.root
    HomeKeys(home).rehearsal(SECOND).rename(tmp_path / "own")
    words = ("approve", asked, "--officer", SECOND, "--now", AT)
    monkeypatch.setenv("GNUPGHOME", str(HomeKeys(home).rehearsal(THIRD)))
    assert code(call(home, *words)) == "key.unknown"
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "own"))
    assert "needs the approval of another" in call(home, *words).stdout
    with work.parts(AT) as (parts, _), parts.database.transaction() as tx:
        (approval,) = requests.approvals_of(tx, asked)
    assert approval.fingerprint == parts.officers.get(SECOND).key


def test_a_token_is_printed_once_listed_and_revoked(work, call):
    home = work.home.root
    words = ("token", "make", "--party", "dfe", "--flow", "notifications", "--now", AT)
    made = call(home, *words, "--scope", "collect", "--scope", "receipt")
    text = made.stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{16}\.[A-Za-z0-9_-]{43}", text)
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        assert check_token(tx, text, now).scopes == {"collect", "receipt"}
    prefix, secret = text.split(".")
    assert "until 2026-05-31" in call(home, "token", "list", "--now", AT).stdout
    assert "ended 2026-05-31" in call(home, "token", "list", "--now", "2026-06-01").stdout
    assert call(home, "token", "revoke", prefix, "--now", AT).returncode == 0
    listed = call(home, "token", "list", "--now", AT).stdout
    assert "revoked 2026-03-02" in listed
    assert secret not in listed
    assert code(call(home, "token", "revoke", prefix)) == "token.revoked"
    for part in work.home.var.glob("gateway.db*"):
        assert secret.encode() not in part.read_bytes()


def test_tokens_that_the_agreement_has_no_use_for(work, call):
    home = work.home.root
    words = ("token", "make", "--scope", "drop", "--now", AT)
    said = call(home, *words, "--party", "dfe", "--flow", "notifications")
    assert code(said) == "token.scope"
    assert code(call(home, *words, "--party", "x", "--flow", "notifications")) == (
        "token.not-a-party"
    )
    assert code(call(home, *words, "--party", "dfe", "--flow", "x")) == "token.flow"
    days = ("--party", "ofsted", "--flow", "notifications", "--days", "400")
    assert code(call(home, *words, *days)) == "token.life"
    assert "No tokens." in call(home, "token", "list").stdout


# --- the ledger -----------------------------------------------------------------------------------


def test_a_new_log_is_asked_for_only_where_something_is_gone(work, call):
    home = work.home.root
    words = ("--officer", FIRST, "--reason", "A disk was restored.", "--now", AT)
    assert code(call(home, "ledger", "recover", *words)) == "ledger.stands"
    older = home / "older.db"
    shutil.copy(work.home.database, older)
    work.tick(AT)
    for more in ("-wal", "-shm"):
        work.home.database.with_name(f"gateway.db{more}").unlink(missing_ok=True)
    older.replace(work.home.database)
    asked = call(home, "ledger", "recover", *words)
    assert asked.stdout.startswith("Gone: leaves ")
    assert "An approver of each party signs it" in asked.stdout
    (request,) = re.findall(r"Request ([0-9a-f]+): recover-ledger of log:1", asked.stdout)
    shown = call(home, "request", "show", request)
    assert "One approver of each of dfe, ofsted decides about it." in shown.stdout
    key = call(home, "ledger", "rotate-key", *words)
    assert "change-keys of log:key" in key.stdout
