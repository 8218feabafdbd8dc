"""Each person's own account: where they are signed in, what they sign in with, and invitations."""

import io

import qrcode
import qrcode.image.svg
from flask import Response, abort, current_app, flash, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import login_user, logout_user

from gateway.access import people as acts
from gateway.access.passwords import hash_password, password_faults
from gateway.access.people import PersonRefused
from gateway.store import people
from gateway.store import sessions as rows
from gateway.web.signin.keptsessions import KeptSession
from gateway.web.signin.views import PART
from gateway.web.site import site
from gateway.web.visitor import ANYONE, SIGNED_IN, page, visitor

_PENDING_APP = "tf_totp_secret"


@page(PART, "/account", roles=SIGNED_IN)
def account() -> str:
    """Where the person is signed in, and with what."""
    who, own = visitor(), site()
    with own.parts.database.transaction() as tx:
        person = people.get(tx, who.id)
        open_sessions = rows.open_of(tx, who.id)
        codes = people.recovery_codes_left(tx, who.id)
    return render_template(
        "signin/account.html",
        person=person,
        sessions=open_sessions,
        this=_this(),
        keys=list(current_user.webauthn),
        has_app=bool(current_user.tf_totp_secret),
        codes=codes,
        parties=own.parties(),
    )


@page(PART, "/account/sign-out-elsewhere", roles=SIGNED_IN, methods=("POST",), fresh=True)
def sign_out_elsewhere() -> ResponseReturnValue:
    """End every session of the person but this one."""
    own, who = site(), visitor()
    with own.parts.database.transaction() as tx:
        acts.end_sessions(tx, who.id, who.id, own.now(), but=_this())
    flash("You are signed out everywhere else.", "info")
    return redirect("/account", 303)


@page(PART, "/account/sessions/<int:number>/end", roles=SIGNED_IN, methods=("POST",), fresh=True)
def end_session(number: int) -> ResponseReturnValue:
    """End one session of the person."""
    own, who = site(), visitor()
    with own.parts.database.transaction() as tx:
        if number not in {row.id for row in rows.open_of(tx, who.id)}:
            abort(404)
        rows.change(tx, number, ended_at=own.now(), contents_sealed=b"")
    flash("That session is ended.", "info")
    return redirect("/account", 303)


@page(PART, "/account/app/picture", roles=ANYONE)
def app_picture() -> ResponseReturnValue:
    """The picture that an authenticator app reads, for whoever is setting one up here."""
    pending = session.get(_PENDING_APP)
    if not pending or not current_user.is_authenticated:
        abort(404)
    uri = current_app.extensions["security"].totp_factory.get_totp_uri(
        current_user.calc_username(), pending
    )
    drawn = qrcode.make(uri, image_factory=qrcode.image.svg.SvgPathFillImage)
    held = io.BytesIO()
    drawn.save(held)
    return Response(held.getvalue(), mimetype="image/svg+xml")


@page(PART, "/account/set-up", roles=ANYONE)
def set_up() -> ResponseReturnValue:
    """After a second factor was set up: recovery codes, where there are none."""
    if not current_user.is_authenticated:
        abort(404)
    with site().parts.database.transaction() as tx:
        codes = people.recovery_codes_left(tx, str(current_user.id))
    return redirect("/account" if codes else "/account/recovery-codes", 303)


@page(PART, "/invitation/<token>", roles=ANYONE, methods=("GET", "POST"))
def invitation(token: str) -> ResponseReturnValue:
    """Accept an invitation: choose a password, and then a second factor."""
    own = site()
    try:
        with own.parts.database.transaction() as tx:
            person = acts.invited(tx, token, own.now())
    except PersonRefused as refused:
        return render_template("signin/no-invitation.html", refused=refused), 410
    if request.method == "GET":
        return render_template("signin/invitation.html", person=person, found=[])
    password = request.form.get("password", "")
    faults = password_faults(password, (person.name, person.email), own.breached)
    if not faults and password != request.form.get("again", ""):
        faults = ["The two passwords are not the same"]
    if faults:
        return render_template("signin/invitation.html", person=person, found=faults), 422
    hashed = hash_password(password)
    with own.parts.database.transaction() as tx:
        acts.choose_password(tx, token, hashed, own.now())
    logout_user()  # whoever was signed in here before
    found = current_app.extensions["security"].datastore.find_user(id=person.id)
    login_user(found, remember=False, authn_via=["invitation"])
    return redirect("/account/second-factor", 303)


@page(PART, "/account/second-factor", roles=ANYONE)
def second_factor() -> ResponseReturnValue:
    """Which second factor to set up: a security key first, an app otherwise."""
    if not current_user.is_authenticated:
        abort(404)
    return render_template("signin/second-factor.html")


def _this() -> int | None:
    held = session._get_current_object()  # type: ignore[attr-defined]
    return held.row.id if isinstance(held, KeptSession) and held.row else None
