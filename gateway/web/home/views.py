"""The first page: what a person must do today, and what is exchanged here."""

from flask import Blueprint, render_template

from gateway.access.training import known_as
from gateway.store import people
from gateway.web.home.sections import sections_for
from gateway.web.site import site
from gateway.web.visitor import ANYONE, Visitor, maybe_visitor, page

PART = Blueprint("home", __name__)


@page(PART, "/", roles=ANYONE)
def start() -> str:
    """The home page."""
    own, who = site(), maybe_visitor()
    if who is not None and not who.grants:
        return _nothing_yet(who)
    flows = [item.agreement.flow(flow_id) for flow_id, item in own.parts.agreed.items()]
    sections = sections_for(own, who) if who is not None else []
    return render_template(
        "home/start.html",
        flows=flows,
        parties=own.parties(),
        sections=sections,
        **{section.name: section.shown for section in sections},
    )


def _nothing_yet(who: Visitor) -> str:
    """For whoever may do nothing: why, and what they do about it."""
    own = site()
    with own.parts.database.snapshot() as tx:
        person = people.get(tx, who.id)
    return render_template(
        "home/nothing.html",
        training=who.training,
        known_as=known_as(person) if person is not None else who.id,
        party=own.parties().get(person.party, person.party) if person is not None else "",
    )
