"""Who is away, and who acts meanwhile: deputies, by London day.

A deputy is told what the absent officer would have been told, and signs with the deputy's own key
and name: an absence hands on no key and no role.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from gateway.access.officers import Officer, Officers, OfficersFault
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store import absences as rows
from gateway.store.absences import AbsenceRow
from gateway.store.database import Transaction

LONGEST = timedelta(days=366)


class AbsenceRefused(Refusal):
    """The absence, or its deputy, cannot be. Codes: absence.*"""


def away(
    tx: Transaction,
    officers: Officers,
    officer_id: str,
    deputy_id: str,
    first: date,
    last: date,
    now: datetime,
) -> None:
    """An officer is away from ``first`` to ``last``, both included, and the deputy acts.

    What is told later counts; an officer named as their own deputy is here after all. Raises
    OfficersFault, and AbsenceRefused: absence.days, absence.deputy, absence.circle.
    """
    officer, deputy = officers.get(officer_id), officers.get(deputy_id)
    if not timedelta() <= last - first < LONGEST:
        raise AbsenceRefused(
            "absence.days",
            "An absence ends on or after the day it begins, and within a year.",
            "Give the first and the last day, such as 2026-03-02 and 2026-03-06.",
        )
    if not _may_deputise(officer, deputy):
        raise AbsenceRefused(
            "absence.deputy",
            "A deputy is of the same party and shares a role with the absent officer.",
            "`officers` shows the parties and roles.",
        )
    told = AbsenceRow(0, officer.id, deputy.id, first, last, now)
    _refuse_circle(officers, [told, *rows.between(tx, first, last)], told)
    rows.add(tx, told)
    facts = {"party": officer.party, "from": first.isoformat(), "until": last.isoformat()}
    commits = {"officer": officer.id, "deputy": deputy.id}
    record(tx, event("officer.away", f"officer:{officer.party}", "", facts, commits), now)


def acting_for(tx: Transaction, officers: Officers, officer_id: str, day: date) -> Officer:
    """Who acts for an officer on that London day: the officer, or the deputy, or the deputy's.

    A deputy who is no fitting officer any more is passed over: then the one before acts. Raises
    OfficersFault for an unknown officer.
    """
    return _chain(officers, rows.between(tx, day, day), officers.get(officer_id), day)[-1]


def _chain(
    officers: Officers, absences: Sequence[AbsenceRow], officer: Officer, day: date
) -> list[Officer]:
    """The officer, the deputy, the deputy's deputy…: whoever stands last acts, or closes a circle.

    ``absences``: newest first.
    """
    chain = [officer]
    while chain[-1] not in chain[:-1]:
        deputy = _deputy(officers, absences, chain[-1], day)
        if deputy is None:
            break
        chain.append(deputy)
    return chain


def _deputy(
    officers: Officers, absences: Sequence[AbsenceRow], officer: Officer, day: date
) -> Officer | None:
    for row in absences:
        if row.officer == officer.id and row.first_day <= day <= row.last_day:
            try:
                deputy = officers.get(row.deputy)
            except OfficersFault:
                return None
            return deputy if deputy != officer and _may_deputise(officer, deputy) else None
    return None


def _may_deputise(officer: Officer, deputy: Officer) -> bool:
    return deputy.party == officer.party and bool(set(deputy.roles) & set(officer.roles))


def _refuse_circle(officers: Officers, absences: Sequence[AbsenceRow], told: AbsenceRow) -> None:
    """Whoever is away, somebody must be left who is not: on each day by itself."""
    officer = officers.get(told.officer)
    for number in range((told.last_day - told.first_day).days + 1):
        day = told.first_day + timedelta(days=number)
        chain = _chain(officers, absences, officer, day)
        if chain[-1] in chain[:-1]:
            raise AbsenceRefused(
                "absence.circle",
                f"On {day:%-d %B %Y} the deputies would only stand for one another.",
                "Name a deputy who is here on that day.",
            )
