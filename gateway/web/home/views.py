"""The first page."""

from flask import Blueprint, render_template

from gateway.web.site import site
from gateway.web.visitor import ANYONE, page

PART = Blueprint("home", __name__)


@page(PART, "/", roles=ANYONE)
def start() -> str:
    """The home page."""
    flows = [item.agreement.flow(flow_id) for flow_id, item in site().parts.agreed.items()]
    return render_template("home/start.html", flows=flows, parties=site().parties())
