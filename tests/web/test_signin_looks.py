"""The pages of signing in and of the account, each with its faults, and the pages that say no."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from at_the_site import AtTheSite
from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from looking import Looking, looking
from playwright.sync_api import Browser
from signing_in import Doorway, Person, doorway_over
from werkzeug.test import TestResponse

from gateway.access import people as acts
from gateway.access.people import OPERATOR
from gateway.store.schema_people import webauthn_credentials
from gateway.web.app import PARTS
from gateway.web.visitor import ANYONE, page

DFE = "recipient of dfe"
STATUSES = (400, 403, 404, 405, 413, 429, 500, 503)
# Views that no page is shown by: they lead on, or take what a script has read from a key.
NO_PAGES = {
    "signin.app_picture", "signin.end_session", "signin.logout", "signin.set_up",
    "signin.sign_out_elsewhere", "signin.two_factor_rescue", "signin.two_factor_setup_validate",
    "signin.wan_delete", "signin.wan_register_response", "signin.wan_signin_response",
    "signin.wan_verify_response",
}  # fmt: skip


@pytest.fixture
def at(rehearsal_home: Path) -> Iterator[Doorway]:
    """The site with its real sign-in."""
    with doorway_over(rehearsal_home) as made:
        yield made


class Walk:
    """Looks at what people meet, and remembers which views showed it."""

    def __init__(self, at: Doorway, looks: Looking) -> None:
        self._at, self._looks = at, looks
        self._adapter = at.app.url_map.bind("localhost")
        self.seen: set[str] = set()

    def at(self, person: Person, path: str, status: int = 200) -> str:
        """Look at a page."""
        return self._look(person.get(path), path, "GET", status)

    def sent(
        self, person: Person, path: str, fields: dict[str, str], status: int = 200, on: str = ""
    ) -> str:
        """Send a form, and look at what comes back; ``on``: the page that it is on."""
        return self._look(person.post(path, fields, on), path, "POST", status)

    def _look(self, answer: TestResponse, path: str, method: str, status: int) -> str:
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        self._looks.at(answer, f"{method} {path}")
        self.seen.add(str(self._adapter.match(path.partition("?")[0], method)[0]))
        return answer.text


def coming_in(at: Doorway, walk: Walk) -> None:
    """Password and second factor, with what can be wrong; then too many attempts."""
    jo = at.person(DFE)
    walk.at(jo, "/")
    walk.at(jo, "/sign-in")
    assert "There is a problem" in walk.sent(jo, "/sign-in", {})
    wrong = {"email": jo.shown.email, "password": "not the password"}
    assert "is wrong" in walk.sent(jo, "/sign-in", wrong)
    jo.give_password()
    walk.at(jo, "/sign-in/code")
    assert "The code is wrong" in walk.sent(jo, "/sign-in/code", {"code": "000000"})
    walk.at(jo, "/sign-in/recovery")
    assert "There is a problem" in walk.sent(jo, "/sign-in/recovery", {"code": "no"})
    paused = at.person("sender of ofsted")
    wrong = {"email": paused.shown.email, "password": "not the password"}
    for _ in range(12):
        told = paused.post("/sign-in", wrong)
        if "too many attempts" in told.text:
            break
    assert "too many attempts" in walk.sent(paused, "/sign-in", wrong)


def own_account(at: Doorway, walk: Walk) -> None:
    """The account of somebody who is in, proving it again, and what is left when time is over."""
    jo = at.person(DFE)
    jo.sign_in()
    for path in ("/account", "/account/password", "/account/key", "/account/app"):
        walk.at(jo, path)
    walk.at(jo, "/account/second-factor")
    walk.sent(jo, "/account/password", {})
    new = {"new_password": "password1234", "new_password_confirm": "other"}
    walk.sent(jo, "/account/password", {**new, "password": jo.shown.password})
    walk.sent(jo, "/account/key", {"name": ""})
    assert "data-options" in walk.sent(jo, "/account/key", {"name": "blue key"})
    shown = walk.sent(jo, "/account/app", {"setup": "authenticator"})
    place = shown.split('action="/account/app/')[1].split('"')[0]
    told = jo.post(f"/account/app/{place}", {"code": "000000"}, "/account/app")
    walk.at(jo, told.headers["Location"])  # with what was wrong
    walk.at(jo, "/account/recovery-codes")
    walk.sent(jo, "/account/recovery-codes", {"generate_new_codes": "yes"})
    walk.at(jo, "/sign-in/again?next=/account")
    assert "is wrong" in walk.sent(jo, "/sign-in/again", {"password": "not the password"})
    at.later(minutes=16)
    assert jo.get("/account").headers["Location"] == "/sign-in?next=%2Faccount"
    walk.at(jo, "/sign-in?next=%2Faccount")


def with_a_key(at: Doorway, walk: Walk) -> None:
    """Somebody with an app and a security key chooses between them, and proves it by the key."""
    jo, person_id = at.person(DFE), at.id_of(DFE)
    with at.database.transaction() as tx:
        tx.execute(
            sa.insert(webauthn_credentials).values(
                person_id=person_id,
                name="blue key",
                credential_id=b"0123456789abcdef",
                public_key=b"a key",
                sign_count=0,
                transports=["usb"],
                backup_state=False,
                device_type="single_device",
                lastuse_datetime=at.now,
                usage="secondary",
            )
        )
    at.later(seconds=31)
    choice = jo.give_password().headers["Location"]
    walk.at(jo, choice)
    walk.sent(jo, choice, {})
    by_key = jo.post(choice, {"which": "webauthn"}).headers["Location"]
    walk.at(jo, by_key)
    assert "data-options" in walk.sent(jo, by_key, {})
    jo.give_password()
    by_app = jo.post(choice, {"which": "authenticator"}).headers["Location"]
    assert jo.post(by_app, {"code": jo.code(), "next": "/"}).status_code == 302
    walk.at(jo, "/account")
    walk.at(jo, "/sign-in/again")
    walk.at(jo, "/sign-in/again/key")
    assert "data-options" in walk.sent(jo, "/sign-in/again/key", {})


def invited(at: Doorway, walk: Walk) -> None:
    """An invitation that is none, and one that is taken with a weak password."""
    new = at.person(DFE)
    walk.at(new, "/invitation/none", 410)
    with at.database.transaction() as tx:
        who = acts.Newcomer("New One", "dfe", "new.one@dfe.invalid")
        person = acts.add_person(tx, who, OPERATOR, at.now)
        token = acts.invite(tx, person.id, OPERATOR, at.now)
    walk.at(new, f"/invitation/{token}")
    easy = {"password": "password1234", "again": "password1234"}
    walk.sent(new, f"/invitation/{token}", easy, 422)


@pytest.mark.slow
def test_all_can_sign_in_and_use_their_account(at: Doorway, browser: Browser) -> None:
    with looking(browser, at.app) as looks:
        walk = Walk(at, looks)
        for part in (coming_in, own_account, with_a_key, invited):
            part(at, walk)
        assert looks.faults == []
    every = {rule.endpoint for rule in at.app.url_map.iter_rules()}
    signin = {name for name in every if name.startswith("signin.")}
    assert signin - NO_PAGES - walk.seen == set(), "pages not looked at"


def failing() -> Blueprint:
    """A view that ends with any status."""
    part = Blueprint("failing", __name__)

    @page(part, "/abort/<int:status>", roles=ANYONE)
    def aborted(status: int) -> ResponseReturnValue:
        abort(status)

    return part


def test_all_can_use_pages_that_say_no(
    site_set: Callable[..., AtTheSite], browser: Browser
) -> None:
    at = site_set(parts=(*PARTS, failing()))
    with looking(browser, at.app) as looks:
        for status in STATUSES:
            looks.at(at.client.get(f"/abort/{status}"), str(status))
        at.sign_in(("ofsted", "*", "sender"), ("ofsted", "*", "administrator"))
        for path in ("/abort/404", "/abort/500", "/nothing/of/this/name"):
            looks.at(at.client.get(path), path)
        looks.at(at.client.post("/send"), "a method that is not taken")
        looks.at(at.client.post("/registers/foi/new"), "a form without its token")
        at.sign_in()  # every grant has lapsed
        for path in ("/", "/send", "/ledger"):
            looks.at(at.client.get(path), f"{path} of somebody without a grant")
        assert looks.faults == []
