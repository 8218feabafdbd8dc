"""Officers who write in the registers of a plain database: no keys, no home."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from gateway.access.officers import Officer, Officers
from gateway.crypto.sealing import Sealer
from gateway.records import registers
from gateway.records.registers import Kept, RegisterRefused
from gateway.records.registers import wanted as asked
from gateway.records.registers.wanted import Wanted
from gateway.store import ledger
from gateway.store.database import Database

OURS, THEIRS, AGENT = "ofsted-ann", "dfe-bob", "panel-cat"
WORDS = "A spreadsheet went astray in the post-room."
DAY = date(2026, 3, 2)


def officer(who: str, *roles: str) -> Officer:
    """An officer whose party is the id's first word."""
    return Officer.model_validate(
        {"id": who, "name": who, "party": who.split("-")[0], "email": "x@example.org",
         "roles": roles or ("approver",)}
    )  # fmt: skip


STAFF = Officers(
    [
        officer(OURS),
        officer("ofsted-eve", "sender"),
        officer("ofsted-aud", "auditor"),
        officer(THEIRS),
        officer("dfe-dan", "recipient"),
        officer(AGENT, "recipient", "administrator"),
        officer("panel-kim", "recipient"),
    ],
    ("dfe", "ofsted"),
)


@dataclass
class Book:
    """The registers, and what officers do with them at ``now``."""

    database: Database
    now: datetime
    officers: Officers = STAFF
    sealer: Sealer = field(default_factory=lambda: Sealer(b"k" * 32))

    def enter(self, wanted: Wanted, who: str = OURS) -> str:
        """Make an entry; its id."""
        with self.database.transaction() as tx:
            known = (self.sealer, self.officers, wanted, who, self.now, "ab")
            return registers.enter(tx, *known).id

    def take(self, entry: str, step: str, who: str = OURS, words: str = "Done.") -> Kept:
        """Take a step."""
        with self.database.transaction() as tx:
            known = (self.sealer, self.officers, entry, step, who, words, self.now)
            return registers.take(tx, *known)

    def read(self, entry: str) -> Kept:
        """The entry as it stands."""
        with self.database.transaction() as tx:
            return registers.read(tx, self.sealer, entry)

    def refused(self, entry: str, step: str, who: str = OURS, words: str = "Done.") -> str:
        """The code of a refused step; nothing is changed."""
        before = self.read(entry), len(self.leaves())
        with pytest.raises(RegisterRefused) as refused:
            self.take(entry, step, who, words)
        assert refused.value.hint
        assert (self.read(entry), len(self.leaves())) == before
        return refused.value.code

    def not_entered(self, wanted: Wanted, who: str = OURS) -> str:
        """The code of a refused entry; there is none then."""
        before = len(self.leaves())
        with pytest.raises(RegisterRefused) as refused:
            self.enter(wanted, who)
        assert refused.value.hint
        assert len(self.leaves()) == before
        return refused.value.code

    def leaves(self, event: str = "") -> list[dict[str, Any]]:
        """The ledger's leaves, of events that begin so."""
        with self.database.transaction() as tx:
            told = [json.loads(row.leaf) for row in ledger.leaves(tx)]
        return [leaf for leaf in told if leaf["event"].startswith(event)]

    def steps(self, entry: str) -> list[str]:
        """The names of an entry's steps."""
        return [item.step for item in self.read(entry).steps]

    def by_hand(self, sql: str, *values: object) -> None:
        """Somebody writes into the database, past all triggers."""
        plain = sqlite3.connect(self.database.url.database or "")
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in plain.execute(names).fetchall():
            plain.execute(f"DROP TRIGGER {name}")
        with plain:
            plain.execute(sql, values)
        plain.close()

    # --- entries ---------------------------------------------------------------------------------

    def request(self, kind: Any = "foi", who: str = OURS) -> str:
        """A request that came in today."""
        return self.enter(asked.request(kind, DAY, WORDS, self.now), who)

    def incident(self, who: str = OURS) -> str:
        """A loss, noticed an hour ago."""
        aware_at = self.now - timedelta(hours=1)
        return self.enter(asked.incident("loss", aware_at, WORDS, self.now), who)

    def training(
        self, person: str = THEIRS, until: date = date(2027, 3, 1), who: str = "dfe-dan"
    ) -> str:
        """Somebody's training, completed today."""
        return self.enter(asked.training(person, DAY, until, "Handling data.", self.now), who)

    def meeting(self, held: date = DAY, next_on: date | None = None, who: str = OURS) -> str:
        """A meeting of both."""
        both = ("ofsted", "dfe")
        return self.enter(asked.meeting(held, both, "All is well.", self.now, next_on), who)
