"""Files of the pages, and probes."""

from flask import Blueprint, Response, current_app

from gateway.web.assets import Assets
from gateway.web.visitor import MACHINE, page

PART = Blueprint("machine", __name__)


@page(PART, "/static/<version>/<path:name>", roles=MACHINE)
def static(version: str, name: str) -> Response:
    """A style sheet, script or image."""
    assets: Assets = current_app.extensions["assets"]
    return assets.served(version, name)


@page(PART, "/healthz", roles=MACHINE)
def alive() -> Response:
    """Whether this process answers."""
    return Response("ok\n", mimetype="text/plain")
