"""Signing in by its pages: password, second factor, sessions, and what must not let anybody in."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from signing_in import TOKEN, Doorway, Person, doorway_over

from gateway.access import people as acts
from gateway.access.people import OPERATOR
from gateway.access.secondfactor import code_now
from gateway.agreement.windows import LONDON
from gateway.store import grants, people
from gateway.store.alarms import open_alarms

DFE = "recipient of dfe"
NONCE = re.compile(r'nonce="[^"]+"')


@pytest.fixture
def at(rehearsal_home: Path) -> Iterator[Doorway]:
    """The site with its real sign-in."""
    with doorway_over(rehearsal_home) as made:
        yield made


@pytest.fixture
def jo(at: Doorway) -> Person:
    """The recipient of dfe."""
    return at.person(DFE)


def invited(at: Doorway, email: str = "new.one@dfe.invalid") -> tuple[str, str]:
    """Somebody new, with a grant: their id, and the token of their invitation."""
    with at.database.transaction() as tx:
        who = acts.Newcomer("New One", "dfe", email)
        person = acts.add_person(tx, who, OPERATOR, at.now)
        return person.id, acts.invite(tx, person.id, OPERATOR, at.now)


# --- signing in and out ---------------------------------------------------------------------------


def test_signing_in_with_password_and_code(at: Doorway, jo: Person) -> None:
    wanted = jo.get("/dfe/notifications/tried").headers["Location"]
    assert wanted == "/sign-in?next=%2Fdfe%2Fnotifications%2Ftried"
    first = jo.give_password()
    assert first.headers["Location"].startswith("/sign-in/code?")
    before = jo.cookie
    assert not jo.is_in
    second = jo.give_code()
    assert (second.status_code, second.headers["Location"]) == (302, "/")
    assert jo.cookie not in ("", before)
    assert jo.is_in
    assert "Rehearsal recipient of dfe is at dfe" in jo.get("/dfe/notifications/tried").text
    assert at.told("session.begun") == [{"party": "dfe", "way": "app"}]


def test_the_cookie_holds_a_secret_alone_and_scripts_cannot_read_it(jo: Person) -> None:
    jo.give_password()
    answer = jo.give_code()
    cookie = answer.headers["Set-Cookie"]
    assert len(jo.cookie) == 43
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))


def test_a_page_that_was_asked_for_is_gone_on_to(jo: Person) -> None:
    asked = {"email": jo.shown.email, "password": jo.shown.password}
    first = jo.post("/sign-in?next=/account", {**asked, "next": "/account"})
    last = jo.post(first.headers["Location"], {"code": jo.code(), "next": "/account"})
    assert last.headers["Location"] == "/account"


@pytest.mark.parametrize("away", ["https://evil.invalid/", "//evil.invalid", "\\\\evil.invalid"])
def test_no_other_site_is_gone_on_to(jo: Person, away: str) -> None:
    asked = {"email": jo.shown.email, "password": jo.shown.password, "next": away}
    jo.post("/sign-in", asked)
    last = jo.post("/sign-in/code", {"code": jo.code(), "next": away})
    assert last.status_code == 302
    assert "evil.invalid" not in last.headers["Location"].replace("%5C%5Cevil", "")


def test_signing_out_ends_the_session_and_a_stolen_cookie_is_dead(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    stolen = jo.cookie
    page = jo.get("/account")
    assert page.headers["Cache-Control"] == "no-store"
    assert jo.post("/sign-out", page="/account").status_code == 302
    assert not jo.is_in
    thief = at.person(DFE)
    thief.client.set_cookie("gateway", stolen)
    assert thief.get("/account").status_code == 303


def test_the_secret_from_before_signing_in_is_worth_nothing(at: Doorway, jo: Person) -> None:
    jo.give_password()
    fixed = jo.cookie
    jo.give_code()
    thief = at.person(DFE)
    thief.client.set_cookie("gateway", fixed)
    assert not thief.is_in
    assert jo.is_in


def test_a_session_rests_for_fifteen_minutes_and_lasts_for_twelve_hours(
    at: Doorway, jo: Person
) -> None:
    jo.sign_in()
    at.later(minutes=14)
    assert jo.is_in
    at.later(minutes=15)
    assert not jo.is_in
    jo.sign_in()
    for _ in range(59):
        at.later(minutes=12)
        assert jo.is_in
    at.later(minutes=12)
    assert not jo.is_in


def test_a_page_that_looks_again_by_itself_keeps_nobody_signed_in(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    for _ in range(3):
        at.later(minutes=4)
        looked = jo.get("/account", headers={"Sec-Fetch-Dest": "empty"})
        assert looked.status_code == 200
    at.later(minutes=4)
    assert not jo.is_in


def test_a_session_lasts_over_a_restart_of_the_web_process(
    at: Doorway, jo: Person, rehearsal_home: Path
) -> None:
    jo.sign_in()
    with doorway_over(rehearsal_home) as after:
        after.now = at.now
        again = after.person(DFE)
        again.client.set_cookie("gateway", jo.cookie)
        assert again.is_in
        assert again.post("/sign-out", page="/account").status_code == 302
    assert not jo.is_in


# --- wrong passwords, codes and forms -------------------------------------------------------------


def test_the_answer_is_the_same_whoever_is_asked_for(at: Doorway, jo: Person) -> None:
    told = []
    left = at.person("auditor of dfe")
    auditor = at.id_of("auditor of dfe")
    with at.database.transaction() as tx:
        acts.leave(tx, auditor, OPERATOR, at.now)
    for email in (jo.shown.email, "nobody@dfe.invalid", left.shown.email):
        fields = {"email": email, "password": "not the password"}
        answer = jo.post("/sign-in", fields)
        plain = NONCE.sub("", TOKEN.sub("", answer.text)).replace(email, "")
        told.append((answer.status_code, plain))
    assert told[0] == told[1] == told[2]
    assert "The e-mail address or the password is wrong." in told[0][1]
    gone = left.give_password()
    assert "The e-mail address or the password is wrong." in gone.text


@pytest.mark.parametrize("known", [True, False])
def test_a_storm_of_wrong_passwords_is_paused_in_the_database(
    at: Doorway, jo: Person, rehearsal_home: Path, known: bool
) -> None:
    email = jo.shown.email if known else "nobody@dfe.invalid"
    for _ in range(5):
        jo.post("/sign-in", {"email": email, "password": "not the password"})
    with doorway_over(rehearsal_home) as other_process:
        other_process.now = at.now
        again = other_process.person(DFE)
        fields = {"email": email, "password": jo.shown.password}
        assert "too many attempts" in again.post("/sign-in", fields).text
    at.later(seconds=31)
    answer = jo.post("/sign-in", {"email": email, "password": jo.shown.password})
    assert (answer.status_code == 302) == known


def test_strangers_never_lock_a_person_out_of_their_usual_place(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    jo.post("/sign-out", page="/account")
    stranger = at.person(DFE)
    stranger.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(25):
        stranger.give_password("not the password")
        at.later(minutes=9)
    stranger.give_password("not the password")
    assert "too many attempts" in stranger.give_password("not the password").text
    jo.sign_in()
    with at.database.transaction() as tx:
        assert "sign-in.storm" in {alarm.code for alarm in open_alarms(tx)}


def test_a_code_works_once(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    used = jo.code()
    other = at.person(DFE)
    other.give_password()
    answer = other.give_code(used)
    assert "wrong, too old, or was used before" in answer.text
    assert not other.is_in
    at.later(seconds=31)
    assert other.give_code().status_code == 302


def test_one_code_by_many_at_once_lets_one_in(at: Doorway, jo: Person) -> None:
    several = [at.person(DFE) for _ in range(4)]
    for person in several:
        person.give_password()
    code = jo.code()
    with ThreadPoolExecutor(len(several)) as pool:
        answers = list(pool.map(lambda person: person.give_code(code).status_code, several))
    assert sorted(answers) == [200, 200, 200, 302]
    assert [person.is_in for person in several].count(True) == 1


def test_a_code_is_good_for_half_a_minute(at: Doorway, jo: Person) -> None:
    begins = at.now = at.now.replace(second=0, microsecond=0)
    code = jo.code()
    for seconds, good in ((-1, False), (30, False), (29, True)):
        at.now = begins + timedelta(seconds=seconds)
        jo.give_password()
        assert (jo.give_code(code).status_code == 302) == good, seconds


def test_codes_of_other_times_and_other_people_let_nobody_in(at: Doorway, jo: Person) -> None:
    jo.give_password()
    other = at.person("sender of ofsted").code()
    at.now -= timedelta(minutes=10)
    old = jo.code()
    at.now += timedelta(minutes=10)
    for code in (other, old, "000000", "", "12345", "１２３４５６", "x" * 1000):
        jo.give_code(code)
        at.later(minutes=16)
        jo.give_password()
    assert not jo.is_in


def test_guessing_codes_is_paused(at: Doorway, jo: Person) -> None:
    jo.give_password()
    wrong = "000000" if jo.code() != "000000" else "000001"
    for _ in range(5):
        jo.give_code(wrong)
    assert "too many attempts" in jo.give_code().text
    at.later(seconds=61)
    assert jo.give_code().status_code == 302


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-out", "/account/password"])
@pytest.mark.parametrize("token", [None, "forged", ""])
def test_a_form_without_its_own_token_does_nothing(
    jo: Person, path: str, token: str | None
) -> None:
    jo.sign_in()
    fields = {} if token is None else {"csrf_token": token}
    assert jo.client.post(path, data=fields).status_code == 400
    assert jo.is_in


def test_the_token_of_another_session_does_nothing(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    other = at.person("sender of ofsted")
    found = TOKEN.search(other.get("/sign-in").text)
    assert found
    assert jo.client.post("/sign-out", data={"csrf_token": found[1]}).status_code == 400
    assert jo.is_in


def test_no_page_of_the_library_is_there_that_was_not_asked_for(at: Doorway, jo: Person) -> None:
    for path in ("/register", "/login", "/reset", "/confirm", "/us-signin", "/tf-setup", "/verify"):
        assert jo.get(path).status_code == 404
    answer = jo.client.post("/sign-in", json={"email": "x", "password": "y"})
    assert answer.status_code == 400
    assert not answer.is_json
    endpoints = {rule.endpoint for rule in at.app.url_map.iter_rules()}
    assert not {name for name in endpoints if name.startswith("security.")}


# --- leaving, lapse and revocation act at once ----------------------------------------------------


def test_a_leavers_open_session_dies_at_once(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    own = at.id_of(DFE)
    with at.database.transaction() as tx:
        acts.leave(tx, own, OPERATOR, at.now)
    assert not jo.is_in
    at.later(seconds=31)
    assert jo.give_password().status_code == 200


def test_a_revoked_grant_ends_at_once_and_the_attempt_is_recorded(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    assert jo.get("/dfe/notifications/tried").status_code == 200
    own = at.id_of(DFE)
    with at.database.transaction() as tx:
        for row in grants.in_force(tx, own):
            acts.revoke(tx, row.id, OPERATOR, at.now)
    assert jo.get("/dfe/notifications/tried").status_code == 404
    assert at.told("access.refused") == [{"party": "dfe", "way": "web", "code": "session.grant"}]
    assert jo.is_in


def test_training_that_lapses_ends_every_grant_in_the_midst_of_a_session(
    at: Doorway, jo: Person
) -> None:
    at.train(DFE, date(2026, 3, 9))
    at.now = datetime(2026, 3, 9, 23, 58, tzinfo=LONDON)
    jo.sign_in()
    assert jo.get("/dfe/notifications/tried").status_code == 200
    at.later(minutes=2)
    told = jo.get("/dfe/notifications/tried")
    assert told.status_code == 404
    assert "Nothing that you were granted counts now. The home page says why." in told.text
    assert at.told("access.refused") == [{"party": "dfe", "way": "web", "code": "session.training"}]
    assert jo.is_in
    at.train(DFE, date(2026, 6, 1))
    assert jo.get("/dfe/notifications/tried").status_code == 200


def test_who_has_no_training_that_counts_is_told_what_to_do_and_sees_nothing_else(
    at: Doorway, jo: Person
) -> None:
    at.train(DFE, None)
    jo.sign_in()
    page = jo.get("/").text
    assert '<h1 class="govuk-heading-l">Your training is not on record</h1>' in page
    assert 'for <span class="gateway-code">dfe-officer-1</span>' in page
    assert "What is exchanged" not in page
    places = re.findall(r'href="(/[^"]*)"', page)
    assert {place for place in places if not place.startswith("/static/")} == {"/", "/account"}
    for path in ("/collect", "/send", "/health", "/agreement", "/registers", "/dfe/notifications"):
        assert jo.get(path).status_code == 404, path
    at.train(DFE, date(2026, 3, 9))
    assert "What is exchanged" in jo.get("/").text
    at.now = datetime(2026, 3, 10, 0, 0, tzinfo=LONDON)
    jo.sign_in()
    page = " ".join(jo.get("/").text.split())
    assert "Your training has run out</h1>" in page
    assert "It counted until 9 March 2026." in page
    assert "What is exchanged" not in page


def test_training_that_soon_runs_out_is_said_first(at: Doorway, jo: Person) -> None:
    words = "Your training counts until 1 May 2026."
    at.train(DFE, date(2026, 5, 1))
    at.now = datetime(2026, 4, 1, 10, 0, tzinfo=LONDON)
    jo.sign_in()
    assert words not in jo.get("/").text
    at.now = datetime(2026, 4, 2, 10, 0, tzinfo=LONDON)
    jo.sign_in()
    assert words in jo.get("/").text


def test_who_was_granted_nothing_is_told_whom_to_ask(at: Doorway, jo: Person) -> None:
    own = at.id_of(DFE)
    with at.database.transaction() as tx:
        for row in grants.in_force(tx, own):
            acts.revoke(tx, row.id, OPERATOR, at.now)
    jo.sign_in()
    page = jo.get("/").text
    assert "You have no role here yet" in page
    assert "Ask an administrator of" in page
    assert "What is exchanged" not in page


def test_what_is_anothers_is_not_there(jo: Person) -> None:
    jo.sign_in()
    for path in (
        "/ofsted/notifications/tried",
        "/panel/notifications/tried",
        "/dfe/none/tried-not",
    ):
        assert jo.get(path).status_code == 404


# --- proving it again -----------------------------------------------------------------------------


def test_a_sensitive_page_asks_again_after_ten_minutes(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    assert jo.get("/tried/sensitive").status_code == 200
    at.later(minutes=10)
    assert jo.get("/tried/sensitive").headers["Location"].startswith("/sign-in/again?next=")
    wrong = jo.post("/sign-in/again", {"password": "not the password"})
    assert "The password is wrong." in wrong.text
    before = jo.cookie
    fields = {"password": jo.shown.password, "next": "/tried/sensitive"}
    right = jo.post("/sign-in/again", fields)
    assert right.headers["Location"] == "/tried/sensitive"
    assert jo.cookie != before
    assert jo.get("/tried/sensitive").text == "sensitive"


def test_a_form_that_came_too_late_is_led_back_to(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    at.later(minutes=11)
    token = TOKEN.search(jo.get("/account").text)
    assert token is not None
    sent = jo.client.post(
        "/account/sign-out-elsewhere",
        data={"csrf_token": token[1]},
        headers={"Referer": "http://localhost/account"},
    )
    assert sent.headers["Location"] == "/sign-in/again?next=%2Faccount"
    asked = jo.get(sent.headers["Location"]).text
    assert "What you sent was not done." in asked
    assert '<input type="hidden" name="next" value="/account">' in asked
    right = jo.post("/sign-in/again", {"password": jo.shown.password, "next": "/account"})
    assert right.headers["Location"] == "/account"


def test_signing_in_again_makes_no_session_last_longer(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    for turn in range(59):
        at.later(minutes=12)
        assert jo.is_in
        if turn % 20 == 0:
            jo.post("/sign-in/again", {"password": jo.shown.password})
    at.later(minutes=13)
    assert not jo.is_in


# --- the account ----------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended_one_by_one_or_all(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    second, third = at.person(DFE), at.person(DFE)
    second.sign_in()
    third.sign_in()
    page = jo.get("/account").text
    assert page.count("/end") == 2
    number = page.split("/account/sessions/")[1].split("/")[0]
    jo.post(f"/account/sessions/{number}/end", page="/account")
    assert [person.is_in for person in (jo, second, third)].count(True) == 2
    other = at.person("sender of ofsted")
    other.sign_in()
    own = jo.get("/account").text.split("/account/sessions/")[1].split("/")[0]
    assert other.post(f"/account/sessions/{own}/end", page="/account").status_code == 404
    jo.post("/account/sign-out-elsewhere", page="/account")
    assert [person.is_in for person in (jo, second, third)] == [True, False, False]


def test_another_password_signs_out_everywhere_else(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    second = at.person(DFE)
    second.sign_in()
    new = "teapot umbrella galaxy"
    fields = {"new_password": new, "new_password_confirm": new}
    refused = jo.post("/account/password", {**fields, "password": "not the password"})
    assert "The password is wrong." in refused.text
    easy = {"new_password": "Ofsted2026!!", "new_password_confirm": "Ofsted2026!!"}
    refused = jo.post("/account/password", {**easy, "password": jo.shown.password})
    assert "others would try first" in refused.text
    done = jo.post("/account/password", {**fields, "password": jo.shown.password})
    assert done.status_code == 302
    assert (jo.is_in, second.is_in) == (True, False)
    at.later(seconds=31)
    assert second.give_password().status_code == 200
    assert second.give_password(new).status_code == 302
    assert {"party": "dfe", "what": "password"} in at.told("person.proof")


def test_no_breached_password_is_taken(rehearsal_home: Path) -> None:
    stolen = "velvet otter quartz"
    digest = hashlib.sha1(stolen.encode(), usedforsecurity=False).hexdigest().upper()
    (rehearsal_home / "var" / "breached").write_text(f"{digest}:7\n")
    settings = rehearsal_home / "config" / "gateway.toml"
    settings.write_text('[web]\nbreached_passwords = "var/breached"\n', encoding="utf-8")
    with doorway_over(rehearsal_home) as at:
        _, token = invited(at)
        fields = {"password": stolen, "again": stolen}
        refused = at.person(DFE).post(f"/invitation/{token}", fields)
        assert "stolen from other services" in refused.text
        jo = at.person(DFE)
        jo.sign_in()
        fields = {"new_password": stolen, "new_password_confirm": stolen}
        refused = jo.post("/account/password", {**fields, "password": jo.shown.password})
        assert "stolen from other services" in refused.text


def test_recovery_codes_are_shown_once_and_work_once(at: Doorway, jo: Person) -> None:
    jo.sign_in()
    made = jo.post("/account/recovery-codes", {"generate_new_codes": "yes"}).text
    codes = [part.split("<")[0] for part in made.split('<code class="gateway-code">')[1:]]
    assert len(codes) == 8
    assert not any(code in jo.get("/account/recovery-codes?show_codes=1").text for code in codes)
    lost = at.person(DFE)
    lost.give_password()
    assert lost.post("/sign-in/recovery", {"code": codes[0]}).status_code == 302
    assert lost.is_in
    assert "7 left" in lost.get("/account").text
    again = at.person(DFE)
    again.give_password()
    refused = again.post("/sign-in/recovery", {"code": codes[0]})
    assert "wrong, or was used before" in refused.text
    assert {"party": "dfe", "way": "recovery-code"} in at.told("session.begun")


# --- invitations ----------------------------------------------------------------------------------


def test_an_invitation_leads_to_an_account_with_a_second_factor(at: Doorway) -> None:
    person_id, token = invited(at)
    new = at.person(DFE)
    where = f"/invitation/{token}"
    assert "New One" in new.get(where).text
    easy = new.post(where, {"password": "password1234", "again": "password1234"})
    assert "others would try first" in easy.text
    other = new.post(where, {"password": "teapot umbrella galaxy", "again": "another"})
    assert "not the same" in other.text
    good = {"password": "teapot umbrella galaxy", "again": "teapot umbrella galaxy"}
    assert new.post(where, good).headers["Location"] == "/account/second-factor"
    assert not new.is_in
    shown = new.post("/account/app", {"setup": "authenticator"}).text
    key = shown.split('<strong class="gateway-code">')[1].split("<")[0].replace("-", "")
    picture = new.get("/account/app/picture")
    assert (picture.mimetype, b"<svg" in picture.data) == ("image/svg+xml", True)
    place = shown.split('action="/account/app/')[1].split('"')[0]
    done = new.post(f"/account/app/{place}", {"code": code_now(key, at.now)}, page="/account/app")
    assert done.headers["Location"] == "/account/set-up"
    assert new.get("/account/set-up").headers["Location"] == "/account/recovery-codes"
    assert new.is_in
    assert new.get(where).status_code == 410
    assert at.told("person.enrolled") == [{"party": "dfe"}]
    assert person_id.startswith("p-")


def test_a_password_without_a_second_factor_lets_nobody_in(at: Doorway) -> None:
    _, token = invited(at)
    new, later = at.person(DFE), at.person(DFE)
    good = {"password": "teapot umbrella galaxy", "again": "teapot umbrella galaxy"}
    new.post(f"/invitation/{token}", good)
    fields = {"email": "new.one@dfe.invalid", "password": "teapot umbrella galaxy"}
    assert "is wrong." in later.post("/sign-in", fields).text
    assert later.get("/account/app").status_code == 302
    assert new.get("/dfe/notifications/tried").status_code == 303


@pytest.mark.parametrize("end", ["expired", "replaced", "left", "forged", "used"])
def test_an_invitation_that_is_over_opens_nothing(at: Doorway, end: str) -> None:
    person_id, token = invited(at)
    if end == "expired":
        at.later(days=3)
    elif end == "forged":
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    with at.database.transaction() as tx:
        if end == "replaced":
            acts.invite(tx, person_id, OPERATOR, at.now)
        elif end == "left":
            acts.leave(tx, person_id, OPERATOR, at.now)
        elif end == "used":
            people.end_invitations(tx, person_id, at.now)
    new = at.person(DFE)
    answer = new.get(f"/invitation/{token}")
    assert answer.status_code == 410
    good = {"password": "teapot umbrella galaxy", "again": "teapot umbrella galaxy"}
    assert new.post(f"/invitation/{token}", good).status_code == 410
