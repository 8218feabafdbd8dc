"""The registers on the site: what they say is sealed, so that the worker reads and writes them."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import Field

from gateway.access.sessions import SiteSession
from gateway.agreement.windows import LONDON
from gateway.engine.approvalops import LONGEST_SIGNATURE, LONGEST_TEXT, officer_of
from gateway.engine.onsite import OfParty, Op
from gateway.engine.parts import Parts
from gateway.receipts.texts import taken
from gateway.records import registers
from gateway.records.registers import Kept, RegisterRefused, wanted
from gateway.records.registers.wanted import Wanted

Named = Literal[
    "foi",
    "press",
    "correspondence",
    "incident",
    "review",
    "training",
    "meeting",
    "monitoring",
    "feedback",
]


class AboutEntry(OfParty):
    """About an entry of a register."""

    entry: str = Field(max_length=40)


class StepOfEntry(AboutEntry):
    """A step that needs no signature."""

    step: str = Field(max_length=40)
    words: str = Field("", max_length=LONGEST_TEXT)


class SignedEntry(AboutEntry):
    """An approver's own armoured signature over the words that both parties sign."""

    signature: str = Field(max_length=LONGEST_SIGNATURE)


class NewEntry(OfParty):
    """An entry to be made; which fields a register takes, `_BUILT` says."""

    register_id: Named
    words: str = Field("", max_length=LONGEST_TEXT)
    day: str = Field("", max_length=40)  # when it came in, was held, or completed
    until: str = Field("", max_length=40)  # when it is due, or the last day that it counts
    kind: str = Field("", max_length=40)
    aware: str = Field("", max_length=40)
    held_by: str = Field("", max_length=LONGEST_TEXT)
    person: str = Field("", max_length=100)
    attended: tuple[str, ...] = ()


def _read(parts: Parts, asked: AboutEntry, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    del who, now
    with parts.database.transaction() as tx:
        kept = registers.read(tx, parts.sealer, asked.entry)
    _require_theirs(kept, asked.party)
    return {
        "words": kept.words,
        "fields": dict(kept.fields),
        "parties": list(kept.progress.parties),
        "left": registers.steps_left(kept.progress, asked.party),
        "statement": registers.statement(kept).decode() if kept.proposal else "",
        "proposal": kept.progress.proposal,
        "signed": sorted(kept.progress.signed),
        "steps": [
            {
                "step": item.step,
                "party": item.party,
                "officer": item.officer,
                "at": item.at.isoformat(),
                "words": item.words,
                "stands": _stands(parts, kept, item),
            }
            for item in kept.steps
        ],
    }


def _stands(parts: Parts, kept: Kept, item: registers.Taken) -> bool | None:
    """Of a signature over the words as they are proposed now: whether it counts by today's keys."""
    if item.signature is None or item.number < (kept.progress.proposal or 0):
        return None
    return registers.stands(parts.officers, parts.openpgp, kept, item)


def _require_theirs(kept: Kept, party: str) -> None:
    if party not in {kept.row.party, *kept.progress.parties}:
        raise RegisterRefused("register.no-entry", "There is no entry of that id.", "")


def _enter(parts: Parts, asked: NewEntry, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    officer = officer_of(who)
    made = _BUILT[asked.register_id](asked, now)
    with parts.database.transaction() as tx:
        known = (parts.sealer, parts.officers, made, officer, now, _agreement(parts))
        row = registers.enter(tx, *known)
    return {"entry": row.id}


def _step(parts: Parts, asked: StepOfEntry, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    officer = officer_of(who)
    words = taken(asked.words.encode()) if asked.words.strip() else ""
    with parts.database.transaction() as tx:
        known = (parts.sealer, parts.officers, asked.entry, asked.step, officer, words, now)
        kept = registers.take(tx, *known, _agreement(parts))
    return {"state": kept.row.state}


def _sign(parts: Parts, asked: SignedEntry, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    signature = asked.signature.encode()
    known = (parts.sealer, parts.officers, parts.openpgp, asked.entry, officer_of(who))
    kept = registers.sign_off(parts.database, *known, signature, now, _agreement(parts))
    return {"state": kept.row.state}


def _agreement(parts: Parts) -> str:
    return next(iter(parts.agreed.values())).hash


# --- what is entered ------------------------------------------------------------------------------


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RegisterRefused(
            "register.days", "That is no day.", "Give day, month and year, such as 27 3 2026."
        ) from None


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=LONDON)
        at.astimezone(UTC)  # whose calendar may not have such a day
    except (ValueError, OverflowError):
        raise RegisterRefused(
            "register.days", "That is no moment.", "Give the day, and a time such as 16:30."
        ) from None
    return at


def _said(asked: NewEntry) -> str:
    return taken(asked.words.encode())


def _request(asked: NewEntry, now: datetime) -> Wanted:
    kind: Any = asked.register_id
    due = _day(asked.until) if asked.until else None
    return wanted.request(kind, _day(asked.day), _said(asked), now, due)


def _incident(asked: NewEntry, now: datetime) -> Wanted:
    kind: Any = asked.kind
    return wanted.incident(kind, _moment(asked.aware), _said(asked), now)


def _review(asked: NewEntry, now: datetime) -> Wanted:
    return wanted.review(_day(asked.day), asked.held_by, _said(asked), now)


def _training(asked: NewEntry, now: datetime) -> Wanted:
    return wanted.training(asked.person, _day(asked.day), _day(asked.until), _said(asked), now)


def _meeting(asked: NewEntry, now: datetime) -> Wanted:
    following = _day(asked.until) if asked.until else None
    return wanted.meeting(_day(asked.day), asked.attended, _said(asked), now, following)


_BUILT: Mapping[str, Callable[[NewEntry, datetime], Wanted]] = {
    "foi": _request,
    "press": _request,
    "correspondence": _request,
    "incident": _incident,
    "review": _review,
    "training": _training,
    "meeting": _meeting,
    "monitoring": lambda _, now: wanted.look(now),
    "feedback": lambda asked, now: wanted.feedback(_said(asked), now),
}
_WRITING = frozenset({"sender", "recipient", "approver", "administrator"})
OPS: Mapping[str, Op] = {
    "register-read": Op(AboutEntry, _WRITING | {"auditor"}, _read, any_flow=True),
    "register-enter": Op(NewEntry, _WRITING, _enter, any_flow=True),
    "register-step": Op(StepOfEntry, _WRITING, _step, any_flow=True),
    "register-sign": Op(SignedEntry, frozenset({"approver"}), _sign, any_flow=True),
}
