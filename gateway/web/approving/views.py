"""The pages of requests: those that wait, one of them, and approving or withdrawing it."""

from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.access.statements import statement
from gateway.engine.approvalops import LONGEST_SIGNATURE
from gateway.web.approving.gathering import Shown, listed, one
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import SIGN_IN_AGAIN, page, visitor
from gateway.web.worker import WorkerRefused, asked

PART = Blueprint("approving", __name__)
READERS = frozenset({"sender", "approver", "administrator", "auditor"})
DECIDING = frozenset({"approver"})
_WITHDRAWING = frozenset({"sender", "approver", "administrator"})
_LARGEST_FORM = 2 * LONGEST_SIGNATURE


@page(PART, "/approvals", roles=READERS)
def start() -> str:
    """What waits for the visitor first, then what they asked for, then what has ended."""
    own, who = site(), visitor()
    with own.parts.database.snapshot() as tx:
        found = listed(tx, own.parts.officers, who)
    may_ask = who.may(_WITHDRAWING)
    return render_template("approving/start.html", found=found, may_ask=may_ask)


@page(PART, "/approvals/<request_id>", roles=READERS)
def show(request_id: str) -> ResponseReturnValue:
    """One request: what is asked, by whom and why, and who has approved it."""
    return _page(request_id, {})


@page(PART, "/approvals/<request_id>/statement", roles=READERS)
def statement_file(request_id: str) -> ResponseReturnValue:
    """The bytes that an approver signs."""
    told = statement(_request(request_id).row)
    return attachment(told, f"request-{request_id}.json", "application/json")


@page(PART, "/approvals/<request_id>/approve", roles=DECIDING, methods=("POST",))
def approve(request_id: str) -> ResponseReturnValue:
    """Approve on the site; the worker judges the person, and signs what it saw."""
    _request(request_id)
    try:
        answer = asked("approve", request=request_id)
    except WorkerRefused as refused:
        if refused.stale:
            return redirect(again(f"/approvals/{request_id}"), 303)
        return _page(request_id, {"": refused.words})
    return _noted(request_id, str(answer["state"]))


@page(PART, "/approvals/<request_id>/sign", roles=DECIDING, methods=("POST",))
def sign(request_id: str) -> ResponseReturnValue:
    """Approve by a signature that the officer's own key has made elsewhere."""
    request.max_content_length = _LARGEST_FORM
    _request(request_id)
    text = signature_sent()
    if not text:
        return _page(request_id, {"signature": "Choose the file with your signature"})
    try:
        answer = asked("approve-by-key", request=request_id, signature=text)
    except WorkerRefused as refused:
        return _page(request_id, {"signature": refused.words})
    return _noted(request_id, str(answer["state"]))


@page(PART, "/approvals/<request_id>/withdraw", roles=_WITHDRAWING, methods=("POST",))
def withdraw(request_id: str) -> ResponseReturnValue:
    """Take a request back while it is open."""
    _request(request_id)
    try:
        asked("withdraw-request", request=request_id)
    except WorkerRefused as refused:
        return _page(request_id, {"": refused.words})
    flash("The request is withdrawn. Nothing of it will be done.", "info")
    return redirect(f"/approvals/{request_id}", 303)


def again(place: str) -> str:
    """Where people prove again who they are, and come back from to a place."""
    return f"{SIGN_IN_AGAIN}?{urlencode({'next': place})}"


def signature_sent() -> str:
    """The text of the file that the form brought; empty where it is none."""
    file = request.files.get("signature")
    content = file.read(LONGEST_SIGNATURE + 1) if file is not None else b""
    if len(content) > LONGEST_SIGNATURE or not content.isascii():
        return ""
    return content.decode("ascii")


def _request(request_id: str) -> Shown:
    own = site()
    with own.parts.database.snapshot() as tx:
        found = one(tx, own.parts.officers, visitor(), request_id)
    if found is None:
        abort(404)
    return found


def _noted(request_id: str, state: str) -> ResponseReturnValue:
    if state == "approved":
        flash("It has the approvals it needs. It is carried out within a minute.", "info")
    else:
        flash("Your approval is noted. It needs another.", "info")
    return redirect(f"/approvals/{request_id}", 303)


def _page(request_id: str, faults: dict[str, str]) -> ResponseReturnValue:
    shown, who = _request(request_id), visitor()
    words = asked("request-words", request=request_id)["body"]
    told = render_template(
        "approving/show.html",
        shown=shown,
        words=words,
        faults=faults,
        fresh=who.fresh,
        again=again(f"/approvals/{request_id}"),
        may_withdraw=shown.row.state == "open"
        and (shown.mine or (not shown.why_not and who.may(DECIDING))),
    )
    return told, (422 if faults else 200)
