"""A sender at the site, and behind it a worker that answers at its door: nothing is made up.

The home has sent one package (Friday 27 February 2026), about which the DfE asks; on Monday, 2
March, an extract came by the folder, of which rows are held.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from receipting import copied
from rehearsing import NOTIFICATIONS, AtWork, Row, clean_row, csv_of
from signing_in import Doorway, Person, doorway_over
from werkzeug.test import TestResponse

from gateway.engine.door import Door
from gateway.engine.parts import Parts
from gateway.intake.confined.reader import Reader
from gateway.receipts import threads
from gateway.receipts.threads import Place
from gateway.store.lifecycles import advance

SENDER, RECIPIENT = "sender of ofsted", "recipient of dfe"
OURS = "/ofsted/notifications"
PACKAGE = "notifications-2026-02-27-01"
ASKED = "The gender and the initials seem to belong to <b>two</b> children."
HOSTILE = "<script>alert(1)</script>"
PHONE = "Call the office on 07700 900123 about this."
HELD: Sequence[Row] = (
    clean_row(11),
    clean_row(12, gender="Purple"),
    clean_row(13, case=PHONE),
    clean_row(14, case=PHONE, gender="Purple"),
    clean_row(15),
)
HEADINGS = (*clean_row(0), HOSTILE, "=1+1")


@dataclass(frozen=True)
class SentBefore:
    """A home at rest, with the ids of what it holds. Copy it; do not use it."""

    home: Path
    thread: str
    drop: str


def send_before(root: Path, reader: Reader) -> SentBefore:
    """Send a package, ask about it, and drop an extract with rows to hold."""
    work = AtWork(root, reader)
    work.rows(clean_row(1), clean_row(2))
    work.tick("2026-02-27T16:05")
    with work.parts("2026-02-27T17:00") as (parts, now):
        with parts.database.transaction() as tx:
            key = {"id": f"{PACKAGE}:dfe"}
            advance(tx, "delivery", key, "placed", "collected", {"collected_at": now})
            advance(tx, "delivery", key, "collected", "opened", {"opened_at": now})
        about = Place("SCN000001", "Gender")
        asked = threads.ask(
            parts.queries(), PACKAGE, "dfe", "dfe-officer-1", ASKED.encode(), now, about
        )
    work.drop(csv_of(HELD, HEADINGS))
    work.tick("2026-03-02T10:00")
    [(drop,)] = work.query("SELECT id FROM drops ORDER BY number DESC LIMIT 1")
    return SentBefore(root, asked.id, drop)


@dataclass
class Senders:
    """The site with its real sign-in, a sender who is signed in, and the worker's door."""

    doorway: Doorway
    work: AtWork
    parts: Parts
    before: SentBefore
    sender: Person

    @property
    def drop(self) -> str:
        """The address of the drop with held rows."""
        return f"{OURS}/drops/{self.before.drop}"

    @property
    def query(self) -> str:
        """The address of the query."""
        return f"{OURS}/sent/{PACKAGE}/queries/{self.before.thread}"

    def person(self, who: str) -> Person:
        """Somebody else, signed in."""
        person = self.doorway.person(who)
        person.sign_in()
        return person

    def send(
        self, content: bytes, name: str = "extract.csv", by: Person | None = None
    ) -> TestResponse:
        """Send a file by the form."""
        who = by or self.sender
        shown = who.get(f"{OURS}/send").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', shown)
        fields = {"csrf_token": found[1] if found else "", "file": (BytesIO(content), name)}
        return who.client.post(f"{OURS}/send", data=fields, content_type="multipart/form-data")

    def tick(self) -> None:
        """The worker looks, now."""
        self.work.tick(self.doorway.now.isoformat())

    def sent(self, rows: Sequence[Row], headings: Sequence[str] = tuple(clean_row(0))) -> str:
        """Send rows, let the worker look, and go where the browser is led: the drop's address."""
        wait = self.send(csv_of(rows, headings)).location
        self.tick()
        return str(self.sender.get(wait).location)

    def inbox(self) -> list[str]:
        """What lies in the inbox."""
        folder = self.work.home.inbox_of("ofsted", NOTIFICATIONS)
        return sorted(path.name for path in folder.iterdir() if path.name != ".gitkeep")


@contextmanager
def senders_over(before: SentBefore, root: Path, reader: Reader) -> Iterator[Senders]:
    """A copy of that home at work, on Monday after ten."""
    copied(before.home, root)
    with doorway_over(root) as doorway:
        work = AtWork(root, reader)
        with work.parts(doorway.now.isoformat()) as (parts, _):
            door = Door(parts, lambda: doorway.now)
            try:
                sender = doorway.person(SENDER)
                sender.sign_in()
                yield Senders(doorway, work, parts, before, sender)
            finally:
                door.close()
