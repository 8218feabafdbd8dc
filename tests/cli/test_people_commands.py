"""People at the command line: the first administrator, invitations, grants, leaving."""

import json

import pytest
from rehearsing import AtWork

from gateway.access import people as acts
from gateway.store import mails

AT = "2026-03-02T16:05"


def told(call, home):
    """The people as `people list --json` tells them, by address."""
    listed = call(home, "people", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return {item["email"]: item for item in json.loads(listed.stdout)}


def test_one_person_of_each_role_in_a_rehearsal(work: AtWork, call):
    home = work.home.root
    found = told(call, home)
    roles = {(item["party"], grant["role"]) for item in found.values() for grant in item["grants"]}
    assert {("ofsted", "sender"), ("dfe", "recipient"), ("panel", "recipient")} <= roles
    assert {("dfe", "administrator"), ("dfe", "auditor"), ("ofsted", "approver")} <= roles
    assert all(item["state"] == "set up" for item in found.values())
    code = call(home, "people", "code", "recipient@dfe.invalid")
    assert code.stdout.strip().isdigit() and len(code.stdout.strip()) == 6
    first = call(home, "people", "first-administrator", "A", "a@b.invalid", "--party", "dfe")
    assert "[person.not-first]" in first.stderr


def test_the_first_administrator_is_trained_first_and_told_how(work: AtWork, call, tmp_path):
    home, email = work.home.root, "ann@dfe.invalid"
    for item in told(call, home).values():
        for held in item["grants"]:
            if held["role"] == "administrator":
                assert call(home, "people", "revoke", held["grant"]).returncode == 0
    words = ("people", "first-administrator", "Ann Other", email, "--party", "dfe", "--now", AT)
    made = call(home, *words)
    assert made.returncode == 0
    assert "/invitation/" in made.stdout
    ann = told(call, home)[email]
    assert (ann["trained"], ann["trained_until"]) == (False, None)
    assert "Ann Other may do nothing here yet" in made.stderr
    assert "[person.untrained]" in made.stderr
    command = made.stderr.partition("gateway register enter ")[2].split()
    assert ("--person", ann["id"]) == tuple(command[3:5])
    text = tmp_path / "words"
    text.write_text("Handling of personal data.\n", encoding="utf-8")
    days = iter(("2026-03-02", "2026-06-01"))
    given = {"YYYY-MM-DD": lambda: next(days), "FILE": lambda: str(text)}
    typed = [given[word]() if word in given else word for word in command]
    assert call(home, "register", "enter", *typed, "--now", AT).returncode == 0
    trained = call(home, "people", "grant", email, "auditor", "--now", AT)
    assert (trained.returncode, trained.stderr) == (0, "")
    listed = call(home, "people", "list", "--now", "2026-06-01T12:00").stdout
    assert "2026-06-01" in listed and "(past)" not in listed
    assert "(past)" in call(home, "people", "list", "--now", "2026-06-02T12:00").stdout


def test_a_first_administrator_who_is_an_officer_is_known_as_one(work: AtWork, call):
    home, email = work.home.root, "ann@dfe.invalid"
    for item in told(call, home).values():
        for held in item["grants"]:
            if held["role"] == "administrator":
                call(home, "people", "revoke", held["grant"])
    words = ("people", "first-administrator", "Ann", email, "--party", "dfe", "--officer")
    assert "[person.officer]" in call(home, *words, "ofsted-officer-1").stderr
    made = call(home, *words, "dfe-officer-3")
    assert made.returncode == 0
    assert "[person.untrained]" not in made.stderr, "that officer is trained"


def test_inviting_granting_revoking_and_letting_go(work: AtWork, call):
    home, email = work.home.root, "jo@dfe.invalid"
    words = ("people", "invite", "Jo Smith", email, "--party", "dfe", "--officer", "dfe-officer-1")
    made = call(home, *words)
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert "/invitation/" in link and "this once" in made.stderr
    assert told(call, home)[email]["state"] == "invited"
    granted = call(home, "people", "grant", email, "recipient", "--flow", "notifications")
    assert granted.returncode == 0, granted.stderr
    (held,) = told(call, home)[email]["grants"]
    assert (held["flow"], held["role"]) == ("notifications", "recipient")
    assert call(home, "people", "revoke", held["grant"]).returncode == 0
    assert "[grant.unknown]" in call(home, "people", "revoke", held["grant"]).stderr
    assert call(home, "people", "end-sessions", email).stdout == "Ended: 0 sessions.\n"
    assert call(home, "people", "leave", email).returncode == 0
    assert told(call, home)[email]["state"] == "left"
    assert "[person.left]" in call(home, "people", "grant", email, "auditor").stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("invite", "A", "a@b.invalid", "--party", "nobody"), "person.party"),
        (
            ("invite", "A", "a@b", "--party", "panel", "--officer", "dfe-officer-1"),
            "person.officer",
        ),
        (("invite", "A", "not an address", "--party", "dfe"), "person.malformed"),
        (("grant", "nobody@b.invalid", "sender"), "person.unknown"),
        (("grant", "recipient@panel.invalid", "sender"), "grant.no-use"),
        (("code", "nobody@b.invalid"), "person.no-code"),
    ],
)
def test_what_makes_no_sense_is_refused(work: AtWork, call, words, code):
    done = call(work.home.root, "people", *words)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr and "Traceback" not in done.stderr


def test_an_invitation_by_e_mail_keeps_no_link_once_it_is_sent(work: AtWork, call):
    settings = '[mail]\nhost = "localhost"\n[web]\norigin = "https://gateway.example"\n'
    work.home.settings_file.write_text(settings)
    words = ("people", "invite", "Jo", "jo@dfe.invalid", "--party", "dfe")
    made = call(work.home.root, *words, "--now", AT)
    assert "The next tick sends" in made.stdout
    assert "/invitation/" not in made.stdout + made.stderr
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        (row,) = [item for item in mails.due(tx, now) if item.kind == "invitation"]
        assert "https://gateway.example/invitation/" in row.body
        token = row.body.split("/invitation/")[1].split()[0]
        assert acts.invited(tx, token, now).email == "jo@dfe.invalid"
        mails.claim(tx, row, now)
        mails.mark_sent(tx, row, now)
        kept = tx.exec_driver_sql("SELECT body FROM mails WHERE kind = 'invitation'").scalar_one()
        assert token not in kept
