"""A month of work in a rehearsal home, in one process: who does what, by the agreement's calendar.

Receipts are recorded by the real functions; only their signatures are left out here, since
tests/receipts judges those and a month of them would take minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rehearsing import NOTIFICATIONS, UPDATES, AtWork, clean_row, csv_of, update_row

from gateway.agreement.workingdays import days_from
from gateway.engine.parts import Parts
from gateway.engine.status import status_of
from gateway.receipts import threads
from gateway.receipts.digest import digest_of, parties_of
from gateway.receipts.keeping import Taken, keep
from gateway.receipts.receipt import ReceiptKind, new_receipt, to_bytes
from gateway.receipts.serving import note_served, require_servable
from gateway.store import packages

LONDON = ZoneInfo("Europe/London")
Raised = tuple[str, str, str]  # code, subject, London time


@dataclass
class Month:
    """The home, and the people who work with it."""

    work: AtWork
    rows: int = 0
    query: str = ""

    @contextmanager
    def at(self, day: str, hour: str) -> Iterator[tuple[Parts, datetime]]:
        """The home's parts at that time."""
        with self.work.parts(f"{day}T{hour}") as found:
            yield found

    def drop(self) -> None:
        """Ofsted drops one new incident."""
        self.rows += 1
        self.work.rows(clean_row(self.rows))

    def update(self) -> None:
        """The DfE drops what it knows of the latest incident."""
        self.work.drop(csv_of([update_row(self.rows)], tuple(update_row(0))), UPDATES)

    def receive(self, day: str, hour: str, package: str, party: str, *kinds: ReceiptKind) -> None:
        """The party collects the package over the API, opens it, answers with those receipts."""
        with self.at(day, hour) as (parts, now):
            for kind in kinds:
                if kind == "collected":
                    self._collect(parts, package, party, now)
                else:
                    self._give(parts, package, party, kind, now)

    def _collect(self, parts: Parts, package: str, party: str, now: datetime) -> None:
        with parts.database.transaction() as tx:
            row = require_servable(tx, package, party)
            sealed = packages.get(tx, package)
        assert sealed is not None
        whole = (sealed.agreement_hash, "token", "api", 0, row.size, now)
        assert note_served(parts.database, row, *whole)

    def _give(
        self, parts: Parts, package: str, party: str, kind: ReceiptKind, now: datetime
    ) -> None:
        officer = f"{party}-officer-1" if kind in ("accepted", "queried") else None
        with parts.database.transaction() as tx:
            row, sealed = packages.delivery(tx, package, party), packages.get(tx, package)
            assert row is not None
            assert sealed is not None
            made = new_receipt(
                kind, package, party, row.sha256, sealed.agreement_hash, now, officer
            )
            keep(tx, Taken(made, to_bytes(made), None, "api"), sealed, row, kind, now)

    def ask(self, day: str, hour: str, package: str) -> None:
        """The DfE asks about a package."""
        with self.at(day, hour) as (parts, now):
            words = b"The date seems to be that of another child."
            who = ("dfe", "dfe-officer-1")
            self.query = threads.ask(parts.queries(), package, *who, words, now).id

    def answer(self, day: str, hour: str) -> None:
        """Ofsted answers what the DfE asked."""
        with self.at(day, hour) as (parts, now):
            words = b"The date is as the authority gave it."
            threads.answer(parts.queries(), self.query, "ofsted-officer-1", words, now)

    def waiting(self, party: str, flow: str = NOTIFICATIONS) -> list[str]:
        """The packages that lie in a party's outbox uncollected, oldest first."""
        asked = (
            "SELECT package_id FROM deliveries WHERE party = ? AND state = 'placed' "
            "AND package_id LIKE ? ORDER BY package_id"
        )
        return [package for (package,) in self.work.query(asked, party, f"{flow}-%")]

    def alarms(self) -> list[Raised]:
        """Every alarm that was ever raised, in order."""
        asked = "SELECT code, subject, raised_at FROM alarms ORDER BY id"
        return [(code, subject, _london(at)) for code, subject, at in self.work.query(asked)]

    def cleared(self) -> dict[tuple[str, str], str]:
        """When each alarm ended."""
        asked = "SELECT code, subject, cleared_at FROM alarms WHERE cleared_at IS NOT NULL"
        return {(code, subject): _london(at) for code, subject, at in self.work.query(asked)}

    def told_of(self, event: str) -> list[Any]:
        """What the ledger says of alarms: code, subject and level of each such event."""
        return [
            (leaf["facts"]["code"], leaf["subject"], leaf["facts"].get("level"), _zulu(leaf["at"]))
            for leaf in self.work.leaves(event)
        ]

    def digests(self, day: str) -> dict[str, Any]:
        """Every party's digest of a day as plain data, each held against `status` of that time."""
        with self.at(day, "17:00") as (parts, now):
            status = status_of(parts, now)
            with parts.database.transaction() as tx:
                told = {
                    party: digest_of(tx, parts.agreed, party, date.fromisoformat(day), now)
                    for party in parties_of(parts.agreed)
                }
        owed = {tuple(item.values()) for item in status["outstanding"]}
        found = {party: digest.as_json(now) for party, digest in told.items()}
        shown = [item for digest in found.values() for item in digest["outstanding"]]
        assert {tuple(item.values()) for item in shown} == owed
        return found

    def steps(self) -> dict[tuple[str, str], dict[str, int]]:
        """By recipient and step, how many deliveries took it first on each day, by the ledger."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        first: set[tuple[str, str]] = set()
        names = {"delivery.placed": "sent"}
        for leaf in self.work.leaves():
            kind = names.get(leaf["event"]) or leaf["facts"].get("kind", "")
            if leaf["event"] not in ("delivery.placed", "receipt.recorded"):
                continue
            if (kind, leaf["subject"]) in first:
                continue
            first.add((kind, leaf["subject"]))
            days = found.setdefault((leaf["facts"]["party"], kind), {})
            day = _zulu(leaf["at"])[:10]
            days[day] = days.get(day, 0) + 1
        return found


def weekdays(first: str, last: str) -> list[str]:
    """Monday to Friday, bank holidays among them."""
    span = days_from(date.fromisoformat(first), date.fromisoformat(last))
    return [day.isoformat() for day in span if day.weekday() < 5]


def _london(stored: str) -> str:
    at = datetime.fromisoformat(stored).replace(tzinfo=ZoneInfo("UTC"))
    return f"{at.astimezone(LONDON):%Y-%m-%d %H:%M}"


def _zulu(text: str) -> str:
    return _london(text.removesuffix("Z"))
