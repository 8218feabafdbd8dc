"""What people on the site ask of the worker: judged anew, whatever the site says."""

import json
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from receipting import Recipients

from gateway.access import people as acts
from gateway.access.people import OPERATOR
from gateway.access.sessions import begin, new_secret
from gateway.agreement.windows import LONDON, london_date
from gateway.dispatch.password import released_password
from gateway.engine.door import Door, ask
from gateway.records import registers
from gateway.records.registers import wanted
from gateway.store import grants, ledger, people

FLOW = "notifications"


class Desk:
    """Somebody of dfe who has signed in, before the worker's open door."""

    def __init__(self, recipients: Recipients) -> None:
        self.recipients, self.parts = recipients, recipients.parts
        self.now = recipients.now
        with self.parts.database.transaction() as tx:
            who = acts.Newcomer("Jo", "dfe", "jo@example.org")
            self.person = acts.add_person(tx, who, OPERATOR, self.now).id
            people.change(tx, self.person, password="x", tf_totp_secret="x")
            acts.enrol(tx, self.person, self.now)
        self.train(30)
        self.grant("recipient")

    def train(self, days: int) -> str:
        """An officer of dfe notes that they were trained today; the entry."""
        day = london_date(self.now)
        asked = wanted.training(self.person, day, day + timedelta(days=days), "Data.", self.now)
        with self.parts.database.transaction() as tx:
            known = self.parts.sealer, self.parts.officers, asked
            return registers.enter(tx, *known, "dfe-officer-1", self.now).id

    def grant(self, role: str, flow: str = FLOW) -> None:
        """They may do that."""
        with self.parts.database.transaction() as tx:
            acts.grant(tx, self.parts.flows(), self.person, (flow, role), OPERATOR, self.now)

    def session(self, **more: Any) -> str:
        """A session of theirs: its secret."""
        secret = new_secret()
        fixed = {"contents_sealed": b"", "agent": "", "person_id": self.person}
        with self.parts.database.transaction() as tx:
            begin(tx, secret, **{**fixed, "now": self.now, "fresh_at": self.now, **more})
        return secret

    def ask(self, session: str, **more: str) -> dict[str, Any]:
        """Ask for the password of the package, or for something else."""
        about = {"party": "dfe", "flow": FLOW, "package": self.recipients.package_id}
        asked = {"op": "password", "session": session, **about, **more}
        return ask(self.recipients.home.door, asked)

    def leaves(self, name: str) -> list[dict[str, Any]]:
        """The facts of the leaves of that event."""
        with self.parts.database.transaction() as tx:
            told = [json.loads(row.leaf) for row in ledger.leaves(tx)]
        return [leaf["facts"] for leaf in told if leaf["event"] == name]


@pytest.fixture
def desk(recipients: Recipients) -> Iterator[Desk]:
    """Somebody before the open door."""
    door = Door(recipients.parts, lambda: recipients.now)
    try:
        yield Desk(recipients)
    finally:
        door.close()


def test_the_password_is_released_and_the_ledger_says_so(desk: Desk) -> None:
    answer = desk.ask(desk.session())
    with desk.parts.database.transaction() as tx:
        wanted = released_password(tx, desk.parts.sealer, desk.recipients.package_id, "dfe")
    assert answer == {"ok": True, "password": wanted}
    facts = {"package": desk.recipients.package_id, "party": "dfe", "way": "web"}
    assert desk.leaves("password.released") == [facts]


def test_who_may_not_have_it_is_refused_and_recorded(desk: Desk) -> None:
    long_ago: datetime = desk.now - timedelta(minutes=10)
    stale, nobody = desk.session(fresh_at=long_ago), desk.session(person_id=None)
    idle = desk.session(now=desk.now - timedelta(minutes=15))
    good = desk.session()
    told = [
        desk.ask(stale)["code"],
        desk.ask(nobody)["code"],
        desk.ask(idle)["code"],
        desk.ask("forged")["code"],
        desk.ask(good, party="panel")["code"],
        desk.ask(good, flow="scr-updates")["code"],
        desk.ask(good, package="another")["code"],
    ]
    assert told == [
        "session.stale",
        "session.nobody",
        "session.idle",
        "session.unknown",
        "session.grant",
        "session.grant",
        "package.unknown",
    ]
    assert [facts["code"] for facts in desk.leaves("password.refused")] == told
    assert desk.leaves("password.released") == []


def test_a_grant_that_was_revoked_and_a_person_who_left_get_nothing(desk: Desk) -> None:
    secret = desk.session()
    assert desk.ask(secret)["ok"]
    with desk.parts.database.transaction() as tx:
        for row in grants.in_force(tx, desk.person):
            acts.revoke(tx, row.id, OPERATOR, desk.now)
    assert desk.ask(secret)["code"] == "session.grant"
    with desk.parts.database.transaction() as tx:
        acts.leave(tx, desk.person, OPERATOR, desk.now)
    assert desk.ask(secret)["code"] == "session.ended"


def test_the_worker_asks_for_training_that_counts_whatever_the_site_says(desk: Desk) -> None:
    """Its time is the worker's own: it lapses and is gained anew in the middle of a session."""
    end = datetime.combine(desk.now.date() + timedelta(days=31), time(), LONDON)
    for moment, code in ((end - timedelta(seconds=1), ""), (end, "session.training")):
        desk.recipients.now = moment
        secret = desk.session(now=moment, fresh_at=moment)
        assert desk.ask(secret).get("code", "") == code
    desk.now = end
    entry = desk.train(7)
    assert desk.ask(secret)["ok"], "trained anew, and the same session"
    with desk.parts.database.transaction() as tx:
        known = desk.parts.sealer, desk.parts.officers, entry
        registers.take(tx, *known, "left", "dfe-officer-1", "Moved.", end)
    assert desk.ask(secret)["code"] == "session.training"
    told = [facts["code"] for facts in desk.leaves("password.refused")]
    assert told == ["session.training"] * 2


@pytest.mark.parametrize("role", ["administrator", "auditor", "approver"])
def test_no_other_role_sees_a_password(desk: Desk, role: str) -> None:
    with desk.parts.database.transaction() as tx:
        for row in grants.in_force(tx, desk.person):
            acts.revoke(tx, row.id, OPERATOR, desk.now)
    desk.grant(role, "*")
    assert desk.ask(desk.session())["code"] == "session.grant"


def test_what_nobody_knows_is_answered(desk: Desk) -> None:
    session = desk.session()
    assert desk.ask(session, op="dance", package="x")["code"] == "asked.malformed"
    assert desk.ask(session, token="x")["code"] == "asked.malformed"
    drop = {"op": "withdraw", "session": session, "party": "ofsted", "flow": FLOW, "drop": "x"}
    assert ask(desk.recipients.home.door, drop)["code"] == "session.grant"
