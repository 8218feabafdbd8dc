"""The pages of the ledger. It holds no names: what could name somebody is a salted commitment."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from gateway.records.leaf import EVENTS, leaf_hash
from gateway.records.logfiles import proof_of
from gateway.records.summary import told_of
from gateway.store import checkpoints, ledger
from gateway.store.ledger import LeafRow, Wanted
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import page, visitor

PART = Blueprint("ledger", __name__)
READERS = frozenset({"auditor", "administrator", "approver"})
PACKERS = frozenset({"auditor", "administrator"})  # who may have an evidence pack made
A_PAGE = 40
_LONGEST = 200
_LARGEST_SEQ = 2**62


@dataclass(frozen=True)
class Shown:
    """A leaf as a page shows it."""

    seq: int
    leaf: Mapping[str, Any]
    hash: str

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.leaf["at"])

    @property
    def words(self) -> str:
        """What happened, in words."""
        return told_of(self.leaf)


@page(PART, "/ledger", roles=READERS)
def start() -> ResponseReturnValue:
    """The latest events, or those that are looked for, and the latest checkpoint."""
    wanted, faults = _wanted()
    before = request.args.get("before", type=int)
    with site().parts.database.snapshot() as tx:
        rows = [] if faults else ledger.found(tx, wanted, _bounded(before), A_PAGE + 1)
        size, latest = ledger.last_seq(tx), checkpoints.latest(tx)
    shown = [_shown(row) for row in rows[:A_PAGE]]
    told = render_template(
        "ledger/start.html",
        events=shown,
        names=sorted(EVENTS),
        size=size,
        makes_packs=visitor().may(PACKERS),
        latest=latest,
        faults=faults,
        asked=request.args,
        older=_older(shown[-1].seq) if len(rows) > A_PAGE else "",
        looked_for=bool(wanted.event or wanted.subject or wanted.day),
    )
    return told, (422 if faults else 200)


@page(PART, "/ledger/<int:seq>", roles=READERS)
def show(seq: int) -> str:
    """One event with its proof."""
    if not 0 < seq < _LARGEST_SEQ:
        abort(404)
    with site().parts.database.snapshot() as tx:
        row = ledger.leaf_at(tx, seq)
        proof = proof_of(tx, seq) if row is not None else None
    if row is None:
        abort(404)
    path = [base64.b64decode(step).hex() for step in proof["path"]] if proof else []
    return render_template("ledger/show.html", event=_shown(row), proof=proof, path=path)


@page(PART, "/ledger/<int:seq>/proof", roles=READERS)
def proof_file(seq: int) -> ResponseReturnValue:
    """The proof as `ledger prove` prints it: anyone can verify it without the gateway."""
    if not 0 < seq < _LARGEST_SEQ:
        abort(404)
    with site().parts.database.snapshot() as tx:
        proof = proof_of(tx, seq)
    if proof is None:
        abort(404)
    told = json.dumps(proof, indent=2) + "\n"
    return attachment(told.encode(), f"proof-{seq}.json", "application/json")


@page(PART, "/ledger/checkpoint", roles=READERS)
def checkpoint_file() -> ResponseReturnValue:
    """The latest checkpoint, as it was signed."""
    with site().parts.database.snapshot() as tx:
        latest = checkpoints.latest(tx)
    if latest is None:
        abort(404)
    return attachment(latest.note.encode(), "checkpoint.txt", "text/plain")


@page(PART, "/ledger/keys", roles=READERS)
def keys_file() -> ResponseReturnValue:
    """The public keys that sign checkpoints."""
    place = site().parts.home.log_keys
    if not place.is_file():
        abort(404)
    return attachment(place.read_bytes(), "ledger-keys.txt", "text/plain")


def _shown(row: LeafRow) -> Shown:
    return Shown(row.seq, json.loads(row.leaf), leaf_hash(row.leaf).hex())


def _wanted() -> tuple[Wanted, dict[str, str]]:
    """What is looked for, and what is wrong with how it was asked."""
    name, subject = (request.args.get(key, "").strip() for key in ("event", "subject"))
    faults: dict[str, str] = {}
    day = read_day(request.args, "day", faults, must=False)
    if name and name not in EVENTS:
        faults["event"] = "Choose an event of the list"
    if len(subject) > _LONGEST:
        faults["subject"] = f"A subject has at most {_LONGEST} characters"
    return Wanted(name, subject, day), faults


def read_day(
    form: Mapping[str, str], name: str, faults: dict[str, str], must: bool = True
) -> date | None:
    """A day of three fields, as GOV.UK's date input sends it; what is wrong goes to ``faults``."""
    texts = [form.get(f"{name}-{part}", "").strip() for part in ("year", "month", "day")]
    if not any(texts):
        if must:
            faults[name] = "Enter the day"
        return None
    try:
        return date(*(int(text) for text in texts))
    except (ValueError, OverflowError):
        faults[name] = "Enter a real day, such as 27 3 2026"
        return None


def _bounded(before: int | None) -> int | None:
    return before if before is not None and 0 < before < _LARGEST_SEQ else None


def _older(seq: int) -> str:
    names = ("event", "subject", "day-day", "day-month", "day-year")
    kept = {name: request.args[name] for name in names if request.args.get(name)}
    return f"/ledger?{urlencode({**kept, 'before': seq})}"
