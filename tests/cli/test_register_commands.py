"""The registers at the command line: entries, steps, and what both parties sign."""

import json
import re

import jsonschema
import pytest

from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP

AT = "2026-03-02T16:05"
OURS, OTHERS, THEIRS = "ofsted-officer-1", "ofsted-officer-2", "dfe-officer-1"
CLERK = "ofsted-clerk"  # whom nobody has trained; the rehearsal's own people are


@pytest.fixture
def text(tmp_path):
    """A file with words."""
    path = tmp_path / "words.txt"
    path.write_text("It went to the wrong building.\n", encoding="utf-8")
    return str(path)


def entered(done):
    """The id of an entry that a command made."""
    assert done.returncode == 0, done.stderr
    return re.match(r"Entry ([a-z]+-[0-9a-f]{12}):", done.stdout)[1]


def code(done):
    """The code of a coded answer, without a traceback."""
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    return re.search(r"\[([a-z.-]+)\]$", done.stderr, re.MULTILINE)[1]


def test_a_request_from_its_entry_to_its_end(work, call, text, checkout):
    home = work.home.root
    known = ("--officer", OURS, "--text-file", text, "--now", AT)
    made = call(home, "register", "enter", "request", "foi", "--received", "2026-03-02", *known)
    entry = entered(made)
    assert "Due: 2026-03-31." in made.stdout
    shown = call(home, "register", "show", entry, "--now", AT).stdout
    assert "It went to the wrong building." in shown
    assert "ofsted may take: informed, note, mistaken." in shown
    step = ("register", "step", entry)
    assert code(call(home, *step, "closed", *known)) == "register.too-early"
    assert code(call(home, *step, "note", "--officer", OURS, "--now", AT)) == "register.words"
    assert call(home, *step, "informed", "--officer", OURS, "--now", AT).returncode == 0
    assert code(call(home, *step, "informed", *known)) == "register.repeated"
    told = call(home, *step, "acknowledged", "--officer", THEIRS, "--now", AT)
    assert told.stdout == f"Noted: acknowledged of {entry}. It is informed.\n"
    listed = json.loads(call(home, "register", "list", "--register", "foi", "--json").stdout)
    schema = json.loads((checkout / "schemas" / "register.schema.json").read_text())
    jsonschema.validate(listed, schema)
    assert [(item["id"], item["state"]) for item in listed["entries"]] == [(entry, "informed")]
    assert "2026-03-31 (past)" in call(home, "register", "list", "--now", "2026-04-01T09:00").stdout
    assert call(home, *step, "closed", *known).returncode == 0
    assert "No entries." in call(home, "register", "list", "--register", "foi").stdout
    assert entry not in call(home, "register", "list").stdout
    assert entry in call(home, "register", "list", "--all", "--register", "foi").stdout
    assert "No entries." in call(home, "register", "list", "--all", "--register", "press").stdout


def test_both_parties_sign_a_review_here_or_elsewhere(work, call, text, tmp_path):
    home = work.home.root
    words = ("--held", "2026-02-27", "--by", "Heads of safeguarding", "--text-file", text)
    entry = entered(
        call(home, "register", "enter", "review", "--officer", OURS, *words, "--now", AT)
    )
    sign = ("register", "sign", entry, "--now", AT, "--officer")
    assert call(home, *sign, OURS).stdout == f"Noted: {entry} waits for the signature of dfe.\n"
    assert code(call(home, *sign, OTHERS)) == "register.repeated"
    assert code(call(home, *sign, "nobody")) == "officers.unknown"
    target, signature = tmp_path / "statement", tmp_path / "statement.asc"
    told = call(home, "register", "show", entry, "--statement", str(target), "--now", AT).stdout
    assert f"register sign {entry}" in told
    with OpenPGP(HomeKeys(home).rehearsal(THEIRS)) as openpgp:
        openpgp.detach_sign(target, signature, openpgp.secret_keys()[0].fingerprint)
    done = call(home, *sign, THEIRS, "--signature", str(signature))
    assert done.stdout == f"Agreed: both parties have signed the words of {entry}.\n"
    shown = call(home, "register", "show", entry, "--now", AT).stdout
    assert shown.count(": signed\n") == 2
    work.home.officers_file.write_text("", encoding="utf-8")
    shown = call(home, "register", "show", entry, "--now", AT).stdout
    assert shown.count("an officer who has left") == 2


def test_an_entry_of_each_other_register(work, call, text):
    home = work.home.root
    enter = ("register", "enter")
    words = ("--text-file", text, "--now", AT)
    aware = ("incident", "loss", "--aware", "2026-03-02T15:00", "--officer", OURS)
    incident = call(home, *enter, *aware, *words)
    entered(incident)
    assert "Due: 2026-03-05 15:00." in incident.stdout
    days = ("--completed", "2026-03-02", "--until", "2027-03-01")
    person = ("training", "--person", CLERK, "--officer", OURS)
    training = entered(call(home, *enter, *person, *days, *words))
    assert f"person: {CLERK}" in call(home, "register", "show", training, "--now", AT).stdout
    met = ("--held", "2026-03-02", "--attended", "dfe", "--attended", "ofsted")
    entered(call(home, *enter, "meeting", "--officer", OURS, *met, "--next", "2026-06-01", *words))
    look = (*enter, "monitoring", "--officer", THEIRS, "--now", AT)
    assert entered(call(home, *look)) == entered(call(home, *look))
    entered(call(home, *enter, "feedback", "--officer", THEIRS, *words))
    listed = json.loads(call(home, "register", "list", "--all", "--json").stdout)["entries"]
    ours = [item for item in listed if item["opened_on"] == "2026-03-02"]
    assert sorted(item["register"] for item in ours) == [
        "feedback", "incident", "meeting", "monitoring", "training",
    ]  # fmt: skip


def test_refusals_have_a_code_and_usage_is_said(work, call, text, tmp_path):
    home = work.home.root
    enter = ("register", "enter")
    words = ("--text-file", text, "--now", AT)
    late = ("request", "foi", "--received", "2026-03-03", "--officer", OURS)
    assert code(call(home, *enter, *late, *words)) == "register.days"
    agent = ("feedback", "--officer", "panel-officer-1")
    assert code(call(home, *enter, *agent, *words)) == "register.not-a-party"
    own = ("training", "--person", OURS, "--officer", OURS)
    days = ("--completed", "2026-03-02", "--until", "2027-03-01")
    assert code(call(home, *enter, *own, *days, *words)) == "register.own-training"
    assert code(call(home, "register", "show", "foi-0")) == "register.no-entry"
    assert code(call(home, "register", "sign", "foi-0", "--officer", OURS)) == "register.no-entry"
    aware = ("incident", "loss", "--aware", "noon", "--officer", OURS)
    assert call(home, *enter, *aware, *words).returncode == 2
    assert call(home, *enter, "request", "tea", "--officer", OURS).returncode == 2
    bad = tmp_path / "bad.txt"
    bad.write_text("Of the child with the number 943 476 5919.", encoding="utf-8")
    said = ("feedback", "--officer", OURS, "--text-file", str(bad), "--now", AT)
    assert code(call(home, *enter, *said)) == "text.identifier"
