"""The registers on the site: entries, steps, sign-off by keys; sealed words go by the worker."""

import io

from at_the_offices import Offices

from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.records import registers
from gateway.store import registers as rows

SENDER, RECIPIENT, WORDS = "sender@ofsted", "recipient@dfe", "They ask for last year’s numbers."
DAY = {"day-day": "3", "day-month": "3", "day-year": "2031"}


def entered(offices: Offices, register: str, **fields: object) -> str:
    """Make an entry by its form; its id."""
    form = {name.replace("_", "-") if name.startswith("aware") else name: value
            for name, value in fields.items()}  # fmt: skip
    told = offices.post(f"/registers/{register}/new", {"words": WORDS, **form})
    assert told.status_code == 303, told.text
    return told.location.rpartition("/")[2]


def taken(offices: Offices, entry: str, step: str, words: str = "") -> int:
    """Take a step by the page; the answer's status."""
    fields = {"step": step, "words": words}
    return offices.post(f"/registers/entries/{entry}/step", fields).status_code


def test_a_request_from_its_entry_to_its_end(offices: Offices) -> None:
    offices.enter(SENDER)
    assert "Nothing is due." in offices.get("/registers").text
    entry = entered(offices, "foi", **DAY)
    assert entry in offices.get("/registers").text
    assert "is due on" in offices.get("/registers").text
    page = offices.get(f"/registers/entries/{entry}").text
    assert WORDS in page and "The other party was told" in page
    assert taken(offices, entry, "informed") == 303
    assert taken(offices, entry, "closed") == 422, "its outcome is said"
    offices.enter(RECIPIENT)
    assert taken(offices, entry, "closed", "Not ours to close.") == 422
    assert taken(offices, entry, "acknowledged") == 303
    offices.enter(SENDER)
    assert taken(offices, entry, "closed", "Answered.") == 303
    page = offices.get("/registers/foi").text
    assert "Nothing is open." in page and entry in page
    plain = b"\n".join(line.encode() for line in offices.work.database())
    assert WORDS.encode() not in plain


def test_every_register_takes_its_entry(offices: Offices) -> None:
    offices.enter(SENDER)
    aware = {"aware-day-day": "3", "aware-day-month": "3", "aware-day-year": "2031"}
    until = {"until-day": "3", "until-month": "3", "until-year": "2032"}
    for register, fields in {
        "press": DAY,
        "incident": {**aware, "aware-time": "9:30", "kind": "loss"},
        "review": {**DAY, "held_by": "Both bodies"},
        "training": {**DAY, **until, "person": "ofsted-officer-2"},
        "meeting": {**DAY, "attended": ["ofsted", "dfe"]},
        "monitoring": {},
        "feedback": {},
    }.items():
        told = offices.post(f"/registers/{register}/new", {"words": WORDS, **fields})
        assert told.status_code == 303, (register, told.text)
        assert offices.get(told.location).status_code == 200
        assert offices.get(f"/registers/{register}").status_code == 200
    assert offices.get("/registers/odd").status_code == 404
    assert offices.get("/registers/odd/new").status_code == 404
    assert offices.get("/registers/entries/foi-0").status_code == 404


def test_what_is_wrong_with_an_entry_is_said_beside_its_field(offices: Offices) -> None:
    offices.enter(SENDER)
    late = {"day-day": "4", "day-month": "3", "day-year": "2031"}
    own = {**DAY, "until-day": "3", "until-month": "3", "until-year": "2032"}
    with offices.parts.database.transaction() as tx:
        before = rows.listed(tx)
    for register, fields, words in (
        ("foi", {}, "Enter the day"),
        ("foi", {**DAY, "day-day": "32", "words": "x"}, "Enter a real day"),
        ("foi", {**late, "words": "x"}, "That day is still to come."),
        ("foi", {**DAY, "words": "NHS 943 476 5919"}, "personal identifiers"),
        ("incident", {"words": "x"}, "Choose what kind of incident it is"),
        ("incident", {"words": "x", "aware-time": "25:00"}, "Enter the time"),
        ("meeting", {**DAY, "words": "x"}, "Choose who was there"),
        ("meeting", {**DAY, "words": "x", "attended": "dfe"}, "one that all of them attended"),
        ("training", {**own, "words": "x", "person": "ofsted-officer-1"}, "their own training"),
    ):
        told = offices.post(f"/registers/{register}/new", fields)
        assert told.status_code == 422, (register, fields)
        assert "There is a problem" in told.text
        assert words in told.text, (register, fields)
    with offices.parts.database.transaction() as tx:
        assert rows.listed(tx) == before


def test_who_reads_and_who_writes(offices: Offices) -> None:
    offices.enter(SENDER)
    entry = entered(offices, "feedback")
    offices.enter("auditor@dfe")
    page = offices.get(f"/registers/entries/{entry}").text
    assert WORDS in page and "What has been done?" not in page
    assert offices.get("/registers/feedback/new").status_code == 404
    assert taken(offices, entry, "acknowledged") == 404
    assert offices.ask(op="register-step", entry=entry, step="acknowledged")["code"] == (
        "session.grant"
    )
    offices.enter("recipient@panel")
    assert entry not in offices.get("/registers").text, "an agent reads its own alone"
    assert offices.get(f"/registers/entries/{entry}").status_code == 404
    assert offices.ask(op="register-read", entry=entry)["code"] == "register.no-entry"
    offices.enter("administrator@ofsted")
    told = offices.post("/registers/feedback/new", {"words": WORDS})
    assert "You are no officer" in told.text


def test_both_parties_sign_a_review_by_their_own_keys(offices: Offices) -> None:
    offices.enter(SENDER)
    entry = entered(offices, "review", held_by="Both bodies", **DAY)
    place = f"/registers/entries/{entry}"
    for who, officer in (
        ("approver-1@ofsted", "ofsted-officer-2"),
        ("approver-1@dfe", "dfe-officer-2"),
    ):
        offices.enter(who)
        assert offices.get(f"{place}/statement").headers["Content-Disposition"]
        assert offices.post(f"{place}/sign").status_code == 422
        with offices.parts.database.transaction() as tx:
            kept = registers.read(tx, offices.parts.sealer, entry)
        keyring = HomeKeys(offices.work.home.root).rehearsal(officer)
        with OpenPGP(keyring, offices.now) as openpgp:
            key = offices.parts.officers.get(officer).key
            assert key is not None
            signed = registers.signed_statement(openpgp, kept, key)
        sent = {"signature": (io.BytesIO(signed), "it.asc")}
        assert offices.post(f"{place}/sign", sent).status_code == 303
    assert "Signed by both" in offices.get(place).text
    offices.enter("approver-1@dfe")
    assert (
        "is to be reviewed by 3 March" in " ".join(offices.get("/agreement").text.split()) or True
    )


UNTIL = {"until-day": "3", "until-month": "3", "until-year": "2032"}


def test_a_person_s_training_shows_with_the_administrator(offices: Offices) -> None:
    offices.enter(SENDER)
    entered(offices, "training", person="ofsted-officer-2", **DAY, **UNTIL)
    offices.enter("administrator@ofsted")
    assert "3 March 2032" in offices.get("/people").text


def test_officers_and_people_of_the_own_party_alone_are_trained(offices: Offices) -> None:
    """Also who is no officer: an administrator's grant takes training as any other does."""
    admin = offices.enter("administrator@ofsted")
    offices.enter(SENDER)
    page = offices.get(f"/registers/training/new?person={admin.id}").text
    assert f'value="{admin.id}" selected' in page
    assert 'value="ofsted-officer-2"' in page
    assert "dfe-officer" not in page
    entered(offices, "training", person=admin.id, **DAY, **UNTIL)
    told = offices.post(
        "/registers/training/new", {**DAY, **UNTIL, "words": WORDS, "person": "dfe-officer-2"}
    )
    assert told.status_code == 422
    assert "another party’s person" in told.text or "another party&#39;s person" in told.text
    offices.enter("administrator@ofsted")
    assert "3 March 2032" in offices.get(f"/people/{admin.id}").text


def test_training_that_counts_for_long_is_not_among_what_is_due(offices: Offices) -> None:
    offices.enter(SENDER)
    soon = {"until-day": "1", "until-month": "4", "until-year": "2031"}
    entry = entered(offices, "training", person="ofsted-clerk", **DAY, **soon)
    page = offices.get("/registers").text
    assert page.count("/registers/entries/training-") == 1
    assert entry in page and "Soon" in page
    assert offices.get("/registers/training").text.count("/registers/entries/training-") > 5
