"""What people are told by e-mail of their own account: odd attempts, and every change."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from mailing import Postbox, serving
from signing_in import Doorway, Person, doorway_over

from gateway.access import people as acts
from gateway.access.notices import KIND
from gateway.access.people import OPERATOR
from gateway.access.secondfactor import code_now
from gateway.bootstrap import open_parts
from gateway.engine.post import send_due
from gateway.settings import Home
from gateway.store import mails, people
from gateway.store.mails import MailRow
from gateway.store.schema_people import webauthn_credentials

Run = Callable[..., object]
DFE = "recipient of dfe"
NEW = "teapot umbrella galaxy"
MAIL = '[mail]\nhost = "127.0.0.1"\nport = {}\nsecurity = "none"\nsender = "gateway@example.test"\n'


@pytest.fixture
def at(rehearsal_home: Path) -> Iterator[Doorway]:
    """The site with its real sign-in, where e-mail goes out."""
    (rehearsal_home / "config" / "gateway.toml").write_text(MAIL.format(25), encoding="utf-8")
    with doorway_over(rehearsal_home) as made:
        yield made


@pytest.fixture
def jo(at: Doorway) -> Person:
    """The recipient of dfe."""
    return at.person(DFE)


@pytest.fixture
def known(at: Doorway, jo: Person) -> Person:
    """The same, who signed in from here lately, and is told nothing by that any more."""
    jo.sign_in()
    jo.post("/sign-out", page="/account")
    at.later(seconds=31)
    with at.database.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM mails")
    return jo


def notices(at: Doorway) -> list[MailRow]:
    """What was queued for people about their accounts."""
    with at.database.transaction() as tx:
        return [row for row in mails.due(tx, at.now) if row.kind == KIND]


def told(at: Doorway) -> list[str]:
    """What these are about."""
    return [row.subject.removeprefix("REHEARSAL: Gateway: ") for row in notices(at)]


ATTEMPTS = "attempts to sign in as you failed"
ELSEWHERE = "your password was given at a new place"
WRONG_FACTOR = "a second factor was wrong"


# --- odd attempts ---------------------------------------------------------------------------------


def test_a_storm_of_wrong_passwords_is_told_once_a_day(at: Doorway, jo: Person) -> None:
    for _ in range(4):
        jo.give_password("not the password")
    assert told(at) == []
    for _ in range(3):
        jo.give_password("not the password")
        at.later(minutes=16)
    assert told(at) == [ATTEMPTS]
    at.later(hours=24)
    for _ in range(5):
        jo.give_password("not the password")
    assert told(at) == [ATTEMPTS, ATTEMPTS]


def test_nobody_is_told_of_a_storm_for_who_is_not_here(at: Doorway, jo: Person) -> None:
    left = at.person("auditor of dfe")
    with at.database.transaction() as tx:
        acts.leave(tx, people.by_email(tx, left.shown.email).id, OPERATOR, at.now)
        new = acts.add_person(tx, acts.Newcomer("New", "dfe", "new@dfe.invalid"), OPERATOR, at.now)
    for email in (left.shown.email, new.email, "nobody@dfe.invalid"):
        for _ in range(6):
            jo.post("/sign-in", {"email": email, "password": "not the password"})
    assert told(at) == []


def test_a_password_given_from_a_new_place_is_told_whether_or_not_it_led_in(
    at: Doorway, known: Person
) -> None:
    known.give_password()
    assert told(at) == []
    stranger = at.person(DFE)
    stranger.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    stranger.give_password()
    assert told(at) == [ELSEWHERE]
    stranger.give_password()
    assert told(at) == [ELSEWHERE]


def test_another_browser_and_a_long_rest_are_new_places(at: Doorway, known: Person) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/128.0"}
    page = known.get("/sign-in", headers=agent).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    asked = {"email": known.shown.email, "password": known.shown.password, "csrf_token": token[1]}
    known.client.post("/sign-in", data=asked, headers=agent)
    assert told(at) == [ELSEWHERE]
    assert "By: Firefox on Windows" in notices(at)[0].body
    at.later(days=31)
    at.person(DFE).give_password()
    assert told(at) == [ELSEWHERE, ELSEWHERE]


def test_a_wrong_code_after_the_right_password_is_told_unless_it_is_a_slip(
    at: Doorway, known: Person
) -> None:
    known.give_password()
    wrong = "000000" if known.code() != "000000" else "000001"
    for _ in range(2):
        known.give_code(wrong)
    assert told(at) == []
    known.give_code(wrong)
    assert told(at) == [WRONG_FACTOR]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("way", ["code", "recovery"])
def test_a_strangers_first_wrong_factor_is_told(at: Doorway, way: str) -> None:
    stranger = at.person(DFE)
    stranger.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    stranger.give_password()
    stranger.post(f"/sign-in/{way}", {"code": "000000" if way == "code" else "abcd-efgh"})
    assert told(at) == [ELSEWHERE, WRONG_FACTOR]


# --- changes --------------------------------------------------------------------------------------


def test_every_change_of_how_somebody_signs_in_is_told(at: Doorway, known: Person) -> None:
    known.sign_in()
    fields = {"new_password": NEW, "new_password_confirm": NEW}
    known.post("/account/password", {**fields, "password": known.shown.password})
    made = known.post("/account/recovery-codes", {"generate_new_codes": "yes"}).text
    codes = [part.split("<")[0] for part in made.split('<code class="gateway-code">')[1:]]
    lost = at.person(DFE)
    at.later(seconds=31)
    lost.give_password(NEW)
    assert lost.post("/sign-in/recovery", {"code": codes[0]}).status_code == 302
    shown = lost.post("/account/app", {"setup": "authenticator"}).text
    key = shown.split('<strong class="gateway-code">')[1].split("<")[0].replace("-", "")
    place = shown.split('action="/account/app/')[1].split('"')[0]
    code = code_now(key, at.later(seconds=31))
    assert lost.post(f"/account/app/{place}", {"code": code}, page="/account/app").location
    assert told(at) == [
        "your password was changed",
        "new recovery codes were made",
        "a recovery code was used",
        "an authenticator app was set up",
    ]
    changed = [facts["what"] for facts in at.told("person.proof")]
    assert changed == ["password", "recovery-codes", "app-set-up"]
    for row in notices(at):
        for secret in (NEW, known.shown.password, key, code, *codes, "http", known.cookie):
            assert secret not in row.body + row.subject
        assert row.address == known.shown.email


def test_a_key_that_is_taken_away_is_told(at: Doorway, known: Person) -> None:
    known.sign_in()
    own = at.id_of(DFE)
    with at.database.transaction() as tx:
        tx.execute(
            sa.insert(webauthn_credentials).values(
                person_id=own,
                name="blue key",
                credential_id=b"1",
                public_key=b"1",
                sign_count=0,
                backup_state=False,
                device_type="single_device",
                lastuse_datetime=at.now,
                usage="secondary",
            )
        )
    assert known.post("/account/key/remove", {"name": "blue key"}, "/account").status_code == 302
    assert told(at) == ["a security key was taken away"]


def test_a_refused_change_is_no_news(at: Doorway, known: Person) -> None:
    known.sign_in()
    fields = {"new_password": "short", "new_password_confirm": "short"}
    known.post("/account/password", {**fields, "password": known.shown.password})
    known.post("/account/password", {"new_password": NEW, "password": "not the password"})
    known.post("/account/app", {"setup": "authenticator"})
    assert told(at) == []


def test_changes_fill_no_mailbox_either(at: Doorway, known: Person) -> None:
    known.sign_in()
    for _ in range(9):
        known.post("/account/recovery-codes", {"generate_new_codes": "yes"})
    assert told(at) == ["new recovery codes were made"] * 5


def test_without_a_mail_server_nothing_is_queued(rehearsal_home: Path) -> None:
    with doorway_over(rehearsal_home) as made:
        jo = made.person(DFE)
        jo.sign_in()
        jo.post("/account/recovery-codes", {"generate_new_codes": "yes"})
        assert notices(made) == []


# --- by the real way ------------------------------------------------------------------------------


def test_it_leaves_by_the_worker_once(rehearsal_home: Path) -> None:
    postbox = Postbox()
    with serving(postbox) as port, doorway_over(rehearsal_home) as before:
        settings = rehearsal_home / "config" / "gateway.toml"
        settings.write_text(MAIL.format(port), encoding="utf-8")
        with doorway_over(rehearsal_home) as made:
            made.now = before.now
            made.person(DFE).give_password()
            with open_parts(Home(rehearsal_home)) as parts:
                assert len(send_due(parts, made.now).sent) == 1
                assert send_due(parts, made.now + timedelta(minutes=5)).sent == []
            assert made.told("mail.sent") == [{"kind": "account", "party": "dfe"}]
    [(address, message)] = postbox.taken
    assert address == before.people[DFE].email
    assert message["Subject"] == "REHEARSAL: Gateway: your password was given at a new place"
    text = message.get_payload(decode=True).decode()
    assert "Hello Rehearsal recipient of dfe," in text
    assert "When: Monday 2 March 2026, 10:00 (Europe/London)" in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize("way", ["site", "command"])
def test_who_is_reset_by_an_administrator_is_told(
    at: Doorway, known: Person, rehearsal_home: Path, run_gateway: Run, way: str
) -> None:
    if way == "command":
        run_gateway(
            rehearsal_home, "people", "reset", known.shown.email, "--now", "2026-03-02T11:00"
        )
    else:
        chief = at.person("administrator of dfe")
        chief.sign_in()
        place = f"/people/{at.id_of(DFE)}"
        assert chief.post(f"{place}/again", page=place).status_code == 303
    at.later(hours=2)
    assert "your account was reset" in told(at)
