"""A rehearsal home at work, in the test's own process: for the tests of engine and faces.

Parts are the real ones; only the confined reader is shared between tests, since its start costs
more than all that a test asks of it.
"""

import csv
import hashlib
import io
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow, moment, open_parts
from gateway.dispatch import Dispatched
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.founding import sign_rehearsal
from gateway.intake.confined.reader import Reader
from gateway.settings import Home

CONFIG = Path(__file__).resolve().parents[2] / "config"
NOTIFICATIONS, UPDATES = "notifications", "scr-updates"
PLACED = {"dfe", "panel"}
Row = Mapping[str, str]


def make_reader() -> Reader:
    """A confined reader for the flows of the checkout's agreement."""
    agreed = by_flow(load_agreements(CONFIG))
    return Reader({flow_id: item.rule_book(flow_id) for flow_id, item in agreed.items()})


# --- extracts ------------------------------------------------------------------------------------


def clean_row(number: int, **change: str) -> dict[str, str]:
    """A row without fault of the `notifications` flow; ``change`` takes ``case=``, ``gender=``."""
    headings = {"case": "Case information", "gender": "Gender", "reference": "Reference number"}
    row = {
        "Reference number": f"SCN{number:06}",
        "Local authority": "Camden",
        "Child's initials": "A.B.",
        "Gender": "Female",
        "Date of birth": "04/05/2016",
        "Date of incident": "10/02/2026",
        "Date notification was received": "11/02/2026",
        "Nature of notification": "Looked after child has died",
        "Death of child: yes or no": "Yes",
        "Case information": "A referral was received and the plan was agreed.",
        "Child's full name": "Quentin Zzyzwick",
    }
    return row | {headings[name]: value for name, value in change.items()}


def update_row(number: int, status: str = "Commissioned") -> dict[str, str]:
    """A row without fault of the `scr-updates` flow."""
    return {
        "Reference number": f"SCN{number:06}",
        "Local authority": "Camden",
        "SCR status": status,
    }


def csv_of(rows: Iterable[Row], headings: Iterable[str] = tuple(clean_row(0))) -> bytes:
    """Rows as a CSV file, with its headings even where there is no row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(headings))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


UPDATE_HEADINGS = tuple(update_row(0))
NIL = csv_of([])


class AtWork:
    """One rehearsal home, and what tests do with it."""

    def __init__(self, root: Path, reader: Reader) -> None:
        self.home = Home(root)
        self.reader = reader
        self.dropped = 0

    def drop(
        self,
        content: bytes,
        flow: str = NOTIFICATIONS,
        name: str | None = None,
        party: str | None = None,
    ) -> Path:
        """Lay a settled file into a flow's inbox."""
        self.dropped += 1
        sender = party or {NOTIFICATIONS: "ofsted", UPDATES: "dfe"}[flow]
        path = self.home.inbox_of(sender, flow) / (name or f"extract-{self.dropped}.csv")
        path.write_bytes(content)
        old = time.time() - 3600 + self.dropped
        os.utime(path, (old, old))
        return path

    def rows(self, *rows: Row) -> Path:
        """Drop those rows of `notifications`."""
        return self.drop(csv_of(rows))

    @contextmanager
    def parts(self, at: str) -> Iterator[tuple[Parts, datetime]]:
        """The home's parts at a London time."""
        now, faked = moment(self.home, at)
        with open_parts(self.home, faked) as parts:
            yield replace(parts, reader=self.reader), now

    def sign_again(self) -> None:
        """Every party signs the agreement as it stands in the files."""
        with open_parts(self.home) as parts:
            for agreed in parts.versions:
                sign_rehearsal(self.home, parts.database, parts.pins, agreed, datetime.now(UTC))

    def tick(self, at: str) -> TickReport:
        """One tick at a London time."""
        with self.parts(at) as (parts, now), only_worker(parts, 0):
            return tick(parts, now)

    # --- what there is ---------------------------------------------------------------------------

    def alarms(self) -> dict[str, str]:
        """The open alarms: subject by code (the last, where there are several)."""
        return dict(self.open_alarms())

    def open_alarms(self) -> list[tuple[str, str]]:
        """Code and subject of the open alarms, oldest first."""
        return self.query("SELECT code, subject FROM alarms WHERE cleared_at IS NULL ORDER BY id")

    def leaves(self, event: str = "") -> list[dict[str, Any]]:
        """The ledger's leaves, of one event where given."""
        told = [json.loads(leaf) for (leaf,) in self.query("SELECT leaf FROM ledger ORDER BY seq")]
        return [leaf for leaf in told if not event or leaf["event"] == event]

    def states(self) -> list[str]:
        """The drops' states, oldest first."""
        return [state for (state,) in self.query("SELECT state FROM drops ORDER BY number")]

    def windows(self, flow: str = NOTIFICATIONS) -> list[tuple[str, str, bool, str | None]]:
        """Day, state, missed and package of every window of a flow, oldest first."""
        asked = "SELECT day, state, missed, package_id FROM windows WHERE flow = ? ORDER BY day"
        return [
            (day, state, bool(missed), package)
            for day, state, missed, package in self.query(asked, flow)
        ]

    def outbox(self, party: str = "dfe", flow: str = NOTIFICATIONS) -> list[str]:
        """The names in a party's outbox."""
        return sorted(path.name for path in self.home.outbox_of(party, flow).iterdir())

    def packages(self, party: str = "dfe", flow: str = NOTIFICATIONS) -> list[str]:
        """The ids of the packages that lie whole in a party's outbox."""
        names = self.outbox(party, flow)
        ids = [name.removesuffix(".manifest.json") for name in names if name.endswith(".json")]
        assert names == sorted(
            f"{item}{end}"
            for item in ids
            for end in (".manifest.json", ".manifest.json.asc", ".zip.gpg")
        )
        return ids

    def database(self) -> list[str]:
        """Everything in the database, as text."""
        return dumped(self.home.database)

    def files(self) -> dict[str, tuple[str, int]]:
        """Hash and time of every file that is kept: outboxes, vault and staged rows.

        Not the checkpoints, which are given out anew.
        """
        return {
            str(path.relative_to(self.home.root)): (digest(path), path.stat().st_mtime_ns)
            for folder in (self.home.outbox, self.home.vault, self.home.staged)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "checkpoint"
        }

    def settings(self, text: str) -> None:
        """Write the home's settings anew."""
        self.home.settings_file.write_text(text, encoding="utf-8")

    def query(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        plain = sqlite3.connect(self.home.database)
        try:
            return plain.execute(question, values).fetchall()
        finally:
            plain.close()


def packed(report: TickReport, flow: str = NOTIFICATIONS) -> list[Dispatched]:
    """The packages of a flow that a tick made."""
    return [item for item in report.dispatched if item.flow == flow]


def dumped(path: Path) -> list[str]:
    """Everything in a database, as text."""
    plain = sqlite3.connect(path)
    try:
        return list(plain.iterdump())
    finally:
        plain.close()


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
