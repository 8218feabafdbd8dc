"""Until when somebody's training counts: no grant does without it (clause 11(c)).

The register of training knows people by their officer's id, or by their own where they are none.
What it says is read anew each time, so that a lapse acts at the next request, and new training too.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.agreement.windows import london_date
from gateway.records import registers
from gateway.records.registers.owing import TRAINING_WARNINGS
from gateway.store.database import Transaction
from gateway.store.people import PersonRow

_SOON = timedelta(days=max(TRAINING_WARNINGS))


@dataclass(frozen=True, slots=True)
class Training:
    """Somebody's training as it stands ``today``. ``until``: the last day; None: none on record."""

    until: date | None
    today: date

    @property
    def counts(self) -> bool:
        """Whether it does, today."""
        return self.until is not None and self.today <= self.until

    @property
    def ends_soon(self) -> bool:
        """Whether it counts still, and its party is warned that it will not for long."""
        return self.until is not None and self.today <= self.until < self.today + _SOON


NOT_TRAINED = Training(None, date.min)


def known_as(person: PersonRow) -> str:
    """The id by which the register of training knows somebody."""
    return person.officer or person.id


def training_of(tx: Transaction, person: PersonRow, now: datetime) -> Training:
    """Somebody's training, as an officer of their own party has entered it."""
    until = registers.trained_until(tx, known_as(person), person.party)
    return Training(until, london_date(now))
