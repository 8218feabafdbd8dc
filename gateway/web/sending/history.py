"""What was sent: the packages of a flow, how each stands with its recipients, and their queries."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from gateway.engine.door import DoorClosed
from gateway.receipts.texts import LONGEST
from gateway.store import drops, packages, people, receipts, threads
from gateway.store.database import Transaction
from gateway.store.packages import PackageRow
from gateway.store.threads import ThreadRow
from gateway.web.sending.ours import OF_FLOW, PART, SENDER, Ours, State, ours
from gateway.web.site import site
from gateway.web.visitor import page
from gateway.web.worker import WorkerRefused, asked

A_PAGE = 50  # packages
_BEFORE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9]{1,4})")
OF_PACKAGE = f"{OF_FLOW}/sent/<package>"
KINDS: Mapping[str, str] = {
    "data": "Rows",
    "nil-declared": "Nil return",
    "nothing-received": "Nothing was received",
    "rows-held": "All rows were held",
}
STATES: Mapping[str, State] = {
    "sealed": State("Being placed", "grey"),
    "placed": State("Placed", "blue"),
    "collected": State("Collected", "blue"),
    "opened": State("Opened", "turquoise"),
    "accepted": State("Accepted", "green"),
    "queried": State("Queried", "yellow"),
    "recalled": State("Recalled", "red"),
    "quarantined": State("Recalled, and kept apart", "red"),
    "superseded": State("Superseded", "grey"),
}


@page(PART, f"{OF_FLOW}/sent", roles=SENDER)
def sent(party: str, flow: str) -> str:
    """The packages of the flow, newest first, each with its recipients' steps."""
    own, found = ours(party, flow), site()
    before = _before(request.args.get("before", ""))
    with found.parts.database.snapshot() as tx:
        listed = packages.page_of(tx, flow, before, A_PAGE + 1)
        shown = listed[:A_PAGE]
        steps = packages.deliveries_of_all(tx, [item.id for item in shown])
    older = shown[-1] if len(listed) > A_PAGE else None
    return render_template(
        "sending/sent.html",
        ours=own,
        packages=shown,
        deliveries={item.id: [row for row in steps if row.package_id == item.id] for item in shown},
        kinds=KINDS,
        states=STATES,
        before=before,
        older=f"{older.day.isoformat()}-{older.number}" if older else None,
        parties=found.parties(),
    )


@page(PART, OF_PACKAGE, roles=SENDER)
def package(party: str, flow: str, package: str) -> str:
    """One package: what went, its receipts in order, and what was asked about it."""
    own, found = ours(party, flow), site()
    with found.parts.database.snapshot() as tx:
        sealed = _package(tx, own, package)
        given = receipts.of_package(tx, package)
        by = {row.person for row in given if row.person}
        shown = {
            "deliveries": packages.deliveries_of(tx, package),
            "receipts": given,
            "names": {row.id: row.name for row in map(partial(people.get, tx), by) if row},
            "threads": threads.all_of_package(tx, package),
            "drops": drops.of_packages(tx, [package]),
        }
    return render_template(
        "sending/package.html",
        ours=own,
        package=sealed,
        kinds=KINDS,
        states=STATES,
        parties=found.parties(),
        **shown,
    )


@page(PART, f"{OF_PACKAGE}/queries/<thread>", roles=SENDER, methods=("GET", "POST"))
def query(party: str, flow: str, package: str, thread: str) -> ResponseReturnValue:
    """What was asked about a package and answered; the answer goes by way of the worker."""
    own, found = ours(party, flow), site()
    with found.parts.database.snapshot() as tx:
        _package(tx, own, package)
        asked_about = _thread(tx, package, thread)
        correcting = drops.page_of(tx, party, flow, None, 10)
    refused = None
    text, drop = request.form.get("text", ""), request.form.get("drop") or None
    if request.method == "POST":
        try:
            asked("query-say", party=party, flow=flow, query=thread, text=text, drop=drop)
        except WorkerRefused as no:
            refused = no
        else:
            flash("Your answer is sent.", "info")
            return redirect(own.to("query", package=package, thread=thread), 303)
    shown = {
        "thread": asked_about,
        "drops": [item for item in correcting if item.state in (*drops.WAITING, "sent")],
        "text": text,
        "chosen": drop,
        "longest": LONGEST,
        "refused": refused,
        **_conversation(party, flow, thread),
    }
    page_ = render_template(
        "sending/query.html", ours=own, package=package, parties=found.parties(), **shown
    )
    return page_, 422 if refused else 200


def _conversation(party: str, flow: str, thread: str) -> dict[str, object]:
    """What was said, which the worker alone can open; else why it cannot be shown."""
    try:
        told = asked("query-read", party=party, flow=flow, query=thread)
    except (WorkerRefused, DoorClosed) as no:
        return {"said": None, "closed": no}
    for entry in told["said"]:
        entry["at"] = datetime.fromisoformat(entry["at"])
    return {"said": told, "closed": None}


def _before(text: str) -> tuple[date, int] | None:
    found = _BEFORE.fullmatch(text)
    try:
        return (date.fromisoformat(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def _package(tx: Transaction, own: Ours, package_id: str) -> PackageRow:
    found = packages.get(tx, package_id)
    if found is None or found.flow != own.flow.id:
        abort(404)
    return found


def _thread(tx: Transaction, package_id: str, thread_id: str) -> ThreadRow:
    found = threads.get(tx, thread_id)
    if found is None or found.package_id != package_id:
        abort(404)
    return found
