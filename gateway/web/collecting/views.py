"""Looking and downloading: today, a package, its files, all days."""

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from gateway.receipts.serving import (
    manifest_file,
    package_file,
    require_servable,
    signature_file,
)
from gateway.serving.content import Collector, OtherBytes, Ours, file_answer
from gateway.serving.ranges import RangeUnsatisfiable
from gateway.serving.sending import Ending
from gateway.web.collecting import words
from gateway.web.collecting.days import year_of, years_of
from gateway.web.collecting.package import require, shown
from gateway.web.collecting.today import today
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import page, visitor

PART = Blueprint("collecting", __name__)
RECIPIENT = frozenset({"recipient"})
PACKAGE = "/<party>/<flow>/packages/<package>"
_DOWNLOADS, _ENDING_SECONDS = "gateway-downloads", 5.0


@PART.record
def _begin(state: BlueprintSetupState) -> None:
    state.app.extensions[_DOWNLOADS] = Ending()


def downloads() -> Ending:
    """The downloads of the app whose last byte is not counted yet."""
    kept: Ending = current_app.extensions[_DOWNLOADS]
    return kept


@page(PART, "/collect", roles=RECIPIENT)
def start() -> str:
    """What is to do today."""
    return render_template("collecting/start.html", collect=today(site(), visitor()))


@page(PART, PACKAGE, roles=RECIPIENT)
def package(party: str, flow: str, package: str) -> str:
    """A package: what to do with it, what is in it, what was said of it."""
    downloads().wait(visitor().id, package, _ENDING_SECONDS)
    told = shown(site(), party, flow, package)
    return render_template("collecting/package.html", told=told, words=words)


@page(PART, f"{PACKAGE}/file", roles=RECIPIENT)
def file(party: str, flow: str, package: str) -> Response:
    """The package's bytes, whole or in part; who has had them all has collected it."""
    own, ours = site(), _served(party, flow, package)
    path = package_file(own.parts.vault, ours.delivery)
    collector = Collector(visitor().id, "web", own.parts.database, downloads(), own.now)
    try:
        return file_answer(request, ours, path, collector)
    except OtherBytes:
        return Response(status=412)
    except RangeUnsatisfiable:
        return Response(status=416, headers={"Content-Range": f"bytes */{ours.delivery.size}"})


@page(PART, f"{PACKAGE}/manifest", roles=RECIPIENT)
def manifest(party: str, flow: str, package: str) -> Response:
    """The signed manifest, to keep beside the package."""
    content = manifest_file(site().parts.vault, _served(party, flow, package).delivery)
    return attachment(content.read_bytes(), f"{package}.manifest.json", "application/json")


@page(PART, f"{PACKAGE}/signature", roles=RECIPIENT)
def signature(party: str, flow: str, package: str) -> Response:
    """The manifest's detached signature."""
    content = signature_file(site().parts.vault, _served(party, flow, package).delivery)
    return attachment(content.read_bytes(), f"{package}.manifest.json.asc", "text/plain")


@page(PART, "/<party>/<flow>/days", roles=RECIPIENT)
def days(party: str, flow: str) -> ResponseReturnValue:
    """On to this year."""
    return redirect(f"/{party}/{flow}/days/{years_of(site(), flow)[0]}", 303)


@page(PART, "/<party>/<flow>/days/<year>", roles=RECIPIENT)
def year(party: str, flow: str, year: str) -> str:
    """All days of a year."""
    own = site()
    if flow not in own.parts.agreed:
        abort(404)
    years = years_of(own, flow)
    if year not in map(str, years):
        abort(404)
    told = year_of(own, party, flow, int(year), years)
    title = own.parts.flow(flow).title
    return render_template("collecting/year.html", told=told, title_of_flow=title)


def _served(party: str, flow: str, package: str) -> Ours:
    """A package of theirs that may be fetched still. Raises ReceiptRefused, NotFound."""
    ours = require(site(), party, flow, package)
    with site().parts.database.snapshot() as tx:
        require_servable(tx, package, party)
    return ours
