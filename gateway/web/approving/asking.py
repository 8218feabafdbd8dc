"""Asking for an act: which, about what, and why. The worker judges it, and makes the request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.web.approving.views import PART
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import WorkerRefused, asked

_ASKING = frozenset({"sender", "approver", "administrator"})
_SENDER, _DECIDING = frozenset({"sender"}), frozenset({"approver", "administrator"})


@dataclass(frozen=True)
class Form:
    """What the form of an act asks. ``subject``: what it calls the thing, if it is about one."""

    title: str
    said: str
    roles: frozenset[str]
    subject: str = ""
    hint: str = ""


FORMS: Mapping[str, Form] = {
    "recall": Form(
        "Recall a package",
        "Nobody can collect it any more, and whoever has it is asked to keep it apart. "
        "Nothing is destroyed.",
        _SENDER,
        "Package",
        "Its name, such as notifications-2026-03-02-01",
    ),
    "supersede": Form(
        "Replace a package",
        "A corrected drop, which waits for its window, becomes a new package for the same day.",
        _SENDER,
        "Package",
        "The package to be replaced, such as notifications-2026-03-02-01",
    ),
    "release-held": Form(
        "Release held rows",
        "Two officers attest that the findings of these rows are mistaken, and the rows travel at "
        "the next window. Look at your own file: the gateway shows nobody the row.",
        _SENDER,
        "Drop",
        "The drop that the rows came with, as the findings report names it",
    ),
    "end-hold": Form(
        "End a hold",
        "It takes an approver of each organisation. What no other hold covers can then be "
        "destroyed, by another request of the same kind.",
        _DECIDING,
        "Hold",
        "Its name, as the list of holds has it",
    ),
    "change-keys": Form(
        "Change the ledger’s key",
        "A new key signs the ledger’s checkpoints from then on. It takes an approver of each "
        "organisation.",
        _DECIDING,
    ),
}
_FIELDS = {
    "text": "reason",
    "release": "rows",
    "supersede": "drop",
    "drop": "drop",
    "hold": "subject",
    "recall": "subject",
    "act": "subject",
}
_SUBJECTS = {"release.unknown-drop", "supersede.not-standing", "supersede.not-of-a-window"}


@page(PART, "/approvals/new", roles=_ASKING)
def choose() -> ResponseReturnValue:
    """Which act to ask for."""
    wanted = request.args.get("act", "")
    if wanted in _offered():
        return redirect(f"/approvals/new/{wanted}", 303)
    faults = {"act": "Choose what you want to ask for"} if "chosen" in request.args else {}
    told = render_template("approving/choose.html", forms=_offered(), faults=faults)
    return told, (422 if faults else 200)


@page(PART, "/approvals/new/<act>", roles=_ASKING, methods=("GET", "POST"))
def ask(act: str) -> ResponseReturnValue:
    """The form of one act."""
    form = _offered().get(act)
    if form is None:
        abort(404)
    if request.method == "GET":
        return _page(act, form, request.args, {})
    faults = _missing(act, form)
    if faults:
        return _page(act, form, request.form, faults)
    try:
        answer = asked("ask", act=act, **_filled())
    except WorkerRefused as refused:
        return _page(act, form, request.form, {_field(refused.code): refused.words})
    flash("Your request is made. Others approve it now.", "info")
    return redirect(f"/approvals/{answer['request']}", 303)


def _offered() -> dict[str, Form]:
    """The acts that the visitor may ask for."""
    who = visitor()
    return {act: form for act, form in FORMS.items() if who.may(form.roles)}


def _filled() -> dict[str, Any]:
    names = ("subject", "drop", "rows", "reason")
    told = {name: request.form.get(name, "").strip() for name in names}
    codes = ",".join(request.form.getlist("codes"))
    return {**told, "codes": codes, "alone": request.form.get("take") == "alone"}


def _missing(act: str, form: Form) -> dict[str, str]:
    wanted: dict[str, str] = (
        {"subject": f"Enter the {form.subject.lower()}"} if form.subject else {}
    )
    if act == "supersede":
        wanted["drop"] = "Enter the corrected drop"
        wanted["take"] = "Choose which rows the new package is made of"
    if act == "release-held":
        wanted |= {"rows": "Enter the rows", "codes": "Choose the findings that are mistaken"}
    else:
        wanted["reason"] = "Enter the reason"
    return {name: words for name, words in wanted.items() if not _given(request.form, name)}


def _given(form: Any, name: str) -> bool:
    return any(text.strip() for text in form.getlist(name))


def _field(code: str) -> str:
    if code in _SUBJECTS:
        return "subject"
    return _FIELDS.get(code.partition(".")[0], "")


def _attestable() -> Iterable[str]:
    parts = site().parts
    return sorted({code for flow_id in parts.agreed for code in parts.flow(flow_id).attestable})


def _page(act: str, form: Form, filled: Any, faults: dict[str, str]) -> ResponseReturnValue:
    told = render_template(
        "approving/ask.html",
        act=act,
        form=form,
        filled=filled,
        chosen=filled.getlist("codes"),
        attestable=list(_attestable()),
        faults=faults,
    )
    return told, (422 if faults else 200)
