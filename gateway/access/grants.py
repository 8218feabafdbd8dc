"""Which grants are valid now: a pure judgement, made anew at each request.

A grant = person × party × flow (or ``*``: all flows of the party) × role. It counts while nobody
has revoked it, its person is here, and that person's training has not run out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from gateway.agreement.model import Flow
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow

Role = Literal["sender", "recipient", "approver", "administrator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
ALL_FLOWS = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do, for whom, in which flow."""

    party: str
    flow: str
    role: str

    def covers(self, party: str, flow: str) -> bool:
        """Whether it is for that party and flow."""
        return self.party == party and self.flow in (flow, ALL_FLOWS)


def valid_grants(
    person: PersonRow, rows: Iterable[GrantRow], trained_until: date | None, today: date
) -> frozenset[Grant]:
    """The grants that count today. ``trained_until``: the last day; None: never trained."""
    here = person.active and person.left_at is None and person.enrolled_at is not None
    if not here or trained_until is None or trained_until < today:
        return frozenset()
    own = [row for row in rows if row.person_id == person.id and row.revoked_at is None]
    return frozenset(Grant(row.party, row.flow, row.role) for row in own)


def may(grants: Iterable[Grant], roles: Iterable[str], party: str, flow: str) -> bool:
    """Whether one of the grants lets its person act in one of the roles, there."""
    wanted = frozenset(roles)
    return any(grant.role in wanted and grant.covers(party, flow) for grant in grants)


def fits(flows: Iterable[Flow], party: str, flow: str, role: str) -> bool:
    """Whether the agreements have a use for such a grant."""
    named = [item for item in flows if flow in (item.id, ALL_FLOWS)]
    sends = any(item.sender == party for item in named)
    receives = any(party in {to.party for to in item.recipients} for item in named)
    if role == "sender":
        return sends
    if role == "recipient":
        return receives
    return role in ROLES and (sends or receives)
