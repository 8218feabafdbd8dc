"""The real sign-in over a rehearsal home, in the test's own process, at a time that tests set."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.access.rehearsal import Shown, read_people
from gateway.access.secondfactor import code_now, seconds_left
from gateway.access.training import known_as
from gateway.agreement.windows import london_date
from gateway.bootstrap import open_face, open_parts
from gateway.crypto.keys import HomeKeys
from gateway.engine.door import ask
from gateway.records import registers
from gateway.records.leaf import Fact
from gateway.records.registers import wanted
from gateway.settings import Home
from gateway.store import ledger
from gateway.store import people as rows
from gateway.store.database import Database
from gateway.web.app import PARTS, make_site
from gateway.web.signin import People
from gateway.web.site import Site
from gateway.web.visitor import page, visitor

DAY = datetime(2026, 3, 2, 10, 0, 15, tzinfo=UTC)
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ENOUGH_SECONDS = 10
TRIED = Blueprint("tried", __name__)


@page(TRIED, "/<party>/<flow>/tried", roles={"sender", "recipient"})
def tried(party: str, flow: str) -> str:
    """A page of a party and a flow."""
    return f"{visitor().name} is at {party} {flow}"


@page(TRIED, "/tried/sensitive", roles={"sender", "recipient"}, fresh=True)
def sensitive() -> str:
    """A page of a sensitive act."""
    return "sensitive"


def lasting_code(key: str) -> str:
    """The code by the real clock, as people enter it: one that is about to end they let pass."""
    if (left := seconds_left(datetime.now(UTC))) < ENOUGH_SECONDS:
        time.sleep(left)
    return code_now(key, datetime.now(UTC))


@dataclass
class Person:
    """Somebody with a browser of their own."""

    doorway: "Doorway"
    shown: Shown
    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        """Look at a page."""
        return self.client.get(path, **more)

    def post(self, path: str, fields: dict[str, str] | None = None, page: str = "") -> TestResponse:
        """Send a form, with the token of the page that it is on (or of any other with a form)."""
        found = TOKEN.search(self.get(page or path).text) or TOKEN.search(self.get("/sign-in").text)
        found = found or TOKEN.search(self.get("/account").text)
        token = {"csrf_token": found[1]} if found else {}
        return self.client.post(path, data={**(fields or {}), **token})

    def give_password(self, password: str | None = None) -> TestResponse:
        """Send address and password."""
        asked = {"email": self.shown.email, "password": password or self.shown.password}
        asked["next"] = "/"
        return self.post("/sign-in", asked)

    def give_code(self, code: str | None = None) -> TestResponse:
        """Send the code of the app now."""
        return self.post("/sign-in/code", {"code": code or self.code(), "next": "/"})

    def code(self) -> str:
        """What the app shows now."""
        return code_now(self.shown.key, self.doorway.now)

    def sign_in(self) -> TestResponse:
        """Sign in with all it takes, half a minute after whatever was before."""
        self.doorway.later(seconds=31)
        assert self.give_password().status_code == 302
        answer = self.give_code()
        assert answer.status_code == 302, answer.text
        return answer

    @property
    def cookie(self) -> str:
        """The secret in the cookie."""
        found = self.client.get_cookie("gateway")
        return found.value if found else ""

    @property
    def is_in(self) -> bool:
        """Whether the account page shows."""
        return self.get("/account").status_code == 200


@dataclass
class Doorway:
    """The site with its real sign-in."""

    root: Path
    app: Flask
    database: Database
    now: datetime = DAY
    people: dict[str, Shown] = field(default_factory=dict)

    def later(self, **by: float) -> datetime:
        """It gets later."""
        self.now += timedelta(**by)
        return self.now

    def person(self, who: str) -> Person:
        """Somebody of the rehearsal, as ``recipient of dfe``, at a browser of their own."""
        return Person(self, self.people[who], self.app.test_client())

    def id_of(self, who: str) -> str:
        """Their id."""
        with self.database.transaction() as tx:
            found = rows.by_email(tx, self.people[who].email)
        assert found is not None
        return found.id

    def train(self, who: str, until: date | None) -> None:
        """An officer of theirs notes that they were trained today, and ends what was noted before.

        None: nothing is noted anew.
        """
        with open_parts(Home(self.root)) as parts, parts.database.transaction() as tx:
            found = rows.by_email(tx, self.people[who].email)
            assert found is not None
            party, person = found.party, known_as(found)
            noting = next(it.id for it in parts.officers.of(party, "approver") if it.id != person)
            known = parts.sealer, parts.officers
            for row in registers.trained_people(tx):
                if row.person == person:
                    last = row.entry_id, "mistaken", noting, "Noted for another.", self.now
                    registers.take(tx, *known, *last)
            if until is not None:
                today = london_date(self.now)
                asked = wanted.training(person, today, until, "Handling data.", self.now)
                registers.enter(tx, *known, asked, noting, self.now)

    def told(self, name: str) -> list[dict[str, Fact]]:
        """The facts of each leaf of that event."""
        with self.database.transaction() as tx:
            leaves = [json.loads(row.leaf) for row in ledger.leaves(tx)]
        return [leaf["facts"] for leaf in leaves if leaf["event"] == name]


@contextmanager
def doorway_over(root: Path) -> Iterator[Doorway]:
    """The site over a home, with two pages to try."""
    with open_face(Home(root)) as parts:
        secret = HomeKeys(root).web_secret.read_bytes()
        made: list[Doorway] = []

        def now() -> datetime:
            return made[0].now if made else DAY

        def asked(request: dict[str, Any]) -> dict[str, Any]:
            return ask(parts.home.door, request)

        site = Site(parts, now, asked, People(parts, now), secret)
        app = make_site(site, (*PARTS, TRIED))
        app.config["PROPAGATE_EXCEPTIONS"] = True
        shown = {item.who: item for item in read_people(root)}
        made.append(Doorway(root, app, parts.database, people=shown))
        yield made[0]
