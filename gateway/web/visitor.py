"""Who asks for a page, and whether they may see it: the one way to add a view is `page`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from gateway.access.training import NOT_TRAINED, Training
from gateway.web.security import safe_next
from gateway.web.uploads import begun_upload

Role = Literal["sender", "recipient", "approver", "administrator", "auditor"]
ROLES: frozenset[str] = frozenset({"sender", "recipient", "approver", "administrator", "auditor"})
ALL_FLOWS = "*"
SIGN_IN = "/sign-in"  # takes `next`, the page to go on to
SIGN_IN_AGAIN = "/sign-in/again"  # for sensitive acts; takes `next` too


class Word(str):
    """What a page says instead of roles."""

    __slots__ = ()


ANYONE = Word("anyone")  # signed in or not
SIGNED_IN = Word("signed in")  # whatever their grants, none included
MACHINE = Word("machine")  # nobody in particular, and nobody is looked up: files, probes
Roles = frozenset[str] | Word
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@dataclass(frozen=True)
class Grant:
    """A role for a party and one of its flows, or `ALL_FLOWS`. Whoever gives it has judged it."""

    party: str
    flow: str
    role: str


@dataclass(frozen=True)
class Visitor:
    """A person who is signed in, with the grants that are good at this moment.

    ``session``: its secret, which the worker is shown; ``fresh``: signed in anew a short while ago;
    ``training``: as it stands, and where it does not count there are no grants.
    """

    id: str
    name: str
    grants: tuple[Grant, ...]
    session: str
    fresh: bool = False
    training: Training = NOT_TRAINED

    def may(self, roles: frozenset[str], party: str | None = None, flow: str | None = None) -> bool:
        """Whether any of the roles is theirs: anywhere, or for that party and flow."""
        return any(
            grant.role in roles
            and (party is None or grant.party == party)
            and (flow is None or grant.flow in (flow, ALL_FLOWS))
            for grant in self.grants
        )


class Visitors(Protocol):
    """Whoever knows the people."""

    def current(self) -> Visitor | None:
        """The visitor of the request in hand, with grants read anew; None: not signed in."""

    def refused(self, visitor: Visitor, party: str, flow: str) -> None:
        """Record in the ledger that a visitor asked for what is not theirs; "" is no party."""


@dataclass(frozen=True)
class Page:
    """Who may see a view."""

    roles: Roles
    fresh: bool
    streams: bool


PAGES = "gateway-page"


def page(
    blueprint: Blueprint,
    rule: str,
    *,
    roles: frozenset[str] | set[str] | Word,
    methods: tuple[str, ...] = ("GET",),
    fresh: bool = False,
    streams: bool = False,
) -> Callable[[View], View]:
    """Add a view, and say who may see it: the roles, or `ANYONE`, or `SIGNED_IN`.

    In a rule with ``<party>`` (and ``<flow>``) the grant must be for them. ``fresh``: a sensitive
    act, for which people sign in anew. ``streams``: takes a file of any size by POST, and is given
    it as ``upload`` (`uploads.Upload`). Who may not see a page is told that there is none.
    """
    if streams and methods != ("POST",):
        raise ValueError(f"{rule}: a page that takes a file takes POST, and nothing else")
    said: Roles = roles if isinstance(roles, Word) else frozenset(roles)
    if not isinstance(said, Word) and (not said or not said <= ROLES):
        raise ValueError(f"{rule}: roles must be some of {sorted(ROLES)}")

    def added(view: View) -> View:
        @wraps(view)
        def guarded(**ids: str) -> ResponseReturnValue:
            turned_away = _turned_away(said, fresh, ids.get("party"), ids.get("flow"))
            if turned_away is not None:
                return turned_away
            return view(upload=begun_upload(), **ids) if streams else view(**ids)

        setattr(guarded, PAGES, Page(said, fresh, streams))
        blueprint.add_url_rule(
            rule,
            view.__name__,
            guarded,
            methods=list(methods),
            provide_automatic_options=False,
        )
        return view

    return added


def visitor() -> Visitor:
    """The visitor of the request in hand; for views that only people who are signed in see."""
    found = maybe_visitor()
    if found is None:
        abort(404)
    return found


def maybe_visitor() -> Visitor | None:
    """The visitor of the request in hand, who was asked for once; None: not signed in."""
    found: Visitor | None = g.get("visitor")
    return found


def _turned_away(
    roles: Roles, fresh: bool, party: str | None, flow: str | None
) -> ResponseReturnValue | None:
    """Where to send whoever may not see the page in hand; None: they may. Raises NotFound."""
    if roles is MACHINE:
        return None
    visitors: Visitors = g.visitors
    who = g.visitor = visitors.current()
    if roles is ANYONE:
        return None
    if who is None:
        return _to(SIGN_IN)
    if not isinstance(roles, Word) and not who.may(roles, party, flow):
        visitors.refused(who, party or "", flow or "")
        abort(404)
    return prove_again() if fresh and not who.fresh else None


def know_visitor() -> None:
    """Look up who visits, where no view has: for a page that says no before any view was found."""
    if "visitor" not in g:
        visitors: Visitors = g.visitors
        g.visitor = visitors.current()


def prove_again() -> Response:
    """Off to prove again who one is, and back. What a form sent is not kept, and is told so."""
    if request.method != "GET":
        flash("What you sent was not done. Prove who you are, then send it again.", "info")
    return _to(SIGN_IN_AGAIN)


def _to(place: str) -> Response:
    """Off to a page that leads back to the one in hand."""
    back = _way_back()
    asked = urlencode({"next": back}) if back and back != "/" else ""
    return redirect(f"{place}?{asked}" if asked else place, 303)


def _way_back() -> str:
    """The page that was looked at, or the one with the form that was sent; empty: none is known.

    A form's page is at the address that the form was sent to, or else where the browser says that
    it came from, which is believed of pages of this site alone.
    """
    if request.method == "GET":
        return request.full_path.rstrip("?")
    pages = current_app.create_url_adapter(request)
    told = request.referrer or ""
    came = "/" + told.removeprefix(request.host_url) if told.startswith(request.host_url) else ""
    for place in (request.path, safe_next(came, "")):
        if place and pages is not None and pages.test(place.partition("?")[0], "GET"):
            return place.partition("#")[0]
    return ""
