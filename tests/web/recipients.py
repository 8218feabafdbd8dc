"""A recipient at the site, and behind it a worker that answers at its door: nothing is made up.

The home has sent a package on Friday, 27 February 2026, that nobody has collected, and on Monday,
2 March, another. The site's time is half past four on that Monday.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from receipting import copied
from rehearsing import UPDATE_HEADINGS, UPDATES, AtWork, clean_row, csv_of, packed, update_row
from signing_in import Doorway, Person, doorway_over

from gateway.agreement.windows import LONDON
from gateway.engine.door import Door, ask
from gateway.engine.parts import Parts
from gateway.intake.confined.reader import Reader
from gateway.store import packages, receipts
from gateway.store.receipts import ReceiptRow

DFE, PANEL, OFSTED = "recipient of dfe", "recipient of panel", "sender of ofsted"
FRIDAY, MONDAY = "notifications-2026-02-27-01", "notifications-2026-03-02-01"
OURS = "/dfe/notifications"
HERE = f"{OURS}/packages/{MONDAY}"
AT = datetime(2026, 3, 2, 16, 30, tzinfo=LONDON)


@dataclass(frozen=True)
class Received:
    """A home at rest with packages. Copy it; do not use it. ``other``: of the other flow."""

    home: Path
    other: str


def place_packages(root: Path, reader: Reader) -> Received:
    """Send two packages to the recipients, and one to Ofsted."""
    work = AtWork(root, reader)
    work.drop(csv_of([update_row(1)], UPDATE_HEADINGS), UPDATES)
    [other] = packed(work.tick("2026-02-27T12:05"), UPDATES)
    work.rows(clean_row(1))
    work.tick("2026-02-27T16:05")
    work.rows(clean_row(2), clean_row(3))
    work.tick("2026-03-02T16:05")
    assert {FRIDAY, MONDAY} <= set(work.packages())
    return Received(root, other.package_id)


@dataclass
class Recipients:
    """The site with its real sign-in, a DfE recipient who is signed in, and the worker's door."""

    doorway: Doorway
    work: AtWork
    parts: Parts
    before: Received
    jo: Person

    def person(self, who: str) -> Person:
        """Somebody else, signed in."""
        person = self.doorway.person(who)
        person.sign_in()
        return person

    def collect(self, who: Person | None = None, here: str = HERE) -> bytes:
        """Download a package whole."""
        answer = (who or self.jo).get(f"{here}/file")
        assert answer.status_code == 200, answer.text
        return answer.data

    def ask(self, request: dict[str, str]) -> dict[str, Any]:
        """Ask the worker directly, as a site that was broken into might."""
        return ask(self.work.home.door, request)

    def state(self, package: str = MONDAY, party: str = "dfe") -> str:
        """The state of a delivery."""
        with self.parts.database.transaction() as tx:
            found = packages.delivery(tx, package, party)
        assert found is not None
        return found.state

    def receipts(self, package: str = MONDAY, party: str = "dfe") -> list[ReceiptRow]:
        """The receipts for a delivery, in order."""
        with self.parts.database.transaction() as tx:
            return receipts.of_delivery(tx, f"{package}:{party}")

    def leaves(self, name: str) -> list[dict[str, Any]]:
        """The ledger's leaves of an event."""
        return self.work.leaves(name)

    def refusals(self) -> int:
        """How many times somebody was refused, by the ledger."""
        return len(self.leaves("access.refused"))


@contextmanager
def recipients_over(before: Received, root: Path, reader: Reader) -> Iterator[Recipients]:
    """A copy of that home at work, on Monday at half past four."""
    copied(before.home, root)
    with doorway_over(root) as doorway:
        doorway.now = AT
        work = AtWork(root, reader)
        with work.parts(doorway.now.isoformat()) as (parts, _):
            door = Door(parts, lambda: doorway.now)
            try:
                jo = doorway.person(DFE)
                jo.sign_in()
                yield Recipients(doorway, work, parts, before, jo)
            finally:
                door.close()
