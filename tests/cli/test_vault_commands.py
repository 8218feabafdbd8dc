"""The vault, holds and retention by the commands, from the default hold to the certificate."""

import json
import re

import pytest
from rehearsing import clean_row

AT, NEXT = "2026-03-02T16:05", "2026-03-03T09:00"
NOW = ("--now", NEXT)


def done(answer):
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture
def reason(tmp_path):
    path = tmp_path / "reason.txt"
    path.write_text("The inquiry has ended.")
    return ("--reason-file", str(path))


def test_from_the_default_hold_to_what_could_be_destroyed(work, call, reason, tmp_path):
    work.drop(b"not a table")
    work.tick(AT)
    home = work.home.root
    assert json.loads(done(call(home, "vault", "audit", "--json", *NOW)))["sound"]
    assert "as it was kept" in done(call(home, "vault", "audit", *NOW))
    assert "BagIt" in done(call(home, "vault", "export", str(tmp_path / "bag"), *NOW))
    assert call(home, "vault", "export", str(tmp_path / "bag"), *NOW).returncode == 2

    [hold] = json.loads(done(call(home, "hold", "list", "--json")))["holds"]
    assert (hold["scope"], hold["state"]) == ("everything", "on")
    asker = ("--officer", "dfe-officer-1")
    denied = call(home, "retention", "apply", *asker, *reason, *NOW)
    assert (denied.returncode, "retention.held" in denied.stderr) == (1, True)
    done(call(home, "hold", "review", hold["id"], "--next", "2999-01-01", *asker, *NOW))
    asked = done(call(home, "hold", "end", hold["id"], *asker, *reason, *NOW))
    request = re.search(r"Request (\S+):", asked)[1]
    for officer in ("ofsted-officer-3", "dfe-officer-3"):
        done(call(home, "approve", request, "--officer", officer, *NOW))
    work.tick(NEXT)
    planned = json.loads(done(call(home, "retention", "plan", "--json", *NOW)))
    assert planned["held"] == 0
    assert [item["kind"] for item in planned["objects"]] == ["original"]
    words = ("--flow", "notifications", "--reference", "SCN000001", "--review", "2999-01-01")
    done(call(home, "hold", "begin", *words, *asker, *reason, *NOW))
    assert "0 could be destroyed, 7 are held" in done(call(home, "retention", "plan", *NOW))
    assert "SCN000001" not in done(call(home, "hold", "list"))


def test_an_audit_that_finds_something_fails(work, call):
    work.rows(clean_row(1))
    work.tick(AT)
    next(work.home.vault.glob("*/*")).unlink()
    answer = call(work.home.root, "vault", "audit", *NOW)
    assert answer.returncode == 1
    assert "vault.damaged" in answer.stderr and "missing" in answer.stdout
