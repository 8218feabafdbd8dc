"""Rows of absences: who is away, from which day to which, and who acts meanwhile."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import absences


@dataclass(frozen=True)
class AbsenceRow:
    """An officer's absence, both days included (London dates). Of two, the newer counts."""

    id: int
    officer: str
    deputy: str
    first_day: date
    last_day: date
    made_at: datetime


def add(tx: Transaction, absence: AbsenceRow) -> None:
    """An absence was told; its ``id`` is given by the database."""
    values = {name: value for name, value in vars(absence).items() if name != "id"}
    tx.execute(sa.insert(absences).values(**values))


def between(tx: Transaction, first_day: date, last_day: date) -> list[AbsenceRow]:
    """All absences that touch those days, newest first."""
    rows = tx.execute(
        sa.select(absences)
        .where(absences.c.first_day <= last_day, absences.c.last_day >= first_day)
        .order_by(absences.c.id.desc())
    ).mappings()
    return [AbsenceRow(**row) for row in rows]
