"""The first page: what a person must do today, and what is exchanged here."""

from flask import Blueprint, render_template

from gateway.web.home.sections import sections_for
from gateway.web.site import site
from gateway.web.visitor import ANYONE, maybe_visitor, page

PART = Blueprint("home", __name__)


@page(PART, "/", roles=ANYONE)
def start() -> str:
    """The home page."""
    own, who = site(), maybe_visitor()
    flows = [item.agreement.flow(flow_id) for flow_id, item in own.parts.agreed.items()]
    sections = sections_for(own, who) if who is not None else []
    return render_template(
        "home/start.html",
        flows=flows,
        parties=own.parties(),
        sections=sections,
        **{section.name: section.shown for section in sections},
    )
