"""What of the exchange's health a visitor sees: all of it, or what belongs to their own party."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.receipts.owing import Owed
from gateway.web.visitor import ALL_FLOWS, Grant, Visitor

OVERSEERS = frozenset({"administrator", "auditor", "approver"})
TAKING_PART = frozenset({"sender", "recipient"})
WATCHERS = OVERSEERS | TAKING_PART


@dataclass(frozen=True)
class Scope:
    """``whole``: everything. Else what concerns the party and flow of a grant, and no other's."""

    whole: bool
    grants: tuple[Grant, ...]

    @classmethod
    def of(cls, visitor: Visitor) -> "Scope":
        """What a visitor sees."""
        taking_part = tuple(grant for grant in visitor.grants if grant.role in TAKING_PART)
        return cls(visitor.may(OVERSEERS), taking_part)

    def own(self, flow: Flow) -> frozenset[str]:
        """The parties of a flow for which the visitor sends or receives."""
        parties = {flow.sender, *(item.party for item in flow.recipients)}
        return frozenset(
            grant.party
            for grant in self.grants
            if grant.party in parties and grant.flow in (flow.id, ALL_FLOWS)
        )

    def flows(self, agreed: Mapping[str, Agreed]) -> list[Flow]:
        """The flows that the visitor sees, in the agreements' order."""
        every = [item.agreement.flow(flow_id) for flow_id, item in agreed.items()]
        return [flow for flow in every if self.whole or self.own(flow)]

    def sees_drops(self, flow: Flow) -> bool:
        """Whether they see what arrived for a flow: its sender does."""
        return self.whole or flow.sender in self.own(flow)

    def sees_delivery(self, flow: Flow, party: str) -> bool:
        """Whether they see a delivery to a party: the sender and that party do."""
        return self.whole or bool({flow.sender, party} & self.own(flow))

    def sees_owed(self, flow: Flow, owed: Owed) -> bool:
        """Whether they see what is owed: who owes it does, and who waits for it."""
        own = self.own(flow)
        return self.whole or bool(own and (owed.to is None or {owed.party, owed.to} & own))

    def stands_for(self, parties: Iterable[str]) -> bool:
        """Whether the visitor sends or receives for one of the parties."""
        return any(grant.party in parties for grant in self.grants)
