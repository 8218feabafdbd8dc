"""The first page of the registers, and one for each."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from gateway.records.registers.rules import REGISTERS
from gateway.web.registers.gathering import ended_entries, open_entries, told
from gateway.web.site import site
from gateway.web.visitor import ROLES, page, visitor

PART = Blueprint("registers", __name__)
READERS = ROLES
WRITERS = ROLES - {"auditor"}


@page(PART, "/registers", roles=READERS)
def start() -> str:
    """What is due first, and every register."""
    with site().parts.database.snapshot() as tx:
        entries = open_entries(tx)
    due = [item for item in entries if item.owed]
    return render_template(
        "registers/start.html",
        due=due,
        late=[item for item in due if item.late],
        registers=told(entries),
    )


@page(PART, "/registers/<register>", roles=READERS)
def one(register: str) -> ResponseReturnValue:
    """One register: what is due first, and what has ended."""
    rules = REGISTERS.get(register)
    if rules is None:
        abort(404)
    with site().parts.database.snapshot() as tx:
        going, ended = open_entries(tx, register), ended_entries(tx, register)
    shown = {"rules": rules, "going": going, "ended": ended, "may_write": visitor().may(WRITERS)}
    return render_template("registers/one.html", **shown)
