"""What other parts ask of the registers, without opening anything."""

from datetime import date

from gateway.records.registers.wanted import last_day
from gateway.store import registers as rows
from gateway.store.database import Transaction
from gateway.store.registers import TrainedRow


def latest_agreed_review(tx: Transaction) -> date | None:
    """When the latest review was held that both parties have signed off, or None.

    A state alone is not believed: there must be the signed step of two parties at least.
    """
    held = [
        row.opened_on
        for row in rows.listed(tx, ("review",))
        if row.state == "agreed" and len(rows.signed_parties(tx, row.id, "agreed")) > 1
    ]
    return max(held, default=None)


def trained_until(tx: Transaction, person: str, party: str) -> date | None:
    """The last day on which the training of a party's person counts, or None: it may be past.

    ``person``: an officer's id, or another's that names no child. What another party's officer
    noted of them is nothing.
    """
    known = [row for row in rows.trained(tx, "completed", person) if row.party == party]
    return last_day(known[-1].due_at) if known else None


def trained_people(tx: Transaction) -> list[TrainedRow]:
    """Everybody who was trained and has not left, with the end of it; lapsed ones too."""
    return rows.trained(tx, "completed")
