"""Sending a file: the page with the form, the upload itself, and the blank template."""

from dataclasses import dataclass
from datetime import datetime

from flask import g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.agreement.model import Flow
from gateway.agreement.template import template as blank_template
from gateway.serving.statuses import status_of
from gateway.serving.taking import NotTaken, require_room, take
from gateway.store import drops
from gateway.web.security import attachment
from gateway.web.sending.ours import OF_FLOW, PART, SENDER, flows_of, ours
from gateway.web.sending.today import Today, today
from gateway.web.site import site
from gateway.web.uploads import Upload
from gateway.web.visitor import page, visitor

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORM_BYTES = 64 * 1024  # at most, of a form apart from its file
_UNITS = ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB"))
_LATEST = 5  # drops shown beside the form


@dataclass(frozen=True)
class NotSent:
    """Why a file was not taken: what happened, and what to do next."""

    words: str
    hint: str


@page(PART, "/send", roles=SENDER)
def start() -> ResponseReturnValue:
    """Where there is one flow to send, its page; else the choice."""
    found = list(flows_of(site(), visitor()))
    if len(found) == 1:
        return redirect(found[0].to("send"), 303)
    return render_template("sending/start.html", flows=found, parties=site().parties())


@page(PART, f"{OF_FLOW}/send", roles=SENDER)
def send(party: str, flow: str) -> ResponseReturnValue:
    """The form that a file is sent by."""
    return _form(party, flow)


@page(PART, f"{OF_FLOW}/send", roles=SENDER, methods=("POST",), streams=True)
def take_file(upload: Upload, party: str, flow: str) -> ResponseReturnValue:
    """Take a file into the flow's inbox, as it comes, then wait for what the worker says of it."""
    sent, own = ours(party, flow), site()
    try:
        length = max((request.content_length or 0) - _FORM_BYTES, 0)
        inbox = require_room(own.parts, sent.flow, length)
        with own.parts.database.snapshot() as tx:
            after = drops.last_number(tx)
        settle = own.parts.settings.settle_seconds
        taken = take(inbox, sent.flow, upload, None, upload.connection, "web", settle)
    except NotTaken as refused:
        g.code = refused.code
        told = NotSent(_words(refused, sent.flow), refused.hint)
        return _form(party, flow, told), status_of(refused.code) or 400
    return redirect(sent.to("arriving", after=after, sha256=taken.sha256), 303)


@page(PART, f"{OF_FLOW}/template.xlsx", roles=SENDER)
def template(party: str, flow: str) -> ResponseReturnValue:
    """The blank workbook, with the agreed headings and lists."""
    sent = ours(party, flow)
    content = blank_template(sent.agreed.rule_book(flow))
    return attachment(content, f"{flow}-template.xlsx", _WORKBOOK)


def _form(party: str, flow: str, refused: NotSent | None = None) -> str:
    sent, own = ours(party, flow), site()
    now: datetime = own.now()
    with own.parts.database.snapshot() as tx:
        day: Today = today(tx, sent, now)
        latest = drops.page_of(tx, party, flow, None, _LATEST)
    return render_template(
        "sending/send.html",
        ours=sent,
        today=day,
        latest=latest,
        limit=_in_words(sent.flow.files.maximum_bytes),
        refused=refused,
        parties=own.parties(),
    )


def _words(refused: NotTaken, flow: Flow) -> str:
    """What was refused, as people count: the form cannot tell no file from an empty one."""
    if refused.code == "drop.empty":
        return "Choose a file that is not empty"
    if refused.code == "drop.too-large":
        return f"The file must be smaller than {_in_words(flow.files.maximum_bytes)}"
    return str(refused)


def _in_words(size: int) -> str:
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
