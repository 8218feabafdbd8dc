"""What the administrator's pages show of people: how their accounts stand, grants, training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.records.registers import trained_until
from gateway.store import grants, people, sessions
from gateway.store.database import Transaction
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow


@dataclass(frozen=True)
class Known:
    """A person of the administrator's party. ``trained``: the last day that training counts."""

    row: PersonRow
    grants: Sequence[GrantRow]
    trained: date | None
    sessions: int

    @property
    def account(self) -> tuple[str, str]:
        """How the account stands, and the colour of its badge."""
        if not self.row.active:
            return "Left", "grey"
        return ("Set up", "green") if self.row.enrolled_at else ("Invited", "blue")


def everybody(tx: Transaction, party: str) -> list[Known]:
    """The party's people, those who are here first."""
    found = [_known(tx, row) for row in people.listed(tx) if row.party == party]
    return sorted(found, key=lambda item: (not item.row.active, item.row.name))


def known(tx: Transaction, party: str, person_id: str) -> Known | None:
    """One of the party's people."""
    row = people.get(tx, person_id)
    return _known(tx, row) if row is not None and row.party == party else None


def _known(tx: Transaction, row: PersonRow) -> Known:
    return Known(
        row,
        grants.in_force(tx, row.id),
        trained_until(tx, row.officer or row.id),
        len(sessions.open_of(tx, row.id)),
    )
