"""Who may do what: every route, asked by every kind of caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from at_the_api import Api
from receipting import to_bytes

from gateway.access.tokens import SCOPES
from gateway.api.app import make_app
from gateway.api.face import make_face
from gateway.api.routes import ROUTES, Route
from gateway.bootstrap import open_face

NO_TOKEN = 401
UNKNOWN = "0123456789abcdef." + "A" * 43


@dataclass(frozen=True)
class Case:
    """A route with ids that exist, and what each caller with a good token gets."""

    name: str
    path: str
    right: int  # of the party and flow whom it is for
    wrong_party: int  # another party of the same flow
    wrong_flow: int  # the same party, for the other flow
    for_sender: bool = False
    body: Callable[[Api], Any] = lambda _api: None


def _receipt(api: Api) -> dict[str, str]:
    """A good one, of a package that was collected."""
    api.get(f"/packages/{api.package}/content", api.token())
    recipients = api.recipients()
    made = recipients.receipt("opened")
    return {"receipt": to_bytes(made).decode(), "signature": recipients.signed(made).decode()}


# The right caller's 409 says that the drop has gone with its package: it was let in.
CASES = {
    case.name: case
    for case in (
        Case("document", "/openapi.json", 200, 200, 200),
        Case("health", "/health", 200, 200, 200),
        Case("packages", "/packages", 200, 200, 200),
        Case("package", "/packages/{package}", 200, 404, 404),
        Case("manifest", "/packages/{package}/manifest", 200, 404, 404),
        Case("signature", "/packages/{package}/manifest.asc", 200, 404, 404),
        Case("content", "/packages/{package}/content", 200, 404, 404),
        Case("password", "/packages/{package}/password", 200, 404, 404),
        Case("receipt", "/packages/{package}/receipts", 201, 404, 404, body=_receipt),
        Case("send", "/drops", 202, 403, 403, for_sender=True, body=lambda _api: b"a,b\n"),
        Case("drops", "/drops", 200, 200, 200, for_sender=True),
        Case("drop", "/drops/{drop}", 200, 404, 404, for_sender=True),
        Case("withdraw", "/drops/{drop}/withdraw", 409, 404, 404, for_sender=True),
        Case("status", "/status", 200, 200, 200),
        Case("checkpoint", "/checkpoint", 200, 200, 200),
    )
}


def drop_of(api: Api) -> str:
    """The drop that went with the package."""
    [(drop,)] = api.query("SELECT id FROM drops WHERE flow = 'notifications' AND state = 'sent'")
    return str(drop)


def ask(api: Api, route: Route, token: str | None) -> tuple[int, str]:
    """Ask a route; the status, and the code where it is a refusal."""
    case = CASES[route.name]
    path = case.path.format(package=api.package, drop=drop_of(api))
    told = api.call(route.method, path, token, case.body(api))
    return told.status, told.code if told.status >= 400 else ""


def side(route: Route) -> tuple[str, str]:
    """The party that a route is for, and another of the same flow."""
    return ("ofsted", "dfe") if CASES[route.name].for_sender else ("dfe", "ofsted")


def test_the_table_covers_every_route(shared_api: Api) -> None:
    """Every rule that the app itself answers, whoever added it."""
    with open_face(shared_api.home) as parts:
        served = {rule.endpoint for rule in make_app(make_face(parts)).url_map.iter_rules()}
    assert set(CASES) == served == {route.name for route in ROUTES}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope], ids=lambda r: r.name)
def test_without_a_good_token_everything_is_refused_alike(shared_api: Api, route: Route) -> None:
    good = shared_api.token("dfe")
    expired = shared_api.token("dfe", "notifications", days=1)
    bad = {
        "anonymous": None,
        "malformed": "not-a-token",
        "unknown": UNKNOWN,
        "wrong secret": good[:-3] + ("AAA" if not good.endswith("AAA") else "BBB"),
        "expired": expired,
        "revoked": shared_api.revoked(),
    }
    case = CASES[route.name]
    path = case.path.format(package=shared_api.package, drop=drop_of(shared_api))
    told = {who: shared_api.call(route.method, path, token) for who, token in bad.items()}
    assert {who: answer.status for who, answer in told.items()} == dict.fromkeys(bad, NO_TOKEN)
    assert len({answer.body for answer in told.values()}) == 1
    assert {answer.headers["www-authenticate"] for answer in told.values()} == {
        'Bearer realm="gateway"'
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_each_token_may(shared_api: Api, route: Route) -> None:
    api, case = shared_api, CASES[route.name]
    right, other = side(route)
    others = tuple(scope for scope in SCOPES if scope != route.scope)
    expected = {
        "wrong party": case.wrong_party,
        "wrong flow": case.wrong_flow,
        "without the scope": 403 if route.scope else 200,
        "right": case.right,
        "another principal": case.right,  # of the same party
    }
    tokens = {
        "wrong party": api.token(other, "notifications"),
        "wrong flow": api.token(right, "scr-updates"),
        "without the scope": api.token(right, "notifications", *others),
        "right": api.token(right, "notifications"),
        "another principal": api.fresh(right, "notifications"),
    }
    told = {who: ask(api, route, token) for who, token in tokens.items()}
    assert {who: status for who, (status, _) in told.items()} == expected
    if route.scope:
        assert told["without the scope"][1] == "token.scope"


def test_lists_hold_the_callers_own_alone(shared_api: Api) -> None:
    def packages(party: str, flow: str) -> list[str]:
        told = shared_api.get("/packages", shared_api.token(party, flow)).json["packages"]
        return [package["id"] for package in told]

    def drops(party: str, flow: str) -> list[str]:
        told = shared_api.get("/drops", shared_api.token(party, flow)).json["drops"]
        return [drop["id"] for drop in told]

    own = shared_api.package
    assert packages("dfe", "notifications") == packages("panel", "notifications")
    assert own in packages("panel", "notifications")
    assert packages("ofsted", "notifications") == packages("dfe", "scr-updates") == []
    assert packages("ofsted", "scr-updates") == [shared_api.placed.other]
    assert drops("ofsted", "notifications") == [drop_of(shared_api)]
    assert drops("dfe", "notifications") == drops("ofsted", "scr-updates") == []


def test_refusals_of_known_tokens_are_recorded_and_anonymous_ones_are_not(
    shared_api: Api,
) -> None:
    api, path = shared_api, f"/packages/{shared_api.package}"
    before = len(api.leaves("access.refused"))
    for nobody in (None, "nonsense", UNKNOWN):
        api.get(path, nobody)
    assert len(api.leaves("access.refused")) == before
    expired = api.token("dfe", "notifications", days=1)
    api.get(path, expired)
    api.get(path, revoked := api.revoked())
    api.get(path, scoped := api.fresh("dfe", "notifications", "status"))
    api.get(path, stranger := api.fresh("ofsted", "notifications"))
    told = [(leaf["subject"], leaf["facts"]) for leaf in api.leaves("access.refused")[before:]]
    assert told == [
        (f"token:{token.partition('.')[0]}", {"party": party, "way": "api", "code": code})
        for token, party, code in (
            (expired, "dfe", "token.expired"),
            (revoked, "dfe", "token.revoked"),
            (scoped, "dfe", "token.scope"),
            (stranger, "ofsted", "package.unknown"),
        )
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/packages/..%2f..%2f..%2fkeys%2fhome.key",
        "/packages/../../../keys/home.key/content",
        "/packages/%2e%2e/content",
        "/packages/notifications-2026-03-02-01%00/content",
        "/packages/notifications-2026-03-02-01%0a/content",
        "/packages/NOTIFICATIONS-2026-03-02-01",
        "/packages/" + "a" * 200,
        "//packages",
        "/packages/",
        "/drops/..%2f..",
        "/drops/20260302-0123456789AB",
        "/drops/20260302-0123456789ab%0a",
    ],
)
def test_ids_of_another_form_lead_nowhere(shared_api: Api, path: str) -> None:
    told = shared_api.get(path, shared_api.token())
    assert (told.status, told.code) == (404, "route.unknown")
