"""Signing in by a real browser: an authenticator app, and security keys of a virtual kind."""

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from in_a_browser import assert_accessible, served
from playwright.sync_api import Page, Route
from signing_in import Doorway, doorway_over

from gateway.access import people as acts
from gateway.access.people import OPERATOR
from gateway.access.secondfactor import code_now
from gateway.store import mails

DFE = "recipient of dfe"
PASSWORD = "teapot umbrella galaxy"
Open = Callable[..., Page]


@pytest.fixture
def at(rehearsal_home: Path) -> Iterator[Doorway]:
    """The site with its real sign-in, where e-mail goes out."""
    (rehearsal_home / "config" / "gateway.toml").write_text('[mail]\nhost = "127.0.0.1"\n')
    with doorway_over(rehearsal_home) as made:
        yield made


@pytest.fixture
def place(at: Doorway) -> Iterator[str]:
    """Where the site is served: by name, since security keys know no numbers."""
    with served(at.app) as address:
        yield address


def with_a_key(page: Page) -> Page:
    """The page's browser has a security key that is touched whenever it asks."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False}
    options = {**kind, "hasUserVerification": False, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def give_password(page: Page, place: str, email: str, password: str) -> None:
    page.goto(f"{place}/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_signing_in_and_out_with_an_app(
    at: Doorway, place: str, open_page: Open, javascript: bool
) -> None:
    shown = at.people[DFE]
    page = open_page(place, javascript=javascript)
    give_password(page, place, shown.email, shown.password)
    page.get_by_label("Enter the code of your authenticator app").fill(code_now(shown.key, at.now))
    page.get_by_role("button", name="Continue").click()
    page.goto(f"{place}/account")
    assert page.get_by_role("heading", level=1).inner_text() == "Your account"
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(f"{place}/")
    page.go_back()
    page.get_by_role("heading", level=1, name="Sign in").wait_for()


def test_an_invitation_a_key_signing_in_with_it_and_proving_it_again(
    at: Doorway, place: str, open_page: Open
) -> None:
    with at.database.transaction() as tx:
        who = acts.Newcomer("New One", "dfe", "new.one@dfe.invalid")
        person = acts.add_person(tx, who, OPERATOR, at.now)
        token = acts.invite(tx, person.id, OPERATOR, at.now)
    page = with_a_key(open_page(f"{place}/invitation/{token}"))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Set up a security key").click()
    page.get_by_label("Name of the key").fill("blue key")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make my recovery codes").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your recovery codes"
    assert page.locator("code").count() == 8
    page.goto(f"{place}/account")
    assert "blue key" in page.content()
    page.get_by_role("button", name="Take away blue key").click()
    assert "only second factor" in page.content()
    page.goto(f"{place}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()

    give_password(page, place, "new.one@dfe.invalid", PASSWORD)
    page.get_by_role("button", name="Use my security key").click()
    page.wait_for_url(f"{place}/")
    page.goto(f"{place}/account")
    assert at.told("session.begun") == [{"party": "dfe", "way": "key"}]

    before = {item["value"] for item in page.context.cookies()}
    page.goto(f"{place}/sign-in/again?next=/account")
    page.get_by_role("button", name="Use my security key").click()
    page.wait_for_url(f"{place}/account")
    assert {item["value"] for item in page.context.cookies()} != before
    with at.database.transaction() as tx:
        told = [row.subject.partition("Gateway: ")[2] for row in mails.due(tx, at.now)]
    assert told == ["a security key was added", "new recovery codes were made"]


def test_a_key_that_is_another_persons_lets_nobody_in(
    at: Doorway, place: str, open_page: Open
) -> None:
    """The password of one person and the key of another make no sign-in, as either of them."""
    page = with_a_key(open_page(place))
    for email in ("one@dfe.invalid", "two@dfe.invalid"):
        with at.database.transaction() as tx:
            person = acts.add_person(tx, acts.Newcomer("One", "dfe", email), OPERATOR, at.now)
            token = acts.invite(tx, person.id, OPERATOR, at.now)
        page.goto(f"{place}/invitation/{token}")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.goto(f"{place}/account/key")
        page.get_by_label("Name of the key").fill("key")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{place}/account/recovery-codes")
        page.goto(f"{place}/account")
        page.get_by_role("button", name="Sign out", exact=True).click()
    with at.database.transaction() as tx:
        asked = "SELECT credential_id FROM webauthn_credentials ORDER BY id"
        own, other = [_named(row[0]) for row in tx.exec_driver_sql(asked)]
    give_password(page, place, "one@dfe.invalid", PASSWORD)

    def swap(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(own, other))

    page.route("**/sign-in/key?**", swap)
    page.get_by_role("button", name="Use my security key").click()
    page.get_by_text("That key is another person").wait_for()
    assert at.told("session.begun") == []


def _named(credential: bytes) -> str:
    return base64.urlsafe_b64encode(credential).decode().rstrip("=")


def test_what_is_said_of_training_can_be_used_by_all(
    at: Doorway, place: str, open_page: Open
) -> None:
    """A week before it ends, and when it has ended."""
    shown = at.people[DFE]
    page = open_page(f"{place}/sign-in")
    give_password(page, place, shown.email, shown.password)
    page.get_by_label("Enter the code of your authenticator app").fill(code_now(shown.key, at.now))
    page.get_by_role("button", name="Continue").click()
    at.train(DFE, at.now.date() + timedelta(days=7))
    page.goto(place)
    page.get_by_text("After that day you may do nothing here.").wait_for()
    assert_accessible(page)
    at.train(DFE, None)
    page.goto(place)
    page.get_by_role("heading", name="Your training is not on record").wait_for()
    assert_accessible(page)
    page.goto(f"{place}/registers")
    page.get_by_text("Nothing that you were granted counts now.").wait_for()
    assert_accessible(page)
