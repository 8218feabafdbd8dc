"""What is a sender's own: its flows, and their drops. All else is not there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, url_for

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.store import drops
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.web.site import Site, site
from gateway.web.visitor import Visitor

PART = Blueprint("sending", __name__)
SENDER = frozenset({"sender"})
OF_FLOW = "/<party>/<flow>"
OF_DROP = "/<party>/<flow>/drops/<drop>"


@dataclass(frozen=True)
class State:
    """A state of a drop in words, and the colour of its tag."""

    words: str
    colour: str


DROP_STATES: Mapping[str, State] = {
    "received": State("Being checked", "grey"),
    "accepted": State("Accepted", "green"),
    "partly-held": State("Partly held", "yellow"),
    "quarantined": State("Quarantined", "red"),
    "duplicate": State("Duplicate", "grey"),
    "replaced": State("Replaced", "grey"),
    "withdrawn": State("Withdrawn", "grey"),
    "sent": State("Sent", "blue"),
}


@dataclass(frozen=True)
class Ours:
    """A flow, for the party that sends it."""

    party: str
    flow: Flow
    agreed: Agreed

    def to(self, view: str, **more: str | int | None) -> str:
        """The address of one of the flow's pages."""
        ids: dict[str, Any] = {"party": self.party, "flow": self.flow.id, **more}
        return url_for(f"{PART.name}.{view}", **ids)


def ours(party: str, flow: str) -> Ours:
    """The flow, if the party sends it. Raises NotFound."""
    agreed = site().parts.agreed.get(flow)
    if agreed is None or agreed.agreement.flow(flow).sender != party:
        abort(404)
    return Ours(party, agreed.agreement.flow(flow), agreed)


def flows_of(own: Site, who: Visitor) -> Iterator[Ours]:
    """The flows that a visitor may send, in the order of their agreements."""
    for flow_id, agreed in own.parts.agreed.items():
        flow = agreed.agreement.flow(flow_id)
        if who.may(SENDER, flow.sender, flow_id):
            yield Ours(flow.sender, flow, agreed)


def drop_of(tx: Transaction, sent: Ours, drop_id: str) -> DropRow:
    """A drop of the flow. Raises NotFound; another party's is as unknown as none."""
    found = drops.get(tx, drop_id)
    if found is None or (found.party, found.flow) != (sent.party, sent.flow.id):
        abort(404)
    return found


@PART.app_context_processor
def known() -> dict[str, object]:
    """The states of drops, for templates."""
    return {"drop_states": DROP_STATES}
