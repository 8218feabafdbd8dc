"""Who may see a page: every view says it, and `page` keeps to it."""

from urllib.parse import quote

import pytest
from at_the_site import AtTheSite
from flask import Blueprint
from flask.typing import ResponseReturnValue
from signing_in import TOKEN

from gateway.web.app import PARTS
from gateway.web.visitor import ANYONE, SIGNED_IN, page, visitor


def a_part() -> Blueprint:
    """Views of each kind."""
    part = Blueprint("tried", __name__)

    @page(part, "/tried/anyone", roles=ANYONE)
    def anyone() -> ResponseReturnValue:
        return "open"

    @page(part, "/tried/signed-in", roles=SIGNED_IN)
    def signed_in() -> ResponseReturnValue:
        return visitor().name

    @page(part, "/tried/auditors", roles={"auditor", "administrator"})
    def auditors() -> ResponseReturnValue:
        return "figures"

    @page(part, "/<party>/<flow>/tried", roles={"sender"}, methods=("GET", "POST"))
    def of_a_flow(party: str, flow: str) -> ResponseReturnValue:
        return f"{party} {flow}"

    @page(part, "/tried/sensitive", roles={"approver"}, fresh=True)
    def sensitive() -> ResponseReturnValue:
        return "done"

    @page(part, "/tried/form", roles={"approver"}, methods=("GET", "POST"), fresh=True)
    def form() -> ResponseReturnValue:
        return "done"

    @page(part, "/tried/act", roles={"approver"}, methods=("POST",), fresh=True)
    def act() -> ResponseReturnValue:
        return "done"

    return part


@pytest.fixture
def tried(site_set) -> AtTheSite:
    """A site with those views as well."""
    return site_set(parts=(*PARTS, a_part()))


def test_a_view_that_does_not_say_who_may_see_it_is_refused(site_set):
    part = Blueprint("silent", __name__)
    part.add_url_rule("/silent", "shown", lambda: "")
    with pytest.raises(ValueError, match=r"silent\.shown"):
        site_set(parts=(*PARTS, part))


@pytest.mark.parametrize("roles", [set(), {"king"}, {"sender", "king"}])
def test_a_page_names_roles_that_there_are(roles):
    with pytest.raises(ValueError, match="roles"):
        page(Blueprint("odd", __name__), "/odd", roles=roles)


def test_who_is_not_signed_in_is_sent_to_sign_in_and_comes_back(tried):
    assert tried.client.get("/tried/anyone").text == "open"
    sent = tried.client.get("/tried/auditors?day=2026-03-02")
    assert sent.status_code == 303
    assert sent.location == "/sign-in?next=%2Ftried%2Fauditors%3Fday%3D2026-03-02"
    assert tried.client.get("/ofsted/notifications/tried").status_code == 303
    assert tried.client.get("/nobody/nothing/tried").status_code == 303, "told alike"


def test_a_page_without_a_party_takes_any_grant_of_the_role(tried):
    tried.sign_in(("dfe", "scr-updates", "auditor"))
    assert tried.client.get("/tried/signed-in").text == "Robin Sample"
    assert tried.client.get("/tried/auditors").text == "figures"
    tried.sign_in(("dfe", "scr-updates", "recipient"))
    assert tried.client.get("/tried/auditors").status_code == 404


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (("ofsted", "notifications", "sender"), 200),
        (("ofsted", "*", "sender"), 200),
        (("ofsted", "scr-updates", "sender"), 404),
        (("dfe", "notifications", "sender"), 404),
        (("ofsted", "notifications", "recipient"), 404),
        (("ofsted", "*", "administrator"), 404),
    ],
)
def test_a_page_of_a_party_and_flow_takes_a_grant_for_them_alone(tried, grant, status):
    tried.sign_in(grant)
    told = tried.client.get("/ofsted/notifications/tried")
    assert told.status_code == status
    refusals = [] if status == 200 else [("p-1", "ofsted", "notifications")]
    assert tried.people.refusals == refusals


def test_what_is_not_theirs_is_told_like_what_is_not_there(tried):
    tried.sign_in(("dfe", "*", "recipient"))
    other = tried.client.get("/ofsted/notifications/tried")
    absent = tried.client.get("/nobody/nothing/else")
    assert other.status_code == absent.status_code == 404
    assert "Page not found" in other.text
    assert "Page not found" in absent.text


def test_a_sensitive_page_takes_a_new_sign_in(tried):
    tried.sign_in(("ofsted", "*", "approver"))
    sent = tried.client.get("/tried/sensitive")
    assert (sent.status_code, sent.location) == (303, "/sign-in/again?next=%2Ftried%2Fsensitive")
    tried.sign_in(("ofsted", "*", "approver"), fresh=True)
    assert tried.client.get("/tried/sensitive").text == "done"


def sent_on(tried: AtTheSite, path: str, came_from: str | None = None) -> str:
    """Where whoever sends a form is led, who has not proved lately who they are."""
    found = TOKEN.search(tried.client.get("/sign-in").text)
    assert found is not None
    headers = {"Referer": came_from} if came_from else {}
    told = tried.client.post(path, data={"csrf_token": found[1]}, headers=headers)
    assert told.status_code == 303
    return str(told.location)


def test_a_form_that_needs_a_new_proof_is_come_back_to(tried):
    tried.sign_in(("ofsted", "*", "approver"))
    back = "/sign-in/again?next=%2Ftried%2Fform"
    assert sent_on(tried, "/tried/form") == back
    assert sent_on(tried, "/tried/form", "http://elsewhere.example/tried/auditors") == back
    here = "http://localhost/tried/auditors?day=2"
    assert (
        sent_on(tried, "/tried/act", here)
        == f"/sign-in/again?next={quote('/tried/auditors?day=2', '')}"
    )


@pytest.mark.parametrize(
    "came_from",
    [
        None,
        "http://elsewhere.example/tried/auditors",
        "http://localhost:99/tried/auditors",
        "https://localhost/tried/auditors",
        "http://localhost@elsewhere.example/tried/auditors",
        "http://localhost//elsewhere.example/tried/auditors",
        "http://localhost/\\elsewhere.example",
        "http://localhost/tried/act",
        "http://localhost/no/such/page/here",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_nobody_is_led_to_a_place_that_is_no_page_of_the_site(tried, came_from):
    tried.sign_in(("ofsted", "*", "approver"))
    assert sent_on(tried, "/tried/act", came_from) == "/sign-in/again"


def test_the_navigation_stands_on_pages_that_are_not_there_too(tried):
    tried.sign_in(("ofsted", "*", "auditor"))
    for path, method in (("/nothing", "GET"), ("/", "POST"), ("/tried/act", "GET")):
        told = tried.client.open(path, method=method)
        assert told.status_code in (404, 405, 400)
        assert "govuk-service-navigation" in told.text, path
        assert "Signed in as Robin Sample." in told.text
    tried.sign_out()
    assert "govuk-service-navigation" not in tried.client.get("/nothing").text


def test_the_navigation_shows_only_to_who_is_signed_in_and_only_what_is_theirs(tried):
    assert "govuk-service-navigation" not in tried.client.get("/").text
    tried.sign_in(("ofsted", "*", "auditor"))
    shown = tried.client.get("/").text
    assert "govuk-service-navigation" in shown
    assert "Signed in as Robin Sample." in shown
