"""Files of the pages, probes, figures, and where to tell of a hole."""

import hmac
import shutil
from collections.abc import Iterator
from datetime import UTC, timedelta
from ipaddress import ip_address

from flask import Blueprint, Response, abort, current_app, request

from gateway.crypto.credentials import secret_file
from gateway.crypto.keys import HomeKeys
from gateway.store.database import StoreFault
from gateway.web.assets import Assets
from gateway.web.machine.figures import figures, worker_answers
from gateway.web.site import Site, site
from gateway.web.visitor import MACHINE, page

PART = Blueprint("machine", __name__)
_LEAST_TOKEN = 20  # characters
_TOLD_FOR = timedelta(days=180)


@page(PART, "/static/<version>/<path:name>", roles=MACHINE)
def static(version: str, name: str) -> Response:
    """A style sheet, script or image."""
    assets: Assets = current_app.extensions["assets"]
    return assets.served(version, name)


@page(PART, "/healthz", roles=MACHINE)
def alive() -> Response:
    """Whether this process answers."""
    return Response("ok\n", mimetype="text/plain")


@page(PART, "/readyz", roles=MACHINE)
def ready() -> Response:
    """Whether people can work: 200, or 503 with what is not well, a word a line."""
    wrong = list(_not_well(site()))
    words = "".join(f"{item}\n" for item in wrong) or "ok\n"
    return Response(words, 503 if wrong else 200, mimetype="text/plain")


@page(PART, "/metrics", roles=MACHINE)
def metrics() -> Response:
    """Figures for Prometheus, for this computer or whoever shows the token; else 404."""
    if not _may_read_figures(site()):
        abort(404)
    return Response(figures(site()), content_type="text/plain; version=0.0.4; charset=utf-8")


@page(PART, "/.well-known/security.txt", roles=MACHINE)
def security_text() -> Response:
    """Whom to tell of a hole (RFC 9116), where the settings name somebody; else 404."""
    contact = site().parts.settings.web.security_contact
    if not contact:
        abort(404)
    expires = (site().now().astimezone(UTC) + _TOLD_FOR).strftime("%Y-%m-%dT00:00:00Z")
    words = f"Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n"
    return Response(words, content_type="text/plain; charset=utf-8")


def _not_well(the_site: Site) -> Iterator[str]:
    parts = the_site.parts
    try:
        parts.database.require_current()
    except StoreFault as fault:
        yield fault.code
    if not worker_answers(the_site):
        yield "worker.absent"
    if shutil.disk_usage(parts.home.var).free < parts.settings.minimum_free_bytes:
        yield "disk.low"


def _may_read_figures(the_site: Site) -> bool:
    """By the token where there is one; without, from loopback, and never through a proxy."""
    home = the_site.parts.home
    try:
        found, _ = secret_file(HomeKeys(home.root).metrics_token)
        token = found.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        peer = request.remote_addr or ""
        return not the_site.parts.settings.web.behind_proxy and _is_loopback(peer)
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    same = hmac.compare_digest(shown.encode(), token.encode())
    return len(token) >= _LEAST_TOKEN and same


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
