"""What is owed about an entry, by whom and until when: each is an alarm once it is time. Pure.

The words name parties, registers, entries and days; nobody is named, and nothing is quoted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from gateway.agreement.foidays import foi_days_left
from gateway.agreement.load import Agreed
from gateway.agreement.prose import counted
from gateway.agreement.windows import LONDON, london_date
from gateway.records.registers.reading import Kept
from gateway.records.registers.rules import REQUESTS
from gateway.records.registers.wanted import last_day

DUE_SOON_DAYS = 5  # working days of the Act before a request's answer is due
TRAINING_WARNINGS = (7, 30)  # days before training lapses, the nearest first
CODES = (
    "register.due-soon",
    "register.overdue",
    "register.not-told",
    "register.unacknowledged",
    "incident.unacknowledged",
    "incident.ico-open",
    "incident.ico-late",
    "incident.not-consulted",
    "training.lapsing",
    "training.lapsed",
    "meeting.overdue",
)


@dataclass(frozen=True)
class Late:
    """What is to be told now. ``party``: whom it concerns; empty: both."""

    code: str
    party: str
    entry_id: str
    words: str
    level: str = ""

    @property
    def subject(self) -> str:
        """The alarm's subject."""
        parts = ("register", self.party, self.entry_id, self.level)
        return ":".join(part for part in parts if part)


def late(kept: Kept, agreed: Agreed, now: datetime) -> list[Late]:
    """What is late or near about an entry that has not ended, by the agreement's deadlines."""
    if kept.progress.ended:
        return []
    register = kept.row.register
    if register in REQUESTS:
        return [*_request(kept, agreed, now)]
    if register == "incident":
        return [*_incident(kept, agreed, now)]
    if register == "training":
        return [*_training(kept, now)]
    found = [*_unacknowledged(kept, agreed, kept.row.made_at, now)]
    if register == "meeting" and kept.row.due_at is not None and kept.row.due_at <= now:
        day = f"{last_day(kept.row.due_at):%-d %B %Y}"
        words = f"The next meeting of the bodies was due by {day} (entry {kept.row.id})."
        more = " Enter it with `register enter meeting` once it was held."
        found.append(Late("meeting.overdue", "", kept.row.id, words + more))
    return found


# --- requests -------------------------------------------------------------------------------------


def _request(kept: Kept, agreed: Agreed, now: datetime) -> Iterator[Late]:
    entry, due_at = kept.row, kept.row.due_at
    if due_at is not None:
        due, today = last_day(due_at), london_date(now)
        name = f"The request {entry.id}, for which {entry.party} answers,"
        if due_at <= now:
            words = f"{name} was to be answered by {due:%-d %B %Y}. Answer it and close it."
            yield Late("register.overdue", entry.party, entry.id, words)
        elif (left := foi_days_left(today, due)) <= DUE_SOON_DAYS:
            days = counted(left, "working day")
            words = f"{name} is to be answered by {due:%-d %B %Y}: {days} left, today not counted."
            yield Late("register.due-soon", entry.party, entry.id, words)
    informed = kept.of("informed")
    if informed:
        yield from _unacknowledged(kept, agreed, informed[0].at, now)
        return
    received = datetime.combine(entry.opened_on, time(12), LONDON).astimezone(UTC)
    if _is_over(agreed, "request-told", received, now):
        words = (
            f"{entry.party} has not told the other party of the request {entry.id}. Tell them, and "
            "take the step `informed`."
        )
        yield Late("register.not-told", entry.party, entry.id, words)


def _unacknowledged(
    kept: Kept, agreed: Agreed, since: datetime, now: datetime, code: str = ""
) -> Iterator[Late]:
    """By each other party that has not said, in the agreed time, that it knows."""
    rules = kept.progress.rules
    if "acknowledged" not in rules.steps:
        return
    if not code and not _is_over(agreed, "register-acknowledged", since, now):
        return
    for party in kept.progress.others:
        if not kept.progress.has("acknowledged", party):
            words = (
                f"{party} has not acknowledged the entry {kept.row.id} ({rules.title.lower()}). "
                "Read it (`register show`), and take the step `acknowledged`."
            )
            yield Late(code or "register.unacknowledged", party, kept.row.id, words)


# --- incidents ------------------------------------------------------------------------------------


def _incident(kept: Kept, agreed: Agreed, now: datetime) -> Iterator[Late]:
    entry, aware_at = kept.row, datetime.fromisoformat(kept.fields["aware_at"])
    yield from _unacknowledged(kept, agreed, entry.made_at, now, "incident.unacknowledged")
    if entry.due_at is not None:
        ends = f"{entry.due_at.astimezone(LONDON):%-d %B %Y, %H:%M}"
        took = "take the step `ico-reported`, or `ico-not-reportable` with the reason"
        if now < entry.due_at:
            words = f"The ICO's 72 hours for the incident {entry.id} end on {ends}: {took}."
            yield Late("incident.ico-open", entry.party, entry.id, words)
        else:
            words = (
                f"The ICO's 72 hours for the incident {entry.id} ended on {ends}. Act now: {took}."
            )
            yield Late("incident.ico-late", entry.party, entry.id, words)
    consulted = kept.progress.state == "agreed"
    if not consulted and _is_over(agreed, "loss-consulted", aware_at, now):
        words = (
            f"The parties have not yet agreed the public response to the incident {entry.id}. "
            "Propose its words (`proposed`); an approver of each party signs them."
        )
        yield Late("incident.not-consulted", "", entry.id, words)


# --- training -------------------------------------------------------------------------------------


def _training(kept: Kept, now: datetime) -> Iterator[Late]:
    entry, due_at = kept.row, kept.row.due_at
    if due_at is None:
        return
    whose = f"{entry.party}'s training of entry {entry.id} (`register show` says whose)"
    day = f"{last_day(due_at):%-d %B %Y}"
    again = "Train that person anew and enter it, or take the step `left`."
    if due_at <= now:
        words = f"{whose} counted until {day}, and has lapsed. {again}"
        yield Late("training.lapsed", entry.party, entry.id, words)
        return
    for days in TRAINING_WARNINGS:
        if due_at - timedelta(days=days) <= now:
            words = f"{whose} counts until {day}, and then lapses. {again}"
            yield Late("training.lapsing", entry.party, entry.id, words, str(days))
            return


def _is_over(agreed: Agreed, name: str, since: datetime, now: datetime) -> bool:
    deadline = agreed.agreement.deadline(name)
    return deadline is not None and agreed.working_hours.deadline_at(deadline, since) <= now
