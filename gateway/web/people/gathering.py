"""What the administrator's pages show of people: how their accounts stand, grants, training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.access.training import Training, known_as
from gateway.records.registers import trained_people
from gateway.records.registers.wanted import last_day
from gateway.store import grants, people, sessions
from gateway.store.database import Transaction
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow


@dataclass(frozen=True)
class Known:
    """A person of the administrator's party, with their training as it stands."""

    row: PersonRow
    grants: Sequence[GrantRow]
    training: Training
    sessions: int

    @property
    def account(self) -> tuple[str, str]:
        """How the account stands, and the colour of its badge."""
        if not self.row.active:
            return "Left", "grey"
        return ("Set up", "green") if self.row.enrolled_at else ("Invited", "blue")


def everybody(tx: Transaction, party: str, today: date) -> list[Known]:
    """The party's people, those who are here first."""
    given, seen = grants.in_force_by_person(tx, party), sessions.open_counts(tx)
    noted = [row for row in trained_people(tx) if row.party == party]
    until = {row.person: last_day(row.due_at) for row in noted}
    found = [
        Known(
            row,
            given.get(row.id, []),
            Training(until.get(known_as(row)), today),
            seen.get(row.id, 0),
        )
        for row in people.listed(tx)
        if row.party == party
    ]
    return sorted(found, key=lambda item: (not item.row.active, item.row.name))


def known(tx: Transaction, party: str, person_id: str, today: date) -> Known | None:
    """One of the party's people."""
    return next((item for item in everybody(tx, party, today) if item.row.id == person_id), None)
