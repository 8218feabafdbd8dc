"""The first page."""

from flask import Blueprint, render_template

from gateway.web.collecting.today import today
from gateway.web.collecting.views import RECIPIENT
from gateway.web.site import site
from gateway.web.visitor import ANYONE, maybe_visitor, page

PART = Blueprint("home", __name__)


@page(PART, "/", roles=ANYONE)
def start() -> str:
    """The home page."""
    flows = [item.agreement.flow(flow_id) for flow_id, item in site().parts.agreed.items()]
    who = maybe_visitor()
    collect = today(site(), who) if who is not None and who.may(RECIPIENT) else None
    return render_template(
        "home/start.html", flows=flows, parties=site().parties(), collect=collect
    )
