"""Evidence packs: asked for here, made by the worker, fetched when they are whole."""

from flask import Response, abort, flash, redirect, render_template, request, send_file
from flask.typing import ResponseReturnValue

from gateway.engine.packs import pack_file, packs_of
from gateway.web.ledger.views import PACKERS, PART, read_day
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.worker import WorkerRefused, asked, party_of


@page(PART, "/ledger/evidence", roles=PACKERS, methods=("GET", "POST"))
def evidence() -> ResponseReturnValue:
    """The packs that were asked for, and the form for another."""
    if request.method == "GET":
        return _page({})
    faults: dict[str, str] = {}
    first = read_day(request.form, "first", faults)
    last = read_day(request.form, "last", faults)
    if first is None or last is None:
        return _page(faults)
    case = request.form.get("case", "").strip()
    try:
        asked("evidence", first=first.isoformat(), last=last.isoformat(), case=case)
    except WorkerRefused as refused:
        return _page({"last": refused.words})
    flash("The pack is being made. Come back in a minute.", "info")
    return redirect("/ledger/evidence", 303)


@page(PART, "/ledger/evidence/<pack_id>", roles=PACKERS)
def fetch(pack_id: str) -> ResponseReturnValue:
    """A pack that is whole, to the party whose person asked for it."""
    place = pack_file(site().parts.home, party_of(visitor()), pack_id)
    if place is None or not place.is_file():
        abort(404)
    name = f"evidence-{pack_id}.zip"
    answer: Response = send_file(place, "application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(faults: dict[str, str]) -> ResponseReturnValue:
    packs = packs_of(site().parts.home, party_of(visitor()))
    told = render_template("ledger/evidence.html", packs=packs, faults=faults, filled=request.form)
    return told, (422 if faults else 200)
