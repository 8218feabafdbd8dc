"""The recipient's pages: what is to do, the package, its password, its acceptance, all days."""

import html
import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from recipients import DFE, FRIDAY, HERE, MONDAY, OFSTED, OURS, PANEL, Recipients

from gateway.access import people as acts
from gateway.access.people import OPERATOR
from gateway.receipts.receipt import from_bytes
from gateway.receipts.sitereceipt import SAID
from gateway.store import grants

QUESTION = {"text": "Are these two one and the same?", "once": "0123456789ab"}


def plain(page: str) -> str:
    """The words of a page."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def password_of(page: str) -> str:
    """The password that a page shows; nothing where it shows none."""
    found = re.search(r'id="password">([^<]+)<', page)
    return found[1] if found else ""


# --- what is to do --------------------------------------------------------------------------------


def test_what_is_overdue_comes_first_and_todays_package_next(recipients: Recipients) -> None:
    for place in ("/", "/collect"):
        words = plain(recipients.jo.get(place).text)
        order = [words.index(item) for item in ("Overdue", "27 February 2026", "Today, Monday")]
        assert order == sorted(order), place
        assert "This was due on Monday 2 March, 12:05" in words
        assert "2 rows" in words
    assert "2 things to do" in plain(recipients.jo.get("/collect").text)


def test_whoever_sends_too_is_told_first_of_what_is_overdue(recipients: Recipients) -> None:
    """On that Monday a package is overdue, another is of today, and an update is due on Friday."""
    words = plain(recipients.jo.get("/").text)
    assert words.index("Overdue") < words.index("Today, Monday") < words.index("To send:")
    for package in (FRIDAY, MONDAY):
        recipients.collect(here=f"{OURS}/packages/{package}")
        recipients.jo.post(f"{OURS}/packages/{package}/accept", page="/account")
    words = plain(recipients.jo.get("/").text)
    assert "Overdue" not in words
    assert words.index("To send:") < words.index("Today, Monday"), "nothing is left to be done"


def test_a_day_without_rows_says_which_truth_it_is(recipients: Recipients) -> None:
    recipients.work.tick("2026-03-03T16:05")
    recipients.doorway.now += timedelta(days=1)
    recipients.jo.sign_in()
    words = plain(recipients.jo.get("/collect").text)
    assert "Nothing received: no extract came, so this is not a nil return" in words


def test_before_the_window_the_page_says_when_the_package_comes(recipients: Recipients) -> None:
    recipients.doorway.now += timedelta(hours=16)
    recipients.jo.sign_in()
    assert "Today’s package comes at 16:00." in plain(recipients.jo.get("/collect").text)
    recipients.doorway.now += timedelta(days=4)
    recipients.jo.sign_in()
    words = plain(recipients.jo.get("/collect").text)
    assert "No package is due today. The next one comes on Monday 9 March, 16:00." in words


# --- a package ------------------------------------------------------------------------------------


def test_a_package_tells_what_is_in_it(recipients: Recipients) -> None:
    words = plain(recipients.jo.get(HERE).text)
    manifest = json.loads(recipients.jo.get(f"{HERE}/manifest").data)
    assert manifest["delivery_sha256"] in words
    assert manifest["agreement_hash"] in words
    assert "Minimisation certificate" in words
    assert "dropped 1 column of the extract" in words
    assert "Ready to collect" in words
    assert "Zzyzwick" not in words


def test_manifest_and_signature_are_files_to_keep(recipients: Recipients) -> None:
    for part, name in (("manifest", "manifest.json"), ("signature", "manifest.json.asc")):
        answer = recipients.jo.get(f"{HERE}/{part}")
        told = answer.headers["Content-Disposition"]
        assert told == f'attachment; filename="{MONDAY}.{name}"'
    assert b"BEGIN PGP SIGNATURE" in answer.data


def test_a_whole_download_is_a_collection_and_half_of_one_is_not(recipients: Recipients) -> None:
    half = recipients.jo.get(f"{HERE}/file", headers={"Range": "bytes=0-99"})
    assert (half.status_code, len(half.data)) == (206, 100)
    assert recipients.state() == "placed"
    etag = half.headers["ETag"]
    rest = recipients.jo.get(f"{HERE}/file", headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, len(rest.data) > 1_000) == (206, True)
    assert recipients.state() == "collected"
    [receipt] = recipients.receipts()
    assert (receipt.kind, receipt.way, receipt.signature) == ("collected", "web", None)
    assert receipt.person == recipients.doorway.id_of(DFE)
    [leaf] = recipients.leaves("receipt.recorded")
    assert receipt.person not in json.dumps(leaf), "people stand in commitments alone"
    assert half.data + rest.data == recipients.collect()
    assert half.headers["Content-Disposition"].startswith("attachment;")


def test_a_range_outside_and_other_bytes_are_refused(recipients: Recipients) -> None:
    outside = recipients.jo.get(f"{HERE}/file", headers={"Range": "bytes=99999999-"})
    assert outside.status_code == 416
    other = recipients.jo.get(f"{HERE}/file", headers={"If-Match": '"00"'})
    assert other.status_code == 412


def test_halves_of_two_people_make_no_whole(recipients: Recipients) -> None:
    person = recipients.doorway.id_of("approver-1 of dfe")
    with recipients.parts.database.transaction() as tx:
        flows = list(recipients.parts.flows())
        acts.grant(tx, flows, person, ("*", "recipient"), OPERATOR, recipients.doorway.now)
    other = recipients.person("approver-1 of dfe")
    recipients.jo.get(f"{HERE}/file", headers={"Range": "bytes=0-99"})
    other.get(f"{HERE}/file", headers={"Range": "bytes=100-"})
    assert recipients.state() == "placed"


# --- the password ---------------------------------------------------------------------------------


def test_the_password_takes_a_step_of_its_own_and_is_in_the_record(recipients: Recipients) -> None:
    assert not password_of(recipients.jo.get(f"{HERE}/password").text)
    assert not recipients.leaves("password.released")
    answer = recipients.jo.post(f"{HERE}/password")
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(password_of(answer.text)) >= 22
    [leaf] = recipients.leaves("password.released")
    assert leaf["facts"] == {"package": MONDAY, "party": "dfe", "way": "web"}
    assert not password_of(recipients.jo.get(f"{HERE}/password").text), "shown once"


def test_password_and_acceptance_want_a_person_who_proved_lately_who_they_are(
    recipients: Recipients,
) -> None:
    recipients.collect()
    recipients.doorway.later(minutes=11)
    for step in ("password", "accept", "query"):
        sent = recipients.jo.get(f"{HERE}/{step}")
        assert sent.status_code == 303
        assert sent.location.startswith("/sign-in/again?next=")
        sent = recipients.jo.post(f"{HERE}/{step}", page=HERE)
        assert sent.location == f"/sign-in/again?{urlencode({'next': f'{HERE}/{step}'})}"
    assert recipients.state() == "collected"
    assert not recipients.leaves("password.released")


# --- accepting ------------------------------------------------------------------------------------


def test_accepting_takes_two_clicks_and_is_by_the_gateways_word(recipients: Recipients) -> None:
    recipients.collect()
    page = plain(recipients.jo.get(f"{HERE}/accept").text)
    assert SAID["opened"] in page
    assert SAID["accepted"] in page
    answer = recipients.jo.post(f"{HERE}/accept")
    assert (answer.status_code, answer.location) == (303, HERE)
    assert recipients.state() == "accepted"
    given = recipients.receipts()
    assert [(row.kind, row.way) for row in given] == [
        ("collected", "web"),
        ("opened", "web"),
        ("accepted", "web"),
    ]
    for row in given[1:]:
        said = json.loads(row.body)
        assert said["format"] == "gateway-site-receipt/1"
        assert said["said"] == SAID[said["kind"]]
        assert said["person"] == row.person == recipients.doorway.id_of(DFE)
        assert said["name"] == "Rehearsal recipient of dfe"
        assert said["officer"] == "dfe-officer-1"
        assert said["signed_by"] == recipients.parts.pins.gateway
        with pytest.raises(ValueError):
            from_bytes(row.body)  # no way in takes such a receipt
    assert "by Rehearsal recipient of dfe, on the site" in plain(recipients.jo.get(HERE).text)


def test_sending_the_acceptance_twice_changes_nothing(recipients: Recipients) -> None:
    recipients.collect()
    first = recipients.jo.post(f"{HERE}/accept")
    before = [row.id for row in recipients.receipts()]
    again = recipients.jo.post(f"{HERE}/accept", page=f"{HERE}/password")
    assert (first.status_code, again.status_code) == (303, 303)
    assert [row.id for row in recipients.receipts()] == before
    assert len(recipients.leaves("receipt.recorded")) == len(before)
    assert "accepted already" in plain(recipients.jo.get(f"{HERE}/accept").text), "back button"


def test_what_nobody_has_collected_cannot_be_accepted(recipients: Recipients) -> None:
    assert "Download it and open it first" in plain(recipients.jo.get(f"{HERE}/accept").text)
    refused = recipients.jo.post(f"{HERE}/accept", page=f"{HERE}/password")
    assert refused.status_code == 409
    assert "receipt" in plain(refused.text)
    assert not recipients.receipts()
    assert [leaf["facts"]["code"] for leaf in recipients.leaves("receipt.refused")] == [
        "receipt.out-of-order"
    ]


def test_the_package_is_accepted_once_all_recipients_have(recipients: Recipients) -> None:
    there = HERE.replace("/dfe/", "/panel/")
    panel = recipients.person(PANEL)
    recipients.collect(panel, there)
    panel.post(f"{there}/accept")
    assert not recipients.leaves("package.accepted")
    recipients.collect()
    recipients.jo.post(f"{HERE}/accept")
    assert len(recipients.leaves("package.accepted")) == 1


# --- asking ---------------------------------------------------------------------------------------


def test_a_question_is_asked_once_answered_and_closed(recipients: Recipients) -> None:
    recipients.collect()
    asked = {**QUESTION, "reference": "SCN000002", "heading": "Gender"}
    first = recipients.jo.post(f"{HERE}/query", asked)
    again = recipients.jo.post(f"{HERE}/query", asked)
    assert first.status_code == 303
    assert first.location == again.location
    assert recipients.state() == "queried"
    assert [row.kind for row in recipients.receipts()] == ["collected", "opened", "queried"]
    assert len(recipients.leaves("query.opened")) == 1
    thread = first.location
    words = plain(recipients.jo.get(thread).text)
    assert QUESTION["text"] in words
    assert "About the row SCN000002. About the column Gender." in words
    assert "It waits for an answer" in words
    assert not any(QUESTION["text"] in line for line in recipients.work.database())

    sender = recipients.person(OFSTED)
    number = thread.rpartition("/")[2]
    place = f"/ofsted/notifications/sent/{MONDAY}/queries/{number}"
    assert sender.post(place, {"text": "They are <b>not</b>."}).status_code == 303
    assert sender.get(thread).status_code == 404, "a recipient's page is not a sender's"
    assert "Your questions were answered" in plain(recipients.jo.get("/collect").text)
    page = recipients.jo.get(thread).text
    assert "They are &lt;b&gt;not&lt;/b&gt;." in page
    assert "Rehearsal sender of ofsted" in page
    assert recipients.jo.post(thread, {"text": "All of them?"}).status_code == 303
    for _ in range(2):
        assert recipients.jo.post(f"{thread}/close", page=f"{HERE}/query").status_code == 303
    assert "It is closed." in plain(recipients.jo.get(thread).text)
    assert recipients.jo.post(f"{HERE}/accept").status_code == 303
    assert recipients.state() == "accepted", "what is queried can be accepted later"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": ""}, "There is no text."),
        ({"text": "Ring 07700 900123"}, "personal identifiers"),
        ({"reference": "SCN999999"}, "No row with that reference was ever sent"),
    ],
)
def test_a_faulty_question_keeps_what_was_typed_and_records_nothing(
    recipients: Recipients, change: dict[str, str], words: str
) -> None:
    recipients.collect()
    answer = recipients.jo.post(f"{HERE}/query", {**QUESTION, "heading": "Gender", **change})
    assert answer.status_code == 422
    assert words in plain(answer.text)
    assert "There is a problem" in answer.text
    assert "<title>\n    Error: " in answer.text or "Error: Ask" in answer.text
    assert html.escape({**QUESTION, **change}["text"]) in answer.text
    assert recipients.state() == "collected"
    assert not recipients.leaves("query.opened")


@pytest.mark.parametrize("once", ["", "x" * 12, "0123456789AB", "0" * 4000])
def test_a_question_by_no_form_of_ours_makes_no_sense(recipients: Recipients, once: str) -> None:
    recipients.collect()
    assert recipients.jo.post(f"{HERE}/query", {**QUESTION, "once": once}).status_code == 400
    assert not recipients.leaves("query.opened")


# --- who may not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "/file", "/manifest", "/signature", "/password", "/accept"])
def test_another_partys_package_is_not_there_and_the_attempt_is_in_the_record(
    recipients: Recipients, part: str
) -> None:
    before = recipients.refusals()
    package = recipients.before.other
    for place in (
        f"/ofsted/scr-updates/packages/{package}",
        f"{OURS}/packages/{package}",
        f"/dfe/scr-updates/packages/{package}",
        f"/panel/notifications/packages/{MONDAY}",
        f"{OURS}/packages/no-such-package",
    ):
        answer = recipients.jo.get(place + part)
        assert answer.status_code == 404, place
        assert "Page not found" in answer.text
    assert recipients.refusals() == before + 5


def test_the_worker_judges_a_package_of_another_itself(recipients: Recipients) -> None:
    secret = recipients.jo.cookie
    for op in ("password", "accept"):
        about = {"op": op, "session": secret, "flow": "notifications"}
        other = recipients.before.other
        told = recipients.ask({**about, "party": "dfe", "package": other})
        assert told["code"] == "package.unknown", op
        told = recipients.ask({**about, "party": "panel", "package": MONDAY})
        assert told["code"] == "session.grant", op


def test_a_grant_revoked_between_two_pages_ends_it(recipients: Recipients) -> None:
    recipients.collect()
    page = recipients.jo.get(f"{HERE}/accept")
    person = recipients.doorway.id_of(DFE)
    with recipients.parts.database.transaction() as tx:
        for row in grants.in_force(tx, person):
            acts.revoke(tx, row.id, OPERATOR, recipients.doorway.now)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    sent = recipients.jo.client.post(f"{HERE}/accept", data={"csrf_token": token[1]})
    assert sent.status_code == 404
    assert recipients.jo.get(f"{HERE}/file").status_code == 404
    assert recipients.state() == "collected"


def test_a_stolen_session_is_dead_after_sign_out_and_back_shows_nothing(
    recipients: Recipients,
) -> None:
    stolen = recipients.jo.cookie
    recipients.jo.post("/sign-out", page="/account")
    thief = recipients.doorway.person(DFE)
    thief.client.set_cookie("gateway", stolen)
    for who in (thief, recipients.jo):
        for part in ("", "/file", "/password", "/accept"):
            assert who.get(HERE + part).status_code == 303
    about = {"op": "accept", "session": stolen, "party": "dfe", "flow": "notifications"}
    told = recipients.ask({**about, "package": MONDAY})
    assert told["code"] == "session.ended"


def test_a_form_without_its_token_does_nothing(recipients: Recipients) -> None:
    recipients.collect()
    for step in ("accept", "query", "password"):
        assert recipients.jo.client.post(f"{HERE}/{step}", data=QUESTION).status_code == 400
    assert recipients.state() == "collected"


# --- all days, and what was taken back ------------------------------------------------------------


def test_all_days_of_a_year_with_their_packages(recipients: Recipients) -> None:
    assert recipients.jo.get(f"{OURS}/days").location == f"{OURS}/days/2026"
    answer = recipients.jo.get(f"{OURS}/days/2026")
    words = plain(answer.text)
    assert "March 2026 Day Package State Mon 2 2 rows Ready to collect" in words
    assert "Fri 27 1 row Ready to collect" in words
    assert "The next package is due on Tuesday 3 March, 16:00." in words
    assert f'href="../packages/{MONDAY}"' in answer.text
    for year in ("2025", "2027", "02026", "x"):
        assert recipients.jo.get(f"{OURS}/days/{year}").status_code == 404


def test_a_missed_day_says_which_package_covers_it(recipients: Recipients) -> None:
    recipients.work.tick("2026-03-05T17:00")
    recipients.doorway.now += timedelta(days=3, hours=1)
    recipients.jo.sign_in()
    answer = recipients.jo.get(f"{OURS}/days/2026").text
    words = plain(answer)
    assert "Tue 3 In a later package Covered" in words
    assert answer.count('href="../packages/notifications-2026-03-05-01"') == 3


def test_a_recalled_package_is_served_no_more_and_says_what_is_owed(
    recipients: Recipients,
) -> None:
    recipients.collect()
    with recipients.parts.database.transaction() as tx:
        tx.exec_driver_sql(
            "UPDATE deliveries SET state = 'recalled' WHERE package_id = ?", (MONDAY,)
        )
        tx.exec_driver_sql("UPDATE packages SET state = 'recalled' WHERE id = ?", (MONDAY,))
    words = plain(recipients.jo.get(HERE).text)
    assert "Its sender has recalled this package. Do not use it." in words
    assert "What you owe: a signed statement" in words
    assert f"gateway client receipt {MONDAY} quarantined" in words
    assert "Show the password" not in words
    assert recipients.jo.get(f"{HERE}/file").status_code == 410
    assert recipients.jo.get(f"{HERE}/accept").location == HERE
    assert "a signed statement is owed" in plain(recipients.jo.get("/collect").text)
    assert "Recalled by its sender" in plain(recipients.jo.get(f"{OURS}/days/2026").text)


def test_a_year_of_days_is_light(recipients: Recipients) -> None:
    """A page of it stays below what a page may weigh, without its files (which are kept)."""
    with recipients.parts.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE windows SET day = '2025-01-02' WHERE day = '2026-02-27'")
    page = recipients.jo.get(f"{OURS}/days/2025").data
    assert page.count(b'<th scope="row">') > 240
    assert len(page) < 30_000
