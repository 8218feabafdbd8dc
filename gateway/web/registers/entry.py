"""An entry: what it says, its steps, the steps that may be taken, and the sign-off."""

from datetime import datetime

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.engine.approvalops import LONGEST_SIGNATURE
from gateway.records.registers.rules import REGISTERS
from gateway.store import registers as rows
from gateway.store.registers import EntryRow
from gateway.web.approving.views import signature_sent
from gateway.web.registers.gathering import STATES, concerns, due_words
from gateway.web.registers.views import PART, READERS, WRITERS
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import WorkerRefused, asked


@page(PART, "/registers/entries/<entry_id>", roles=READERS)
def show(entry_id: str) -> ResponseReturnValue:
    """One entry."""
    return _page(entry_id, {})


@page(PART, "/registers/entries/<entry_id>/statement", roles=READERS)
def statement_file(entry_id: str) -> ResponseReturnValue:
    """The bytes that an approver of each party signs."""
    _row(entry_id)
    told = str(asked("register-read", entry=entry_id)["statement"])
    if not told:
        abort(404)
    return attachment(told.encode(), f"{entry_id}.json", "application/json")


@page(PART, "/registers/entries/<entry_id>/step", roles=WRITERS, methods=("POST",))
def step(entry_id: str) -> ResponseReturnValue:
    """Take a step that needs no signature."""
    row = _row(entry_id)
    name, words = request.form.get("step", ""), request.form.get("words", "").strip()
    rule = REGISTERS[row.register].steps.get(name)
    if rule is None:
        return _page(entry_id, {"step": "Choose what has been done"})
    if rule.words and not words:
        return _page(entry_id, {"words": "Enter some words about it"})
    try:
        asked("register-step", entry=entry_id, step=name, words=words)
    except WorkerRefused as refused:
        field = "words" if refused.code.startswith("text.") else "step"
        return _page(entry_id, {field: refused.words})
    flash("It is noted.", "info")
    return redirect(f"/registers/entries/{entry_id}", 303)


@page(
    PART,
    "/registers/entries/<entry_id>/sign",
    roles=frozenset({"approver"}),
    methods=("POST",),
)
def sign(entry_id: str) -> ResponseReturnValue:
    """Sign the proposed words for the party, by a signature of the officer's own key."""
    request.max_content_length = 2 * LONGEST_SIGNATURE
    _row(entry_id)
    text = signature_sent()
    if not text:
        return _page(entry_id, {"signature": "Choose the file with your signature"})
    try:
        answer = asked("register-sign", entry=entry_id, signature=text)
    except WorkerRefused as refused:
        return _page(entry_id, {"signature": refused.words})
    agreed = answer["state"] == "agreed"
    words = "Both parties have signed." if agreed else "Your signature is noted."
    flash(words, "info")
    return redirect(f"/registers/entries/{entry_id}", 303)


def _row(entry_id: str) -> EntryRow:
    with site().parts.database.snapshot() as tx:
        row = rows.get(tx, entry_id)
    if row is None or not concerns(row):
        abort(404)
    return row


def _page(entry_id: str, faults: dict[str, str]) -> ResponseReturnValue:
    row, who = _row(entry_id), visitor()
    rules, kept = REGISTERS[row.register], asked("register-read", entry=entry_id)
    officers = {item.id: item.name for item in site().parts.officers}
    steps = [
        {
            **item,
            "title": rules.steps[item["step"]].title,
            "at": datetime.fromisoformat(item["at"]),
            "who": officers.get(item["officer"], item["officer"]),
        }
        for item in kept["steps"]
    ]
    left = [(name, rules.steps[name]) for name in kept["left"]]
    told = render_template(
        "registers/entry.html",
        row=row,
        rules=rules,
        state=STATES[row.state],
        due=due_words(row),
        late=row.due_at is not None and row.due_at <= site().now(),
        kept=kept,
        steps=steps,
        left=[(name, rule) for name, rule in left if not rule.signed],
        may_sign=any(rule.signed for _, rule in left) and who.may(frozenset({"approver"})),
        may_write=who.may(WRITERS),
        filled=request.form,
        faults=faults,
    )
    return told, (422 if faults else 200)
