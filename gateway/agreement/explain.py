"""The agreement in plain English, clause by clause, with the control that enforces each."""

from collections import Counter
from collections.abc import Iterator

from gateway.agreement.explain_flow import flow_sections
from gateway.agreement.load import Agreed
from gateway.agreement.model import Agreement, Clause, Deadline
from gateway.agreement.prose import counted, entry, heading, listed, paragraph

STANDING = {
    "yes": "Enforced",
    "not-yet": "Not enforced yet",
    "outside": "An act of people",
}
NATIONS = {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"}


def explain(agreed: Agreed) -> str:
    """The whole agreement as text for an 80-column terminal, without a newline at its end."""
    agreement = agreed.agreement
    names = {party.id: party.name for party in agreement.parties}
    parts = [
        *_opening(agreed),
        *_clauses(agreement),
        *_calendar(agreement),
        *(text for flow in agreement.flows for text in flow_sections(flow, agreed.lists, names)),
        *_keeping(agreement),
    ]
    return "\n\n".join(parts)


def _opening(agreed: Agreed) -> Iterator[str]:
    agreement = agreed.agreement
    yield heading(agreement.title)
    marking = f" Marking: {', '.join(agreement.markings)}." if agreement.markings else ""
    opening = paragraph(
        f"Agreement {agreement.id}, version {agreement.version}.{marking} Its hash:"
    )
    yield f"{opening}\n{paragraph(agreed.hash, 2)}"
    yield heading("Parties")
    yield "\n".join(
        entry(party.id, f"{party.name}. {party.role}.", hang=8) for party in agreement.parties
    )


def _clauses(agreement: Agreement) -> Iterator[str]:
    yield heading("Clauses, and what enforces each")
    counts = Counter(clause.enforced for clause in agreement.clauses)
    yield paragraph(
        f"Of {counted(len(agreement.clauses), 'clause')}, {counts['yes']} are enforced by the "
        f"gateway, {counts['not-yet']} are not enforced yet, and {counts['outside']} are acts of "
        "people that no program can do."
    )
    yield from (_clause(clause) for clause in agreement.clauses)


def _clause(clause: Clause) -> str:
    return "\n".join(
        [
            paragraph(f"{clause.number}  {clause.title}"),
            paragraph(clause.words, 4),
            paragraph(f"{STANDING[clause.enforced]}: {clause.control}", 4),
        ]
    )


def _calendar(agreement: Agreement) -> Iterator[str]:
    calendar = agreement.calendar
    yield heading("Working days")
    yield paragraph(
        f"Monday to Friday, except bank holidays in {NATIONS[calendar.subdivision]}. Times of day "
        f"are those of {calendar.timezone}. Working hours are {calendar.opens:%H:%M} to "
        f"{calendar.closes:%H:%M}."
    )
    changes = [
        entry("-", f"{change.date:%A %d %B %Y} is no working day: {change.name}.", hang=2)
        for change in calendar.add
    ]
    changes += [
        entry("-", f"{change.date:%A %d %B %Y} is a working day: {change.name}.", hang=2)
        for change in calendar.remove
    ]
    yield "\n".join(changes) or paragraph("The parties have agreed no other days.")


def _keeping(agreement: Agreement) -> Iterator[str]:
    retention = agreement.retention
    yield heading("Lawful basis")
    yield "\n".join(entry("-", basis, hang=2) for basis in agreement.lawful_basis)
    yield heading("Retention")
    hold = "A hold is in force: nothing is destroyed." if retention.hold else "No hold is in force."
    yield paragraph(f"{hold} {retention.hold_reason}")
    days = counted(retention.held_rows_days, "day")
    rows = f"A held row expires after {days}"
    rows += "; under the hold that changes its state only." if retention.hold else "."
    yield paragraph(f"{rows} {retention.staged}")
    yield heading("Deadlines")
    yield paragraph("What is late, and when; a clause is named where it is the duty so timed.")
    yield "\n".join(_deadline(deadline) for deadline in agreement.deadlines) or "  None."
    yield from _escalation(agreement)
    yield heading("Review")
    months = counted(agreement.review.months_after_signing, "month")
    yield paragraph(
        f"At the latest {months} after signing. The date follows from the parties' signatures, "
        "which this file does not hold."
    )


def _deadline(deadline: Deadline) -> str:
    if deadline.working_hours is not None:
        time = counted(deadline.working_hours, "working hour")
    else:
        time = counted(deadline.working_days or 0, "working day")
    when = f"at the latest {time} before the window" if deadline.before else f"within {time}"
    if deadline.working_hours == 0 or deadline.working_days == 0:
        when = "at that moment"
    clause = f" (clause {deadline.clause})" if deadline.clause else ""
    words = f"{deadline.words}{clause}: {when}. {STANDING[deadline.enforced]}."
    return entry("-", words, hang=2)


def _escalation(agreement: Agreement) -> Iterator[str]:
    yield heading("Who is told of an alarm")
    yield paragraph("At each party that an alarm concerns, while it is open; see docs/alarms.md.")
    yield "\n".join(
        entry(
            "-",
            f"{_after(step.working_hours)}: its officers with the role {listed(step.tells, 'or')}.",
            hang=2,
        )
        for step in agreement.escalation
    )


def _after(hours: int) -> str:
    return f"After {counted(hours, 'working hour')}" if hours else "At once"
