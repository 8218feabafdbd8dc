"""What is asked to be entered, register by register, with its deadline. Pure.

Words come screened from whoever takes them in (`receipts.texts`); here it is seen that there are
some, and that the days make sense.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from gateway.agreement.foidays import answer_due_on
from gateway.agreement.windows import LONDON, london_date
from gateway.agreement.workingdays import ONE_DAY
from gateway.records.registers.rules import REQUESTS, RegisterRefused

LONGEST = 2_000  # characters of what is said
ICO_HOURS = timedelta(hours=72)  # UK GDPR, Article 33(1), from becoming aware
LONGEST_TRAINING = timedelta(days=3 * 366)
INCIDENTS = ("loss", "wrongful-disclosure")
_PERSON = re.compile(r"[a-z][a-z0-9-]{1,59}")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Wanted:
    """An entry to be made. ``fields``: what a register asks beside the words, sealed with them.

    ``person``: whose training it is. ``attended``: the parties that met.
    """

    register: str
    opened_on: date
    words: str
    due_at: datetime | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    person: str | None = None
    attended: tuple[str, ...] = ()


def request(
    register: Literal["foi", "press", "correspondence"],
    received_on: date,
    words: str,
    now: datetime,
    due_on: date | None = None,
) -> Wanted:
    """A request that came in, to be answered in twenty working days of the Act, or sooner.

    Raises RegisterRefused.
    """
    if register not in REQUESTS:
        raise RegisterRefused(
            "register.unknown", "That is no register of requests.", f"They are {REQUESTS}."
        )
    _not_after_today(received_on, now)
    last = answer_due_on(received_on)
    if due_on is not None and not received_on <= due_on <= last:
        raise _days(f"A request is answered by {last} at the latest, and not before it came in.")
    return Wanted(register, received_on, said(words), end_of(due_on or last))


def incident(
    kind: Literal["loss", "wrongful-disclosure"], aware_at: datetime, words: str, now: datetime
) -> Wanted:
    """A loss or wrongful disclosure; the ICO is told within 72 hours of becoming aware of it.

    Raises RegisterRefused.
    """
    if kind not in INCIDENTS:
        raise RegisterRefused(
            "register.kind", "That is no kind of incident.", f"Kinds: {', '.join(INCIDENTS)}."
        )
    if aware_at > now:
        raise _days("Nobody becomes aware of something later than now.")
    fields = {"kind": kind, "aware_at": _moment(aware_at)}
    day = london_date(aware_at)
    return Wanted("incident", day, said(words), aware_at + ICO_HOURS, fields)


def review(held_on: date, held_by: str, outcome: str, now: datetime) -> Wanted:
    """A review of the agreement: when, by whom, and its outcome, which both parties sign.

    Raises RegisterRefused.
    """
    _not_after_today(held_on, now)
    return Wanted("review", held_on, said(outcome), None, {"held_by": said(held_by, _LONGEST_NAME)})


def training(person: str, completed_on: date, until: date, words: str, now: datetime) -> Wanted:
    """A person's training, and the last day that it counts. Raises RegisterRefused."""
    if not _PERSON.fullmatch(person):
        raise RegisterRefused(
            "register.person",
            "That is no person's id.",
            "Small letters, digits and hyphens, as in config/officers.toml.",
        )
    _not_after_today(completed_on, now)
    if not completed_on < until <= completed_on + LONGEST_TRAINING:
        raise _days("Training counts from the day after it until three years later at most.")
    told = said(words)
    return Wanted("training", completed_on, told, end_of(until), {"person": person}, person)


def meeting(
    held_on: date, attended: Sequence[str], words: str, now: datetime, next_on: date | None = None
) -> Wanted:
    """A meeting of the bodies: who was there, what was agreed, and when the next is due.

    Raises RegisterRefused.
    """
    _not_after_today(held_on, now)
    if next_on is not None and next_on <= held_on:
        raise _days("The next meeting is on a later day.")
    parties = tuple(sorted(set(attended)))
    fields = {"attended": ", ".join(parties)}
    due = end_of(next_on) if next_on else None
    return Wanted("meeting", held_on, said(words), due, fields, attended=parties)


def look(now: datetime, words: str = "The account was looked at.") -> Wanted:
    """A look at the online account, now. One is never entered for another day."""
    return Wanted("monitoring", london_date(now), said(words))


def feedback(words: str, now: datetime) -> Wanted:
    """Feedback that a party gives the other. Raises RegisterRefused."""
    return Wanted("feedback", london_date(now), said(words))


def said(words: str, longest: int = LONGEST) -> str:
    """Words that are there and not too long. Raises RegisterRefused."""
    told = words.strip()
    if not 0 < len(told) <= longest:
        raise RegisterRefused(
            "register.words",
            f"That takes some words, and no more than {longest:,} characters.",
            "Say it in a few words; a case is discussed where its file is kept, not here.",
        )
    return told


def end_of(day: date) -> datetime:
    """The moment at which a London day is over."""
    return datetime.combine(day + ONE_DAY, time(), LONDON).astimezone(UTC)


def last_day(due_at: datetime) -> date:
    """The last London day before that moment: what `end_of` was made from."""
    return london_date(due_at - timedelta(microseconds=1))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _not_after_today(day: date, now: datetime) -> None:
    if day > london_date(now):
        raise _days("That day is still to come.")


def _days(words: str) -> RegisterRefused:
    return RegisterRefused("register.days", words, "Look at the day again, and enter it anew.")
