"""Doing: the password, accepting, asking and answering. The worker judges and does each of them."""

import re
import secrets
from datetime import datetime

from flask import abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.receipts.sitereceipt import SAID
from gateway.web.collecting import words
from gateway.web.collecting.asking import ask_worker
from gateway.web.collecting.package import Shown, shown
from gateway.web.collecting.views import PACKAGE, PART, RECIPIENT, downloads
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import WorkerRefused

_BOTH = ("GET", "POST")
_ENDING_SECONDS = 5.0
_QUERY = "/<party>/<flow>/queries/<query>"
_FIELDS = ("text", "reference", "heading")
_ONCE = re.compile("[0-9a-f]{12}")  # what a form of ours carries


@page(PART, f"{PACKAGE}/password", roles=RECIPIENT, methods=_BOTH, fresh=True)
def password(party: str, flow: str, package: str) -> ResponseReturnValue:
    """The password, by a step of its own: asked for in a form, shown in its answer alone."""
    told = _standing(party, flow, package)
    released = ""
    if request.method == "POST":
        released = ask_worker("password", party, flow, package=package)["password"]
    answer = make_response(
        render_template("collecting/password.html", told=told, released=released, words=words)
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@page(PART, f"{PACKAGE}/accept", roles=RECIPIENT, methods=_BOTH, fresh=True)
def accept(party: str, flow: str, package: str) -> ResponseReturnValue:
    """Accept a package. Once it stands, accepting it again changes nothing."""
    downloads().wait(visitor().id, package, _ENDING_SECONDS)
    told = _standing(party, flow, package)
    if request.method == "POST":
        ask_worker("accept", party, flow, package=package)
        return redirect(told.href, 303)
    return render_template("collecting/accept.html", told=told, said=SAID)


@page(PART, f"{PACKAGE}/query", roles=RECIPIENT, methods=_BOTH, fresh=True)
def query(party: str, flow: str, package: str) -> ResponseReturnValue:
    """Ask a question about a package, or about a row of it."""
    downloads().wait(visitor().id, package, _ENDING_SECONDS)
    told = _standing(party, flow, package)
    filled = {name: request.form.get(name, "") for name in _FIELDS}
    fault: WorkerRefused | None = None
    if request.method == "POST":
        once = request.form.get("once", "")
        if not _ONCE.fullmatch(once):
            abort(400)
        try:
            asked = ask_worker("query", party, flow, package=package, once=once, **filled)
            return redirect(f"/{party}/{flow}/queries/{asked['query']}", 303)
        except WorkerRefused as refused:
            fault = _of_the_form(refused)
    shown_again = {
        "told": told,
        "said": SAID,
        "filled": filled,
        "fault": fault,
        "once": secrets.token_hex(6),
        "headings": [field.heading for field in site().parts.flow(flow).fields],
    }
    return render_template("collecting/query.html", **shown_again), 422 if fault else 200


@page(PART, _QUERY, roles=RECIPIENT, methods=_BOTH)
def thread(party: str, flow: str, query: str) -> ResponseReturnValue:
    """What was asked and answered; the asker asks on, or is content. (Senders have their own.)"""
    fault: WorkerRefused | None = None
    text = request.form.get("text", "")
    if request.method == "POST":
        try:
            ask_worker("query-say", party, flow, query=query, text=text)
            return redirect(f"/{party}/{flow}/queries/{query}", 303)
        except WorkerRefused as refused:
            fault = _of_the_form(refused)
    told = ask_worker("query-read", party, flow, query=query)
    if told["asker"] != party:
        abort(404)
    for item in told["said"]:
        item["at"] = datetime.fromisoformat(item["at"])
    shown_again = {"told": told, "here": f"/{party}/{flow}", "query": query, "text": text}
    page = render_template(
        "collecting/thread.html", **shown_again, fault=fault, names=site().parties()
    )
    return page, 422 if fault else 200


@page(PART, f"{_QUERY}/close", roles=RECIPIENT, methods=("POST",))
def close(party: str, flow: str, query: str) -> ResponseReturnValue:
    """The asker is content."""
    ask_worker("query-close", party, flow, query=query)
    return redirect(f"/{party}/{flow}/queries/{query}", 303)


def _standing(party: str, flow: str, package: str) -> Shown:
    """A package that may be fetched still; who comes late to another is sent to its page."""
    told = shown(site(), party, flow, package)
    if not told.standing:
        abort(redirect(told.href, 303))
    return told


def _of_the_form(refused: WorkerRefused) -> WorkerRefused:
    """A fault of what was filled in, to be shown with the form; any other has a page of its own."""
    if refused.code.partition(".")[0] in ("text", "query"):
        return refused
    raise refused
