"""The site and the worker over one home, in one process: whoever visits has a real session.

The site is told who visits (`SaidToBe`), as in `at_the_site`; what it asks at the worker's door,
the worker judges by that session's row, as it always does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from at_the_site import AtTheSite, site_over
from rehearsing import AtWork, clean_row
from signing_in import TOKEN
from werkzeug.test import TestResponse

from gateway.access import sessions
from gateway.access.grants import valid_grants
from gateway.access.rehearsal import read_people, train_people
from gateway.access.statements import signed_statement
from gateway.access.training import training_of
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.engine.asked import answer_to
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.intake.confined.reader import Reader
from gateway.store import grants, people, requests
from gateway.web.visitor import Grant, Visitor

MORNING, WINDOW, AFTER = "2031-03-03T15:00", "2031-03-03T16:05", "2031-03-03T16:20"
PACKAGE = "notifications-2031-03-03-01"
HELD_ROW = 3
TRAINED_FOR = timedelta(days=365)


def live_a_day(root: Path, reader: Reader) -> Path:
    """A day: one row is sent, one is held because of a name in it."""
    work = AtWork(root, reader)
    with work.parts(MORNING) as (parts, now), parts.database.transaction() as tx:
        known = parts.sealer, parts.officers, read_people(root)
        train_people(tx, *known, now, TRAINED_FOR)  # they were when the home was made, years before
    work.rows(clean_row(1), clean_row(2, case="Quentin Zzyzwick was seen."))
    work.tick(MORNING)
    work.tick(WINDOW)
    return root


@dataclass
class Offices:
    """The people of both parties, at the site, and the worker."""

    work: AtWork
    parts: Parts
    now: datetime
    at: AtTheSite

    def enter(self, who: str, fresh: bool = True, lapsed: bool = False) -> Visitor:
        """From now on ``approver-1@ofsted`` visits; ``lapsed``: for too long already."""
        with self.parts.database.transaction() as tx:
            person = people.by_email(tx, f"{who}.invalid")
            assert person is not None, who
            rows, training = grants.in_force(tx, person.id), training_of(tx, person, self.now)
            secret = sessions.new_secret()
            begun = self.now - (timedelta(hours=13) if lapsed else timedelta(minutes=11))
            sessions.begin(
                tx,
                secret,
                contents_sealed=b"",
                agent="A browser",
                now=self.now,
                person_id=person.id,
                begun_at=begun,
                fresh_at=self.now if fresh else begun,
                way="password and app",
            )
        valid = valid_grants(person, rows, training.until, training.today)
        given = tuple(Grant(item.party, item.flow, item.role) for item in valid)
        self.at.people.who = Visitor(person.id, person.name, given, secret, fresh, training)
        return self.at.people.who

    def get(self, path: str) -> TestResponse:
        """Look at a page."""
        return self.at.client.get(path)

    def post(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form, with a token of the session's own."""
        found = TOKEN.search(self.get("/sign-in").text)
        assert found is not None
        return self.at.client.post(path, data={**(fields or {}), "csrf_token": found[1]})

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Ask the worker directly, as a site that was broken into might."""
        who = self.at.people.who
        assert who is not None
        about = {"session": who.session, "party": who.grants[0].party, **asked}
        return answer_to(self.parts, json.dumps(about).encode(), self.now)

    def tick(self) -> TickReport:
        """The worker looks."""
        with only_worker(self.parts, 5):
            return tick(self.parts, self.now)

    def recall(self, reason: str = "It went to the wrong day.") -> str:
        """The sender asks that the package be recalled; the request's id."""
        self.enter("sender@ofsted")
        told = self.post("/approvals/new/recall", {"subject": PACKAGE, "reason": reason})
        assert told.status_code == 303, told.text
        return told.location.rpartition("/")[2]

    def signed(self, request_id: str, officer: str) -> bytes:
        """An officer's own signature over a request's statement."""
        with self.parts.database.transaction() as tx:
            row = requests.get(tx, request_id)
        assert row is not None
        keyring = HomeKeys(self.work.home.root).rehearsal(officer)
        key = self.parts.officers.get(officer).key
        assert key is not None
        with OpenPGP(keyring, self.now) as openpgp:
            return signed_statement(openpgp, row, key)

    def state(self, request_id: str) -> str:
        """Where a request stands."""
        with self.parts.database.transaction() as tx:
            row = requests.get(tx, request_id)
        assert row is not None
        return row.state


@contextmanager
def offices_over(root: Path, reader: Reader, moment: str = AFTER) -> Iterator[Offices]:
    """The site and the worker over a home, at that time."""
    work = AtWork(root, reader)
    with work.parts(moment) as (parts, now):

        def ask(asked: dict[str, Any]) -> dict[str, Any]:
            return answer_to(parts, json.dumps(asked).encode(), now)

        with site_over(root, now, ask=ask) as at:
            yield Offices(work, parts, now, at)
