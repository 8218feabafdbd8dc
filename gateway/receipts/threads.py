"""Feedback: a recipient's query about a package or a row of it, and the sender's answer.

A row is named by its reference and a heading of the agreement, never by a value. Reference and
texts are sealed at rest, each for its own place in its own thread; the ledger, alarms and e-mail
know that a query stands, and nothing of what it says. A thread moves no delivery: that is for the
officer's ``queried`` receipt.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.access.officers import Officer, OfficerRole, Officers
from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.normalise import fold_heading
from gateway.agreement.windows import london_date
from gateway.crypto.memory import KeyedMemory
from gateway.crypto.sealing import Sealer
from gateway.receipts.texts import taken
from gateway.records.leaf import Fact
from gateway.records.ledger import Event, event, move, record
from gateway.refusal import Refusal
from gateway.store import drops, packages, sent, threads
from gateway.store.database import Database, Transaction
from gateway.store.packages import DeliveryRow
from gateway.store.threads import EntryRow, ThreadRow


class QueryRefused(Refusal):
    """The query or answer is not taken; nothing of it is kept. Codes: query.*"""


@dataclass(frozen=True)
class Queries:
    """The parts that threads work with; ``agreed`` by flow."""

    agreed: Mapping[str, Agreed]
    database: Database
    officers: Officers
    keyed: KeyedMemory
    sealer: Sealer

    def flow(self, flow_id: str) -> Flow:
        """The flow of that id."""
        return self.agreed[flow_id].agreement.flow(flow_id)


@dataclass(frozen=True)
class Speaker:
    """Whoever speaks for a party in threads: an officer, or a person who is signed in to the site.

    Whoever makes one of a person has judged their session and grant; of an officer, `threads` does.
    """

    id: str
    party: str


@dataclass(frozen=True)
class Place:
    """What of a package a query is about. Both None: the package as a whole."""

    reference: str | None = None
    heading: str | None = None


@dataclass(frozen=True)
class Question:
    """What is asked, under the id that its thread is to have. ``text``: as `texts.taken` gives."""

    id: str
    text: str
    place: Place


@dataclass(frozen=True)
class Correction:
    """What an answer points to: a corrected drop of the sender, a package that replaces."""

    drop: str | None = None
    package: str | None = None


@dataclass(frozen=True)
class Said:
    """One entry of a thread, opened for one of its two parties. ``officer``: or a person's id."""

    number: int
    party: str
    officer: str
    at: datetime
    text: str
    correction: Correction


@dataclass(frozen=True)
class Conversation:
    """A thread as its two parties may read it."""

    thread: ThreadRow
    place: Place
    said: tuple[Said, ...]


def ask(
    parts: Queries,
    package_id: str,
    party: str,
    officer_id: str,
    content: bytes,
    now: datetime,
    place: Place = Place(),
) -> ThreadRow:
    """Open a thread about a package that the party has opened. Raises QueryRefused, TextRefused."""
    text = taken(content)
    speaker = _officer(parts, officer_id, party, "recipient")
    question = Question(thread_id(now, secrets.token_hex(6)), text, place)
    with parts.database.transaction() as tx:
        return open_thread(tx, parts, package_id, speaker, question, now)


def thread_id(now: datetime, digits: str) -> str:
    """A thread's id: its day in London, and 12 hexadecimal digits."""
    return f"{london_date(now):%Y%m%d}-{digits}"


def open_thread(
    tx: Transaction,
    parts: Queries,
    package_id: str,
    speaker: Speaker,
    question: Question,
    now: datetime,
) -> ThreadRow:
    """Open a thread in the caller's transaction; one of that id about that package stands as it is.

    Raises QueryRefused.
    """
    party = speaker.party
    package = packages.get(tx, package_id)
    delivery = packages.delivery(tx, package_id, party)
    if package is None or delivery is None:
        raise QueryRefused(
            "query.unknown-package",
            f"{party} has received no package of that id.",
            "`status` lists the packages and their deliveries.",
        )
    there = threads.get(tx, question.id)
    if there is not None and (there.package_id, there.party) == (package_id, party):
        return there
    _require_opened(delivery)
    flow = parts.flow(package.flow)
    place = _judged(tx, parts, flow, question.place)
    threads.add(
        tx,
        thread_id=question.id,
        package_id=package_id,
        flow=flow.id,
        party=party,
        place_sealed=_sealed_place(parts.sealer, question.id, place),
        opened_at=now,
    )
    thread = _thread(tx, question.id)
    _say(tx, parts, thread, speaker, question.text, Correction(), now)
    record(tx, _happened("query.opened", parts, thread, speaker), now)
    return thread


def answer(
    parts: Queries,
    thread_id: str,
    who: str | Speaker,
    content: bytes,
    now: datetime,
    correction: Correction = Correction(),
) -> None:
    """The sender answers; an answer may name the drop or package that corrects what was sent.

    Raises QueryRefused, TextRefused.
    """
    text = taken(content)
    with parts.database.transaction() as tx:
        thread = _thread(tx, thread_id, ("open",))
        speaker = _speaker(parts, who, parts.flow(thread.flow).sender, "sender")
        _require_correction(tx, parts, thread, correction)
        _say(tx, parts, thread, speaker, text, correction, now)
        happened = _happened("query.answered", parts, thread, speaker)
        values = {"answered_at": now}
        move(tx, "thread", {"id": thread_id}, "open", "answered", happened, now, values)


def ask_again(
    parts: Queries, thread_id: str, who: str | Speaker, content: bytes, now: datetime
) -> None:
    """The answer does not settle it: the asker asks on. Raises QueryRefused, TextRefused."""
    text = taken(content)
    with parts.database.transaction() as tx:
        thread = _thread(tx, thread_id, ("answered",))
        speaker = _speaker(parts, who, thread.party, "recipient")
        _say(tx, parts, thread, speaker, text, Correction(), now)
        happened = _happened("query.opened", parts, thread, speaker)
        move(tx, "thread", {"id": thread_id}, "answered", "open", happened, now)


def close(parts: Queries, thread_id: str, who: str | Speaker, now: datetime) -> None:
    """The asker is content, or asks no longer. Raises QueryRefused."""
    with parts.database.transaction() as tx:
        thread = _thread(tx, thread_id, ("open", "answered"))
        speaker = _speaker(parts, who, thread.party, "recipient")
        happened = _happened("query.closed", parts, thread, speaker)
        values = {"closed_at": now}
        move(tx, "thread", {"id": thread_id}, thread.state, "closed", happened, now, values)


def read(parts: Queries, thread_id: str, who: str | Speaker) -> Conversation:
    """The thread, opened for who speaks for one of its two parties. Raises QueryRefused.

    For an officer: with the role that the party has in it. A speaker of the site was judged so.
    """
    with parts.database.transaction() as tx:
        thread = _thread(tx, thread_id)
        entries = threads.entries(tx, thread_id)
    reads: dict[str, OfficerRole] = {
        thread.party: "recipient",
        parts.flow(thread.flow).sender: "sender",
    }
    reader = parts.officers.get(who) if isinstance(who, str) else who
    role = reads.get(reader.party)
    if role is None or (isinstance(reader, Officer) and not reader.has(role)):
        raise _wrong_officer("an officer of the party that asked, or a sender's of the flow")
    said = tuple(_opened(parts.sealer, entry) for entry in entries)
    return Conversation(thread, _opened_place(parts.sealer, thread), said)


def _speaker(parts: Queries, who: str | Speaker, party: str, role: OfficerRole) -> Speaker:
    if isinstance(who, str):
        return _officer(parts, who, party, role)
    if who.party != party:
        raise _wrong_officer(f"somebody who speaks for {party}")
    return who


def _officer(parts: Queries, officer_id: str, party: str, role: OfficerRole) -> Speaker:
    officer = parts.officers.get(officer_id)
    if officer.party != party or not officer.has(role):
        raise _wrong_officer(f"an officer of {party} with the role {role}")
    return Speaker(officer.id, officer.party)


def _wrong_officer(who: str) -> QueryRefused:
    return QueryRefused(
        "query.wrong-officer",
        f"This is for {who}.",
        "`officers` lists who acts for whom, and in which roles.",
    )


def _require_opened(delivery: DeliveryRow) -> None:
    if delivery.opened_at is None and delivery.state not in ("opened", "accepted", "queried"):
        raise QueryRefused(
            "query.not-opened",
            "A package can be queried once it was opened; no receipt says that it was.",
            "Open it, and let its receipt come back: `open PACKAGE … --receipt`.",
        )


def _judged(tx: Transaction, parts: Queries, flow: Flow, place: Place) -> Place:
    """The place with its heading as agreed. A reference must be one that was sent."""
    return Place(_reference(tx, parts, flow, place.reference), _heading(flow, place.heading))


def _heading(flow: Flow, heading: str | None) -> str | None:
    if heading is None:
        return None
    known = {fold_heading(spec.heading): spec.heading for spec in flow.fields}
    agreed = known.get(fold_heading(heading))
    if agreed is None:
        raise QueryRefused(
            "query.unknown-heading",
            f"The agreement has no such heading among the columns of {flow.id}.",
            "Write the heading as the package's own sheet has it; never a value.",
        )
    return agreed


def _reference(tx: Transaction, parts: Queries, flow: Flow, reference: str | None) -> str | None:
    if reference is None:
        return None
    plain = reference.strip()
    pattern = flow.field(flow.reference_field).pattern
    mac = parts.keyed.reference(flow.id, plain)
    if (pattern and not re.fullmatch(pattern, plain)) or not sent.was_sent(tx, flow.id, mac):
        raise QueryRefused(
            "query.unknown-reference",
            f"No row with that reference was ever sent in {flow.id}.",
            "Copy the reference from the package's own sheet.",
        )
    return plain


def _require_correction(
    tx: Transaction, parts: Queries, thread: ThreadRow, correction: Correction
) -> None:
    sender = parts.flow(thread.flow).sender
    if correction.drop is not None:
        drop = drops.get(tx, correction.drop)
        if drop is None or (drop.flow, drop.party) != (thread.flow, sender):
            raise _no_such_correction("drop", thread.flow)
    if correction.package is not None:
        package = packages.get(tx, correction.package)
        received = packages.delivery(tx, correction.package, thread.party)
        if package is None or received is None or package.flow != thread.flow:
            raise _no_such_correction("package", thread.flow)


def _no_such_correction(what: str, flow: str) -> QueryRefused:
    return QueryRefused(
        "query.unknown-correction",
        f"There is no such {what} of {flow} for this recipient.",
        "`status` lists drops and packages.",
    )


def _thread(tx: Transaction, thread_id: str, states: tuple[str, ...] = ()) -> ThreadRow:
    thread = threads.get(tx, thread_id)
    if thread is None:
        raise QueryRefused(
            "query.unknown", "There is no query of that id.", "`query list` lists them."
        )
    if states and thread.state not in states:
        raise QueryRefused(
            "query.wrong-state",
            f"The query is {thread.state}; this can be done to one that is {' or '.join(states)}.",
            "An answer follows a question; the asker closes it, or asks again.",
        )
    return thread


def _say(
    tx: Transaction,
    parts: Queries,
    thread: ThreadRow,
    speaker: Speaker,
    text: str,
    correction: Correction,
    now: datetime,
) -> None:
    number = len(threads.entries(tx, thread.id)) + 1
    told = {"text": text, "drop": correction.drop, "package": correction.package}
    sealed = parts.sealer.seal(json.dumps(told).encode(), _context(thread.id, number))
    threads.add_entry(tx, EntryRow(thread.id, number, speaker.party, speaker.id, now, sealed))


def _opened(sealer: Sealer, entry: EntryRow) -> Said:
    told = json.loads(sealer.open(entry.text_sealed, _context(entry.thread_id, entry.number)))
    correction = Correction(told["drop"], told["package"])
    return Said(entry.number, entry.party, entry.officer, entry.at, told["text"], correction)


def _sealed_place(sealer: Sealer, thread_id: str, place: Place) -> bytes | None:
    if place == Place():
        return None
    told = {"reference": place.reference, "heading": place.heading}
    return sealer.seal(json.dumps(told).encode(), f"thread:{thread_id}:place")


def _opened_place(sealer: Sealer, thread: ThreadRow) -> Place:
    if thread.place_sealed is None:
        return Place()
    told = json.loads(sealer.open(thread.place_sealed, f"thread:{thread.id}:place"))
    return Place(told["reference"], told["heading"])


def _context(thread_id: str, number: int) -> str:
    return f"thread:{thread_id}:{number}"


def _happened(name: str, parts: Queries, thread: ThreadRow, speaker: Speaker) -> Event:
    facts: dict[str, Fact] = {"package": thread.package_id, "party": speaker.party}
    about = parts.agreed[thread.flow].hash
    return event(name, f"thread:{thread.id}", about, facts, {"officer": speaker.id})
