"""What is done about people, each with its entry in the ledger, and what may not be done."""

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from registrar import STAFF

from gateway.access import people as acts
from gateway.access.people import OPERATOR, Newcomer, PersonRefused
from gateway.access.sessions import (
    SessionRefused,
    begin,
    new_secret,
    require_fresh,
    require_grant,
    session_of,
)
from gateway.access.training import NOT_TRAINED, Training
from gateway.agreement.windows import london_date
from gateway.crypto.sealing import Sealer
from gateway.records import registers
from gateway.records.registers import wanted
from gateway.store import grants, ledger, people
from gateway.store.database import Database, Transaction

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FLOWS: list[Any] = [
    SimpleNamespace(id="notifications", sender="ofsted", recipients=[SimpleNamespace(party="dfe")])
]


def joined(tx: Transaction, name: str = "jo", party: str = "dfe", trained: bool = True) -> str:
    """Somebody who has set up their account, and was trained; their id."""
    who = Newcomer(name, party, f"{name}@example.org")
    person = acts.add_person(tx, who, OPERATOR, AT)
    people.change(tx, person.id, password="x", tf_totp_secret="x")
    acts.enrol(tx, person.id, AT)
    if trained:
        train(tx, person.id)
    return person.id


def train(tx: Transaction, person: str, days: int = 365, now: datetime = AT) -> None:
    """An officer of dfe or ofsted notes that a person was trained, for so many days after today."""
    row = people.get(tx, person)
    party = row.party if row else person.partition("-")[0]
    by, today = {"dfe": "dfe-bob", "ofsted": "ofsted-ann"}[party], london_date(now)
    asked = wanted.training(person, today, today + timedelta(days=days), "Handling data.", now)
    registers.enter(tx, Sealer(b"k" * 32), STAFF, asked, by, now)


def administrator(tx: Transaction, party: str = "dfe") -> str:
    """An administrator of a party."""
    person_id = joined(tx, f"admin-{party}", party)
    acts.grant(tx, FLOWS, person_id, ("*", "administrator"), OPERATOR, AT)
    return person_id


def signed_in(tx: Transaction, person_id: str) -> str:
    """A session of theirs: its secret."""
    secret = new_secret()
    more = {"contents_sealed": b"", "agent": "", "now": AT, "fresh_at": AT}
    begin(tx, secret, person_id=person_id, **more)
    return secret


def told(tx: Transaction) -> list[str]:
    """The events of the ledger that are about people."""
    names = [json.loads(row.leaf)["event"] for row in ledger.leaves(tx)]
    return [name for name in names if name.split(".")[0] in ("person", "grant", "session")]


def refused(code: str) -> Any:
    """An act is refused with that code."""
    return pytest.raises(PersonRefused, check=lambda error: error.code == code)


def test_every_act_is_in_the_ledger_and_names_nobody(database: Database) -> None:
    with database.transaction() as tx:
        token = acts.first_administrator(tx, Newcomer("Ann Other", "dfe", "ann@example.org"), AT)
        ann = acts.invited(tx, token, AT)
        acts.choose_password(tx, token, "x", AT)
        people.change(tx, ann.id, tf_totp_secret="x")
        acts.enrol(tx, ann.id, AT)
        train(tx, ann.id)
        jo = joined(tx)
        made = acts.grant(tx, FLOWS, jo, ("notifications", "recipient"), ann.id, AT)
        acts.revoke(tx, made.id, ann.id, AT)
        signed_in(tx, jo)
        assert acts.end_sessions(tx, jo, ann.id, AT) == 1
        acts.reset(tx, jo, ann.id, AT)
        acts.leave(tx, jo, ann.id, AT)
        assert told(tx) == [
            "grant.made",
            "person.invited",
            "person.enrolled",
            "person.enrolled",
            "grant.made",
            "grant.revoked",
            "session.ended",
            "person.reset",
            "person.invited",
            "person.left",
        ]
        leaves = b"".join(row.leaf for row in ledger.leaves(tx))
        for name in (b"Ann", b"ann@", jo.encode(), ann.id.encode(), token.encode()):
            assert name not in leaves


def test_there_is_one_first_administrator(database: Database) -> None:
    with database.transaction() as tx:
        administrator(tx)
        with refused("person.not-first"):
            acts.first_administrator(tx, Newcomer("B", "dfe", "b@example.org"), AT)


def test_nobody_grants_to_themself_nor_takes_their_own_key_away(database: Database) -> None:
    with database.transaction() as tx:
        ann = administrator(tx)
        with refused("grant.own"):
            acts.grant(tx, FLOWS, ann, ("notifications", "recipient"), ann, AT)
        with refused("grant.own"):
            acts.reset(tx, ann, ann, AT)


def test_an_administrator_acts_for_the_own_party_alone(database: Database) -> None:
    with database.transaction() as tx:
        other, jo = administrator(tx, "ofsted"), joined(tx)
        held = acts.grant(tx, FLOWS, jo, ("notifications", "recipient"), OPERATOR, AT)
        for act in (
            lambda: acts.grant(tx, FLOWS, jo, ("*", "auditor"), other, AT),
            lambda: acts.revoke(tx, held.id, other, AT),
            lambda: acts.leave(tx, jo, other, AT),
            lambda: acts.reset(tx, jo, other, AT),
            lambda: acts.end_sessions(tx, jo, other, AT),
            lambda: acts.add_person(tx, Newcomer("B", "dfe", "b@example.org"), other, AT),
            lambda: acts.grant(tx, FLOWS, other, ("*", "auditor"), jo, AT),
        ):
            with refused("person.no-right"):
                act()


def test_only_what_the_agreement_has_a_use_for_is_granted(database: Database) -> None:
    with database.transaction() as tx:
        jo = joined(tx)
        for wanted in (("notifications", "sender"), ("other", "recipient"), ("*", "king")):
            with refused("grant.no-use"):
                acts.grant(tx, FLOWS, jo, wanted, OPERATOR, AT)
        acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)
        with refused("grant.there"):
            acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)


def test_an_address_is_one_persons_and_well_formed(database: Database) -> None:
    with database.transaction() as tx:
        joined(tx)
        with refused("person.known"):
            acts.add_person(tx, Newcomer("Jo", "dfe", "JO@example.org "), OPERATOR, AT)
        for name, email in (("", "b@c"), ("two\nlines", "b@c"), ("B", "b"), ("B", "a@b, c@d")):
            with refused("person.malformed"):
                acts.add_person(tx, Newcomer(name, "dfe", email), OPERATOR, AT)


def test_invitations_end_by_time_use_and_another(database: Database) -> None:
    with database.transaction() as tx:
        person = acts.add_person(tx, Newcomer("B", "dfe", "b@example.org"), OPERATOR, AT)
        first = acts.invite(tx, person.id, OPERATOR, AT)
        second = acts.invite(tx, person.id, OPERATOR, AT)
        assert acts.invited(tx, second, AT).id == person.id
        for token, at in ((first, AT), (second, AT + acts.INVITED_FOR), ("", AT), ("x", AT)):
            with refused("invitation.ended"):
                acts.invited(tx, token, at)
        with refused("person.unfinished"):
            acts.enrol(tx, person.id, AT)
        people.change(tx, person.id, tf_totp_secret="x")
        acts.enrol(tx, person.id, AT)
        with refused("invitation.ended"):
            acts.invited(tx, second, AT)
        with refused("person.enrolled"):
            acts.invite(tx, person.id, OPERATOR, AT)


def test_grants_and_people_stay_in_the_database(database: Database) -> None:
    with database.transaction() as tx:
        jo = joined(tx)
        held = acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)
        acts.revoke(tx, held.id, OPERATOR, AT)
    for statement in (
        "DELETE FROM grants",
        "DELETE FROM people",
        "UPDATE grants SET role = 'auditor'",
        "UPDATE grants SET revoked_at = NULL",
        "UPDATE grants SET revoked_by = 'another'",
    ):
        with (
            pytest.raises(Exception, match=r"never|remove or rewrite"),
            database.transaction() as tx,
        ):
            tx.exec_driver_sql(statement)
    with database.transaction() as tx:
        assert [row.revoked_by for row in grants.of_person(tx, jo)] == [OPERATOR]


# --- sessions -------------------------------------------------------------------------------------


def code_of(tx: Transaction, secret: str, now: datetime) -> str:
    """Why a session lets nobody in, or "" where it does."""
    try:
        session_of(tx, secret, now)
    except SessionRefused as refusal:
        return refusal.code
    return ""


def test_a_session_is_judged_anew_each_time(database: Database) -> None:
    with database.transaction() as tx:
        jo = joined(tx)
        secret = signed_in(tx, jo)
        assert code_of(tx, secret, AT) == ""
        assert code_of(tx, secret, AT + timedelta(minutes=15)) == "session.idle"
        assert code_of(tx, secret[:-1], AT) == "session.unknown"
        people.change(tx, jo, enrolled_at=None)
        assert code_of(tx, secret, AT) == "session.unfinished"
        people.change(tx, jo, enrolled_at=AT, active=False)
        assert code_of(tx, secret, AT) == "session.left"
        people.change(tx, jo, active=True)
        acts.end_sessions(tx, jo, OPERATOR, AT)
        assert code_of(tx, secret, AT) == "session.ended"


def test_a_session_is_fresh_for_ten_minutes_and_has_the_grants_of_now(database: Database) -> None:
    with database.transaction() as tx:
        jo = joined(tx)
        secret = signed_in(tx, jo)
        held = acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)
        now = session_of(tx, secret, AT + timedelta(minutes=9))
        require_fresh(now)
        assert {grant.role for grant in now.grants} == {"recipient"}
        acts.revoke(tx, held.id, OPERATOR, AT)
        later = session_of(tx, secret, AT + timedelta(minutes=10))
        assert not later.grants
        with pytest.raises(SessionRefused):
            require_fresh(later)


def test_what_is_kept_of_a_session_is_a_hash(database: Database) -> None:
    with database.transaction() as tx:
        secret = signed_in(tx, joined(tx))
        kept = tx.exec_driver_sql("SELECT secret_hash FROM site_sessions").scalar_one()
        assert secret.encode() not in kept


# --- training -------------------------------------------------------------------------------------

MIDNIGHT = datetime(2026, 5, 1, 23, 0, tzinfo=UTC)  # London's, when 1 May ends


def may_receive(tx: Transaction, person_id: str, now: datetime) -> str:
    """Why somebody may not receive by a session begun now, or "" where they may."""
    secret = new_secret()
    begin(tx, secret, person_id=person_id, contents_sealed=b"", agent="", now=now, fresh_at=now)
    try:
        require_grant(session_of(tx, secret, now), ("recipient",), "dfe", "notifications")
    except SessionRefused as refusal:
        return refusal.code
    return ""


def test_a_grant_counts_from_the_first_moment_of_training_to_the_end_of_its_last_day(
    database: Database,
) -> None:
    with database.transaction() as tx:
        jo = joined(tx, trained=False)
        acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)
        assert may_receive(tx, jo, AT) == "session.training"
        train(tx, jo, days=60)
        assert may_receive(tx, jo, AT) == ""
        assert may_receive(tx, jo, MIDNIGHT - timedelta(microseconds=1)) == ""
        assert may_receive(tx, jo, MIDNIGHT) == "session.training"
        train(tx, jo, days=30, now=MIDNIGHT)
        assert may_receive(tx, jo, MIDNIGHT) == ""
        for row in grants.in_force(tx, jo):
            acts.revoke(tx, row.id, OPERATOR, AT)
        assert may_receive(tx, jo, AT) == "session.grant"


def test_training_that_was_a_mistake_or_another_partys_word_is_none(database: Database) -> None:
    with database.transaction() as tx:
        jo = joined(tx)
        acts.grant(tx, FLOWS, jo, ("*", "recipient"), OPERATOR, AT)
        (row,) = registers.trained_people(tx)
        known = Sealer(b"k" * 32), STAFF, row.entry_id
        registers.take(tx, *known, "mistaken", "dfe-bob", "It was somebody else.", AT)
        assert may_receive(tx, jo, AT) == "session.training"
        who = Newcomer("Bob", "dfe", "bob@example.org", "dfe-new")
        bob = acts.add_person(tx, who, OPERATOR, AT).id
        people.change(tx, bob, password="x", tf_totp_secret="x")
        acts.enrol(tx, bob, AT)
        acts.grant(tx, FLOWS, bob, ("*", "recipient"), OPERATOR, AT)
        asked = wanted.training("dfe-new", AT.date(), AT.date() + timedelta(9), "Data.", AT)
        registers.enter(tx, Sealer(b"k" * 32), STAFF, asked, "ofsted-ann", AT)
        assert may_receive(tx, bob, AT) == "session.training"
        train(tx, "dfe-new")
        assert may_receive(tx, bob, AT) == "", "an officer is known by the officer's id"


def test_an_administrator_without_training_administers_nobody(database: Database) -> None:
    with database.transaction() as tx:
        ann, jo = administrator(tx), joined(tx)
        late = AT + timedelta(days=366)
        with refused("person.no-right"):
            acts.grant(tx, FLOWS, jo, ("*", "recipient"), ann, late)
        train(tx, ann, now=late)
        acts.grant(tx, FLOWS, jo, ("*", "recipient"), ann, late)


def test_training_is_near_its_end_for_thirty_days() -> None:
    last = date(2026, 5, 1)
    days = [last - timedelta(days=by) for by in (30, 29, 0, -1)]
    assert [Training(last, day).ends_soon for day in days] == [False, True, True, False]
    assert [Training(last, day).counts for day in days] == [True, True, True, False]
    assert not NOT_TRAINED.counts and not NOT_TRAINED.ends_soon
