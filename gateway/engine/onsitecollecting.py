"""What recipients, and senders who answer them, ask of the worker from the site (`onsite`).

The texts of queries are sealed and opened here, since the site holds no key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gateway.access.sessions import SiteSession, require_grant
from gateway.engine.parts import Parts
from gateway.receipts import threads
from gateway.receipts.onsite import Saying, say_on_site
from gateway.receipts.refused import refusal
from gateway.receipts.texts import taken
from gateway.receipts.threads import (
    Correction,
    Place,
    QueryRefused,
    Question,
    Said,
    Speaker,
    open_thread,
    thread_id,
)
from gateway.store import packages, people
from gateway.store import threads as rows
from gateway.store.database import Transaction
from gateway.store.threads import ThreadRow


@dataclass(frozen=True)
class Here:
    """Who asks, for which party and flow: session, grant and freshness have been judged."""

    parts: Parts
    who: SiteSession
    party: str
    flow: str
    now: datetime

    @property
    def speaker(self) -> Speaker:
        """Who speaks in threads."""
        return Speaker(self.who.person.id, self.party)


def accept(here: Here, package: str) -> dict[str, str]:
    """Accept a package. Raises ReceiptRefused, CryptoFault."""
    return _say(here, package, "accepted")


def query(here: Here, package: str, text: str, place: Place, once: str) -> dict[str, str]:
    """Query a package: the receipt and its thread together, or neither.

    ``once``: 12 hexadecimal digits of the form, so that sending it twice asks once. What is
    accepted stays so: then the question alone is asked. Raises ReceiptRefused, QueryRefused,
    TextRefused.
    """
    queries = here.parts.queries()
    question = Question(thread_id(here.now, once), taken(text.encode()), place)

    def asked(tx: Transaction) -> None:
        open_thread(tx, queries, package, here.speaker, question, here.now)

    with here.parts.database.transaction() as tx:
        delivery = packages.delivery(tx, package, here.party)
        row = packages.get(tx, package)
        if delivery is None or row is None or row.flow != here.flow:
            raise refusal("package.unknown")
        if delivery.state == "accepted":
            asked(tx)
            return {"query": question.id, "state": delivery.state}
    saying = Saying(here.who.person, here.party, here.flow, package, "queried")
    said = say_on_site(here.parts.receipts(), saying, here.now, asked)
    return {"query": question.id, "state": said.state}


def read_query(here: Here, thread: str) -> dict[str, Any]:
    """What is said in a thread, with the names of those who said it. Raises QueryRefused."""
    _require_thread(here, thread)
    told = threads.read(here.parts.queries(), thread, here.speaker)
    with here.parts.database.transaction() as tx:
        said = [_told(tx, here, item) for item in told.said]
    return {
        "package": told.thread.package_id,
        "asker": told.thread.party,
        "state": told.thread.state,
        "reference": told.place.reference or "",
        "heading": told.place.heading or "",
        "said": said,
    }


def say_in_query(here: Here, thread: str, text: str, drop: str | None) -> dict[str, str]:
    """The asker asks on, or the sender answers, and may name the drop that corrects what was sent.

    Raises QueryRefused, TextRefused.
    """
    row = _require_thread(here, thread)
    content, queries = text.encode(), here.parts.queries()
    if here.party == row.party:
        threads.ask_again(queries, thread, here.speaker, content, here.now)
    else:
        correction = Correction(drop)
        threads.answer(queries, thread, here.speaker, content, here.now, correction)
    return {"query": thread}


def close_query(here: Here, thread: str) -> dict[str, str]:
    """The asker is content. One that is closed stays so. Raises QueryRefused."""
    row = _require_thread(here, thread)
    if row.state != "closed":
        threads.close(here.parts.queries(), thread, here.speaker, here.now)
    return {"query": thread}


def _say(here: Here, package: str, kind: Literal["accepted", "queried"]) -> dict[str, str]:
    saying = Saying(here.who.person, here.party, here.flow, package, kind)
    said = say_on_site(here.parts.receipts(), saying, here.now)
    return {"receipt": said.receipt, "state": said.state, "again": "yes" if said.again else ""}


def _require_thread(here: Here, thread: str) -> ThreadRow:
    """A thread of the flow that the party is one of the two in, with the grant that this takes."""
    with here.parts.database.transaction() as tx:
        row = rows.get(tx, thread)
    sender = here.parts.flow(here.flow).sender
    if row is None or row.flow != here.flow or here.party not in (row.party, sender):
        raise QueryRefused(
            "query.unknown", "There is no such query here.", "The package's page lists its queries."
        )
    role = "recipient" if here.party == row.party else "sender"
    require_grant(here.who, (role,), here.party, here.flow)
    return row


def _told(tx: Transaction, here: Here, said: Said) -> dict[str, str]:
    person = people.get(tx, said.officer)
    officer = next((item for item in here.parts.officers if item.id == said.officer), None)
    return {
        "party": said.party,
        "name": person.name if person else officer.name if officer else said.officer,
        "at": said.at.isoformat(),
        "text": said.text,
        "drop": said.correction.drop or "",
        "package": said.correction.package or "",
    }
