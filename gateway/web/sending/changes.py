"""Before its window: take a drop back, or let a newer one stand for it. The worker does it."""

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.store.drops import WAITING, DropRow
from gateway.web.sending.coming import Coming, coming
from gateway.web.sending.ours import OF_DROP, PART, SENDER, Ours, drop_of, ours
from gateway.web.site import site
from gateway.web.visitor import page
from gateway.web.worker import WorkerRefused, asked

_BOTH = ("GET", "POST")


@page(PART, f"{OF_DROP}/withdraw", roles=SENDER, methods=_BOTH)
def withdraw(party: str, flow: str, drop: str) -> ResponseReturnValue:
    """Take a drop back, once it is sure that this is meant."""
    sent, found, waiting = _looked_at(party, flow, drop)
    refused = None
    if request.method == "POST":
        refused = _refusal("withdraw", sent, drop=found.id)
        if refused is None:
            return _done(sent, found.id, "The drop is withdrawn: it goes into no package.")
    elif found.state not in WAITING:
        return redirect(sent.to("drop", drop=found.id), 303)
    shown = {"ours": sent, "drop": found, "coming": waiting, "refused": refused}
    return render_template("sending/withdraw.html", **shown), 409 if refused else 200


@page(PART, f"{OF_DROP}/replace", roles=SENDER, methods=_BOTH)
def replace(party: str, flow: str, drop: str) -> ResponseReturnValue:
    """Choose the earlier drop that this one stands for."""
    sent, found, waiting = _looked_at(party, flow, drop)
    older = [item for item in waiting.waiting if may_stand_for(found, item)]
    refused = None
    if request.method == "POST":
        named = request.form.get("older", "")
        refused = _NONE_CHOSEN if not named else _refusal("replace", sent, drop=named, by=found.id)
        if refused is None:
            return _done(sent, found.id, "It stands for the earlier drop, which goes no more.")
    elif not older:
        abort(404)
    shown = {"ours": sent, "drop": found, "older": older, "refused": refused}
    return render_template("sending/replace.html", **shown), 422 if refused else 200


_NONE_CHOSEN = WorkerRefused("drop.none-chosen", "Choose the drop that this one stands for", "")


def may_stand_for(newer: DropRow, older: DropRow) -> bool:
    """Whether one drop may replace another; the worker judges it again."""
    newer_one = newer.number > older.number and newer.original != older.original
    return newer.state in WAITING and newer_one


def _looked_at(party: str, flow: str, drop: str) -> tuple[Ours, DropRow, Coming]:
    sent, own = ours(party, flow), site()
    with own.parts.database.snapshot() as tx:
        return sent, drop_of(tx, sent, drop), coming(tx, sent, own.now())


def _refusal(op: str, sent: Ours, **more: str) -> WorkerRefused | None:
    try:
        asked(op, party=sent.party, flow=sent.flow.id, **more)
    except WorkerRefused as refused:
        return refused
    return None


def _done(sent: Ours, drop: str, words: str) -> ResponseReturnValue:
    flash(words, "info")
    return redirect(sent.to("drop", drop=drop), 303)
