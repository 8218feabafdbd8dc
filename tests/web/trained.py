"""People of a rehearsal, trained anew: its founding does it for three years from the real day."""

from datetime import datetime, timedelta

from gateway.agreement.windows import london_date
from gateway.engine.parts import Parts
from gateway.records.registers import enter
from gateway.records.registers.wanted import training
from gateway.store import people


def train_everybody(parts: Parts, now: datetime) -> None:
    """An officer of each person's party notes that they were trained today, for a year."""
    today = london_date(now)
    with parts.database.transaction() as tx:
        for person in people.listed(tx):
            who = person.officer or person.id
            of_party = parts.officers.of(person.party, "approver")
            noted = next(item.id for item in of_party if item.id != who)
            wanted = training(who, today, today + timedelta(days=365), "Trained.", now)
            enter(tx, parts.sealer, parts.officers, wanted, noted, now)
