"""The forms by which entries are made: what each register asks, and how the answers are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from gateway.records.registers.rules import REGISTERS
from gateway.records.registers.wanted import INCIDENTS
from gateway.store import people
from gateway.web.ledger.views import read_day
from gateway.web.registers.views import PART, WRITERS
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import WorkerRefused, asked, party_of


@dataclass(frozen=True)
class Form:
    """What a register asks. A field without words is not asked for."""

    said: str
    words: str = "What is it about?"
    day: str = ""
    until: str = ""
    until_must: bool = False
    more: tuple[str, ...] = ()  # kind, aware, held_by, person, attended


_REQUEST = Form(
    "A request that came to your organisation. The other organisation is told of it.",
    day="When did it come in?",
    until="When is it to be answered? (optional)",
)
FORMS: Mapping[str, Form] = {
    "foi": _REQUEST,
    "press": _REQUEST,
    "correspondence": _REQUEST,
    "incident": Form(
        "A loss or a wrongful disclosure of what is shared. The other organisation is told at "
        "once, and the Information Commissioner’s 72 hours run from when you became aware of it.",
        "What happened?",
        more=("kind", "aware"),
    ),
    "review": Form(
        "A review of the agreement. An approver of each organisation signs its outcome.",
        "What was its outcome?",
        day="When was it held?",
        more=("held_by",),
    ),
    "training": Form(
        "That somebody of your organisation was trained. Nobody enters their own training.",
        "What were they trained in?",
        day="When was it completed?",
        until="What is the last day that it counts?",
        until_must=True,
        more=("person",),
    ),
    "meeting": Form(
        "A meeting of the organisations.",
        "What was agreed?",
        day="When was it held?",
        until="By when do they meet next? (optional)",
        more=("attended",),
    ),
    "monitoring": Form("That you have looked at your organisation’s account just now.", ""),
    "feedback": Form("What your organisation tells the other.", "What do you want to say?"),
}
_MISSING = {
    "kind": "Choose what kind of incident it is",
    "held_by": "Enter who held it",
    "person": "Choose who was trained",
    "attended": "Choose who was there",
    "words": "Enter some words about it",
}
_BY_CODE = {
    "register.days": "day",
    "register.words": "words",
    "register.attended": "attended",
    "register.own-training": "person",
    "register.person": "person",
    "register.repeated": "person",
    "register.not-yours": "person",
}


@page(PART, "/registers/<register>/new", roles=WRITERS, methods=("GET", "POST"))
def enter(register: str) -> ResponseReturnValue:
    """Make an entry."""
    form = FORMS.get(register)
    if form is None:
        abort(404)
    if request.method == "GET":
        return _page(register, form, {})
    faults: dict[str, str] = {}
    told = _read(form, faults)
    if faults:
        return _page(register, form, faults)
    try:
        answer = asked("register-enter", register_id=register, **told)
    except WorkerRefused as refused:
        field = "words" if refused.code.startswith("text.") else _BY_CODE.get(refused.code, "")
        if field == "day" and not form.day:
            field = "aware-day"
        return _page(register, form, {field: refused.words})
    flash("It is entered.", "info")
    return redirect(f"/registers/entries/{answer['entry']}", 303)


def _read(form: Form, faults: dict[str, str]) -> dict[str, Any]:
    """What the form was filled with; what is wrong goes to ``faults``."""
    told: dict[str, Any] = {}
    if form.day:
        day = read_day(request.form, "day", faults)
        told["day"] = day.isoformat() if day else ""
    if form.until:
        until = read_day(request.form, "until", faults, must=form.until_must)
        told["until"] = until.isoformat() if until else ""
    if "aware" in form.more:
        told["aware"] = _aware(faults)
    wanted = [name for name in form.more if name != "aware"] + (["words"] if form.words else [])
    for name in wanted:
        given = [text.strip() for text in request.form.getlist(name) if text.strip()]
        if not given:
            faults[name] = _MISSING[name]
        told[name] = given if name == "attended" else " ".join(given)
    return told


def _aware(faults: dict[str, str]) -> str:
    day = read_day(request.form, "aware-day", faults)
    clock = request.form.get("aware-time", "").strip()
    hours, found, minutes = clock.partition(":")
    fits = found and hours.isdecimal() and minutes.isdecimal() and hours.isascii()
    if not fits or int(hours) > 23 or len(minutes) != 2 or int(minutes) > 59:
        faults["aware-time"] = "Enter the time, such as 16:30"
        return ""
    return f"{day.isoformat()}T{int(hours):02}:{minutes}" if day else ""


def _page(register: str, form: Form, faults: dict[str, str]) -> ResponseReturnValue:
    officers = site().parts.officers
    led_here = MultiDict({"person": request.args.get("person", "")})  # from the person's own page
    told = render_template(
        "registers/new.html",
        rules=REGISTERS[register],
        form=form,
        kinds=INCIDENTS,
        people=_people() if "person" in form.more else {},
        parties={item: site().parties()[item] for item in officers.signatories},
        filled=request.form if request.method == "POST" else led_here,
        faults=faults,
    )
    return told, (422 if faults else 200)


def _people() -> dict[str, str]:
    """Whose training the visitor's party notes: its officers, and its people who are none."""
    party, officers = party_of(visitor()), site().parts.officers
    with site().parts.database.snapshot() as tx:
        here = [row for row in people.listed(tx) if row.party == party and row.active]
    found = {item.id: item.name for item in officers.of(party)}
    return found | {row.id: row.name for row in here if row.officer is None}
