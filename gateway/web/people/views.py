"""People of the administrator's own party: invite, grant, revoke, sign out, let go."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.access import people as acts
from gateway.access.grants import ALL_FLOWS, ROLES, fits
from gateway.access.invitations import address_of, queue_invitation
from gateway.access.notices import RESET, tell_person
from gateway.access.people import Newcomer, PersonRefused
from gateway.access.training import known_as
from gateway.agreement.model import Flow
from gateway.agreement.windows import london_date
from gateway.store.database import Transaction
from gateway.web.people.gathering import Known, everybody, known
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import party_of

PART = Blueprint("people", __name__)
_ADMINISTRATORS = frozenset({"administrator"})
_LINK = "link"
_FIELDS = {"person.malformed": "email", "person.known": "email", "person.officer": "officer"}


@page(PART, "/people", roles=_ADMINISTRATORS)
def start() -> str:
    """Who there is, and what is to be done about them."""
    own, party = site(), party_of(visitor())
    with own.parts.database.snapshot() as tx:
        found = everybody(tx, party, london_date(own.now()))
    here = [item for item in found if item.row.active]
    untrained = [item.row.name for item in here if not item.training.counts]
    ending = [item.row.name for item in here if item.training.ends_soon]
    shown = {"people": found, "untrained": untrained, "ending": ending, "party": party}
    return render_template("people/start.html", **shown)


@page(PART, "/people/invite", roles=_ADMINISTRATORS, methods=("GET", "POST"), fresh=True)
def invite() -> ResponseReturnValue:
    """Invite somebody of the own party."""
    if request.method == "GET":
        return _invite_page({})
    form = {name: request.form.get(name, "").strip() for name in ("name", "email", "officer")}
    faults = {}
    if not form["name"]:
        faults["name"] = "Enter their name"
    if not form["email"]:
        faults["email"] = "Enter their e-mail address"
    if faults:
        return _invite_page(faults)
    own, who = site(), visitor()
    newcomer = Newcomer(form["name"], party_of(who), form["email"], form["officer"] or None)
    try:
        if newcomer.officer not in {None, *_officers()}:
            raise PersonRefused("person.officer", "There is no such officer.", "Choose one.")
        with own.parts.database.transaction() as tx:
            person = acts.add_person(tx, newcomer, who.id, own.now())
            _hand_over(tx, person.id, acts.invite(tx, person.id, who.id, own.now()))
    except PersonRefused as refused:
        return _invite_page({_FIELDS.get(refused.code, ""): f"{refused} {refused.hint}"})
    return redirect(f"/people/{person.id}", 303)


@page(PART, "/people/<person_id>", roles=_ADMINISTRATORS, fresh=True)
def show(person_id: str) -> ResponseReturnValue:
    """One person: account, training, grants, sessions."""
    return _person_page(person_id, {})


@page(PART, "/people/<person_id>/grant", roles=_ADMINISTRATORS, methods=("POST",), fresh=True)
def grant(person_id: str) -> ResponseReturnValue:
    """Grant a role in a flow."""
    role, flow = request.form.get("role", ""), request.form.get("flow", "")
    if not role:
        return _person_page(person_id, {"role": "Choose a role"})
    own = site()

    def done(tx: Transaction, by: str) -> str:
        acts.grant(tx, _flows(), person_id, (flow or ALL_FLOWS, role), by, own.now())
        return "The grant is made. It counts while their training is on record and has not run out."

    return _act(person_id, done, "role")


@page(PART, "/people/<person_id>/revoke", roles=_ADMINISTRATORS, methods=("POST",), fresh=True)
def revoke(person_id: str) -> ResponseReturnValue:
    """End a grant, at once."""
    grant_id = request.form.get("grant", "")
    if grant_id not in {item.id for item in _known(person_id).grants}:
        abort(404)

    def done(tx: Transaction, by: str) -> str:
        acts.revoke(tx, grant_id, by, site().now())
        return "The grant is revoked."

    return _act(person_id, done)


@page(
    PART,
    "/people/<person_id>/end-sessions",
    roles=_ADMINISTRATORS,
    methods=("POST",),
    fresh=True,
)
def end_sessions(person_id: str) -> ResponseReturnValue:
    """Sign somebody out everywhere."""

    def done(tx: Transaction, by: str) -> str:
        acts.end_sessions(tx, person_id, by, site().now())
        return "They are signed out everywhere."

    return _act(person_id, done)


@page(PART, "/people/<person_id>/again", roles=_ADMINISTRATORS, methods=("POST",), fresh=True)
def again(person_id: str) -> ResponseReturnValue:
    """Invite somebody anew: who has not set up the account, or has lost what they sign in with."""
    found, own = _known(person_id), site()

    def done(tx: Transaction, by: str) -> str:
        anew = acts.reset if found.row.enrolled_at else acts.invite
        _hand_over(tx, person_id, anew(tx, person_id, by, own.now()))
        if anew is acts.reset:
            tell_person(tx, own.parts, found.row, RESET, own.now())
        return ""

    return _act(person_id, done)


@page(PART, "/people/<person_id>/leave", roles=_ADMINISTRATORS, methods=("GET", "POST"), fresh=True)
def leave(person_id: str) -> ResponseReturnValue:
    """Let somebody go, after a question."""
    found = _known(person_id)
    if request.method == "GET":
        return render_template("people/leave.html", person=found)

    def done(tx: Transaction, by: str) -> str:
        acts.leave(tx, person_id, by, site().now())
        return f"{found.row.name} has left: every grant and session of theirs has ended."

    return _act(person_id, done)


def _act(
    person_id: str, done: Callable[[Transaction, str], str], field: str = ""
) -> ResponseReturnValue:
    """Do something about one of the own party's people, and say so on their page."""
    _known(person_id)
    try:
        with site().parts.database.transaction() as tx:
            words = done(tx, visitor().id)
    except PersonRefused as refused:
        return _person_page(person_id, {field: f"{refused} {refused.hint}"})
    if words:
        flash(words, "info")
    return redirect(f"/people/{person_id}", 303)


def _hand_over(tx: Transaction, person_id: str, token: str) -> None:
    """Send the invitation; where no e-mail goes out, the page shows its link, this once."""
    own = site()
    settings, person = own.parts.settings, acts.person_of(tx, person_id)
    if settings.mail.host and settings.web.origin:
        queue_invitation(tx, person, token, settings.web.origin, own.now())
        flash(f"{person.name} is invited. The e-mail leaves within a minute.", "info")
        return
    origin = settings.web.origin or request.host_url
    flash(address_of(origin, token), _LINK)


def _known(person_id: str) -> Known:
    with site().parts.database.snapshot() as tx:
        found = known(tx, party_of(visitor()), person_id, london_date(site().now()))
    if found is None:
        abort(404)
    return found


def _officers() -> dict[str, str]:
    """The party's officers, by id."""
    return {item.id: item.name for item in site().parts.officers.of(party_of(visitor()))}


def _flows() -> list[Flow]:
    parts = site().parts
    return [parts.flow(flow_id) for flow_id in parts.agreed]


def _invite_page(faults: dict[str, str]) -> ResponseReturnValue:
    told = render_template("people/invite.html", faults=faults, officers=_officers())
    return told, (422 if faults else 200)


def _person_page(person_id: str, faults: dict[str, str]) -> ResponseReturnValue:
    found, flows = _known(person_id), _flows()
    party = found.row.party
    useful = [role for role in ROLES if fits(flows, party, ALL_FLOWS, role)]
    told = render_template(
        "people/show.html",
        person=found,
        faults=faults,
        roles=useful,
        flows=flows,
        known_as=known_as(found.row),
        own=found.row.id == visitor().id,
        officers=_officers(),
    )
    return told, (422 if faults else 200)
