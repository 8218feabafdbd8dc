"""Each register's life: entries and steps, refusals, and what somebody writes by hand."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from registrar import AGENT, DAY, OURS, STAFF, THEIRS, WORDS, Book, officer

from gateway.access.officers import Officers, OfficersFault
from gateway.access.people import OPERATOR, Newcomer, add_person
from gateway.records import registers
from gateway.records.registers import RegisterRefused, steps_left
from gateway.records.registers import wanted as asked
from gateway.records.registers.rules import REGISTERS, REQUESTS
from gateway.store import registers as rows
from gateway.store.database import StoreFault
from gateway.store.lifecycles import MOVES

# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_is_told_known_and_closed(book: Book, kind: str) -> None:
    entry = book.request(kind)
    kept = book.read(entry)
    assert (kept.row.party, kept.row.state, kept.words) == ("ofsted", "open", WORDS)
    assert kept.row.due_at == datetime(2026, 3, 31, 23, 0, tzinfo=UTC)  # London's 31 March is over
    assert steps_left(kept.progress, "ofsted") == ["informed", "note", "mistaken"]
    assert steps_left(kept.progress, "dfe") == ["note"]
    assert book.take(entry, "informed", words="").row.state == "open"
    assert book.take(entry, "acknowledged", THEIRS, "").row.state == "informed"
    book.take(entry, "note", THEIRS, "We hold nothing on it.")
    closed = book.take(entry, "closed", words="Disclosed in part.")
    assert (closed.row.state, closed.row.ended_at) == ("closed", book.now)
    assert steps_left(closed.progress, "ofsted") == steps_left(closed.progress, "dfe") == []


def test_a_request_may_be_closed_before_the_other_has_said_that_it_knows(book: Book) -> None:
    entry = book.request()
    assert book.refused(entry, "closed") == "register.too-early"
    book.take(entry, "informed")
    book.take(entry, "closed")
    assert book.refused(entry, "note") == "register.ended"
    after = book.take(entry, "acknowledged", THEIRS)
    assert (after.row.state, after.row.ended_at) == ("closed", book.now)


def test_each_step_is_the_right_partys(book: Book) -> None:
    entry = book.request()
    assert book.refused(entry, "informed", THEIRS) == "register.not-yours"
    assert book.refused(entry, "acknowledged", THEIRS) == "register.too-early"
    book.take(entry, "informed")
    assert book.refused(entry, "informed") == "register.repeated"
    assert book.refused(entry, "acknowledged", OURS) == "register.not-yours"
    assert book.refused(entry, "acknowledged", AGENT) == "register.not-yours"
    assert book.refused(entry, "note", AGENT) == "register.not-yours"
    book.take(entry, "acknowledged", "dfe-dan")
    assert book.refused(entry, "acknowledged", THEIRS) == "register.repeated"
    assert book.refused(entry, "closed", THEIRS) == "register.not-yours"
    assert book.refused(entry, "agreed") == "register.no-step"
    assert book.refused(entry, "nonsense") == "register.no-step"
    assert book.refused(entry, "note", "ofsted-aud") == "register.not-entitled"
    assert book.refused(entry, "note", words="  ") == "register.words"
    assert book.refused(entry, "note", words="x" * 2001) == "register.words"


def test_what_was_entered_by_mistake_is_closed_and_stays(book: Book) -> None:
    entry = book.request()
    assert book.refused(entry, "mistaken", THEIRS) == "register.not-yours"
    assert book.take(entry, "mistaken", words="It is another body's.").row.state == "closed"
    assert book.refused(entry, "mistaken") == "register.ended"


# --- incidents ------------------------------------------------------------------------------------


def test_an_incident_is_closed_after_all_of_it(book: Book) -> None:
    """The sign-off itself takes keys: test_signing."""
    entry = book.incident()
    aware = book.now - timedelta(hours=1)
    assert book.read(entry).row.due_at == aware + timedelta(hours=72)
    assert book.read(entry).fields["kind"] == "loss"
    assert book.refused(entry, "acknowledged") == "register.not-yours"
    assert book.take(entry, "acknowledged", THEIRS).row.state == "informed"
    assert book.refused(entry, "action-done") == "register.too-early"
    book.take(entry, "action", THEIRS, "Ask the courier.")
    book.take(entry, "action", words="Lock the post-room.")
    book.take(entry, "action-done", words="Locked.")
    assert book.refused(entry, "ico-reported", THEIRS) == "register.not-yours"
    assert book.take(entry, "ico-reported", words="Case IC-1.").row.due_at is None
    assert book.refused(entry, "ico-not-reportable") == "register.repeated"
    assert book.refused(entry, "ico-reported") == "register.repeated"
    assert book.refused(entry, "agreed") == "register.not-signed"
    assert book.refused(entry, "mistaken") == "register.no-step"
    assert book.read(entry).proposal is None
    assert book.take(entry, "proposed", THEIRS, "We are sorry.").proposal is not None
    assert book.refused(entry, "closed") == "register.too-early"


# --- training -------------------------------------------------------------------------------------


def test_training_is_noted_by_another_and_found_by_the_person(book: Book) -> None:
    until = date(2027, 3, 1)
    entry = book.training()
    kept = book.read(entry)
    assert [(item.step, item.officer) for item in kept.steps] == [("completed", THEIRS)]
    with book.database.transaction() as tx:
        assert registers.trained_until(tx, THEIRS, "dfe") == until
        assert registers.trained_until(tx, THEIRS, "ofsted") is None, "whose person they are not"
        assert registers.trained_until(tx, OURS, "ofsted") is None
        assert [(row.person, row.entry_id) for row in registers.trained_people(tx)] == [
            (THEIRS, entry)
        ]
    own = asked.training("dfe-dan", DAY, until, "Handling data.", book.now)
    assert book.not_entered(own, "dfe-dan") == "register.own-training"


def test_training_is_renewed_and_ends_when_its_person_leaves(book: Book) -> None:
    first = book.training(until=date(2026, 9, 1))
    same = asked.training(THEIRS, DAY, date(2026, 9, 1), "Again.", book.now)
    assert book.not_entered(same, "dfe-dan") == "register.repeated"
    other = asked.training(THEIRS, DAY, date(2027, 9, 1), "Again.", book.now)
    assert book.not_entered(other, OURS) == "register.not-yours"
    second = book.training(until=date(2027, 9, 1))
    assert (book.steps(first)[-1], book.read(first).row.state) == ("renewed", "closed")
    assert book.refused(second, "renewed", "dfe-dan") == "register.not-by-hand"
    assert book.refused(second, "completed", "dfe-dan") == "register.not-by-hand"
    assert book.refused(second, "lapsed", "dfe-dan") == "register.not-by-hand"
    assert book.refused(second, "left", OURS) == "register.not-yours"
    book.take(second, "left", "dfe-dan", "Moved to another department.")
    with book.database.transaction() as tx:
        assert registers.trained_until(tx, THEIRS, "dfe") is None


def test_training_lapses_at_its_time_and_not_before(book: Book) -> None:
    entry = book.training(until=date(2026, 3, 20))
    with book.database.transaction() as tx, pytest.raises(RegisterRefused):
        registers.lapse(tx, book.sealer, entry, book.now)
    book.now = datetime(2026, 3, 21, 0, 0, tzinfo=UTC)
    with book.database.transaction() as tx:
        registers.lapse(tx, book.sealer, entry, book.now)
    kept = book.read(entry)
    assert (kept.row.state, kept.row.ended_at) == ("lapsed", None)
    with book.database.transaction() as tx, pytest.raises(RegisterRefused) as refused:
        registers.lapse(tx, book.sealer, entry, book.now)
    assert refused.value.code == "register.repeated"
    with book.database.transaction() as tx:
        assert registers.trained_until(tx, THEIRS, "dfe") == date(2026, 3, 20)
    book.training(until=date(2027, 3, 1))
    assert book.read(entry).row.state == "closed"


def test_a_party_trains_its_own_people_alone_and_by_one_id(book: Book) -> None:
    """Training lets people act: no other party gives it, or gets in its way."""
    until = date(2027, 3, 1)
    with book.database.transaction() as tx:
        clerk, linked = (
            add_person(
                tx, Newcomer(name, "dfe", f"{name}@example.org", officer), OPERATOR, book.now
            )
            for name, officer in (("clerk", None), ("bob", THEIRS))
        )
    for person in (THEIRS, clerk.id):
        other = asked.training(person, DAY, until, "Handling data.", book.now)
        assert book.not_entered(other, OURS) == "register.not-yours"
        assert book.not_entered(other, AGENT) == "register.not-yours"
    by_person = asked.training(linked.id, DAY, until, "Handling data.", book.now)
    assert book.not_entered(by_person, "dfe-dan") == "register.person"
    book.training("dfe-new", date(2028, 3, 1), OURS)  # before anybody is of that id
    staff = [*STAFF, officer("dfe-new")]
    book.officers = Officers(staff, STAFF.signatories)
    book.training("dfe-new", until)
    book.training(clerk.id, until)
    with book.database.transaction() as tx:
        assert registers.trained_until(tx, "dfe-new", "dfe") == until
        assert registers.trained_until(tx, clerk.id, "dfe") == until


def test_an_agent_notes_its_own_peoples_training_and_looks_alone(book: Book) -> None:
    entry = book.training("panel-kim", who=AGENT)
    assert book.read(entry).row.party == "panel"
    assert book.read(book.enter(asked.look(book.now), AGENT)).row.party == "panel"
    assert book.not_entered(asked.feedback("Good.", book.now), AGENT) == "register.not-a-party"
    request = asked.request("foi", DAY, WORDS, book.now)
    assert book.not_entered(request, AGENT) == "register.not-a-party"


# --- meetings, looks, feedback --------------------------------------------------------------------


def test_a_meeting_is_known_to_both_and_followed_by_the_next(book: Book) -> None:
    first = book.meeting(date(2026, 2, 2), date(2026, 3, 2))
    assert book.read(first).row.due_at == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert book.refused(first, "acknowledged") == "register.not-yours"
    assert book.take(first, "acknowledged", THEIRS).row.state == "informed"
    second = book.meeting(who=THEIRS)
    assert (book.steps(first)[-1], book.read(first).row.state) == ("followed", "closed")
    assert book.read(second).row.state == "open"
    late = book.meeting(date(2026, 1, 5))
    assert (book.steps(late), book.read(late).row.state) == (["followed"], "closed")
    assert book.read(second).row.state == "open"
    alone = asked.meeting(DAY, ("ofsted",), "Alone.", book.now)
    assert book.not_entered(alone) == "register.attended"


def test_a_look_is_noted_once_a_day(book: Book) -> None:
    first = book.enter(asked.look(book.now), THEIRS)
    leaves = len(book.leaves())
    assert book.enter(asked.look(book.now), "dfe-dan") == first
    assert len(book.leaves()) == leaves
    assert book.enter(asked.look(book.now), OURS) != first
    kept = book.read(first)
    assert (kept.row.state, kept.row.ended_at) == ("closed", book.now)
    assert book.refused(first, "note", THEIRS) == "register.no-step"
    book.now += timedelta(days=1)
    assert book.enter(asked.look(book.now), THEIRS) != first


def test_feedback_is_acknowledged_by_the_other(book: Book) -> None:
    entry = book.enter(asked.feedback("The dates came late.", book.now))
    assert book.refused(entry, "acknowledged") == "register.not-yours"
    kept = book.take(entry, "acknowledged", THEIRS, "")
    assert (kept.row.state, kept.row.ended_at) == ("informed", book.now)
    assert book.refused(entry, "acknowledged", THEIRS) == "register.ended"


# --- what is asked to be entered ------------------------------------------------------------------

LATER, BEFORE = date(2026, 3, 3), date(2026, 3, 1)
BAD = {
    "a request from tomorrow": lambda now: asked.request("foi", LATER, WORDS, now),
    "a request due before it came": lambda now: asked.request("foi", DAY, WORDS, now, BEFORE),
    "a request due after the Act's time": lambda now: asked.request(
        "foi", DAY, WORDS, now, date(2026, 4, 1)
    ),
    "an incident from tomorrow": lambda now: asked.incident(
        "loss", now + timedelta(days=1), WORDS, now
    ),
    "a review to come": lambda now: asked.review(LATER, "Both", WORDS, now),
    "training to come": lambda now: asked.training("dfe-x", LATER, date(2027, 1, 1), "X", now),
    "training that ends when it begins": lambda now: asked.training("dfe-x", DAY, DAY, "X", now),
    "training for four years": lambda now: asked.training("dfe-x", DAY, date(2030, 3, 2), "X", now),
    "a meeting to come": lambda now: asked.meeting(LATER, ("dfe",), "X", now),
    "a next meeting before": lambda now: asked.meeting(DAY, ("dfe",), "X", now, DAY),
}


@pytest.mark.parametrize("case", BAD)
def test_days_that_make_no_sense(book: Book, case: str) -> None:
    with pytest.raises(RegisterRefused) as refused:
        BAD[case](book.now)
    assert refused.value.code == "register.days"


def test_what_else_is_no_entry(book: Book) -> None:
    for build, code in (
        (lambda: asked.feedback(" ", book.now), "register.words"),
        (lambda: asked.request("review", DAY, WORDS, book.now), "register.unknown"),
        (lambda: asked.incident("theft", book.now, WORDS, book.now), "register.kind"),
        (lambda: asked.training("Bob B", DAY, LATER, "X", book.now), "register.person"),
    ):
        with pytest.raises(RegisterRefused) as refused:
            build()
        assert refused.value.code == code
    with pytest.raises(OfficersFault):
        book.enter(asked.look(book.now), "nobody")
    assert book.not_entered(asked.look(book.now), "ofsted-aud") == "register.not-entitled"
    with pytest.raises(RegisterRefused) as refused:
        book.read("foi-0")
    assert refused.value.code == "register.no-entry"


# --- what is kept, and what is told ---------------------------------------------------------------


def test_the_ledger_has_each_act_and_names_nobody(book: Book) -> None:
    entry = book.request()
    book.take(entry, "informed", words="Told by telephone.")
    book.take(entry, "acknowledged", THEIRS)
    book.training()
    told = book.leaves("register.")
    assert [leaf["event"] for leaf in told] == [
        "register.entered",
        "register.step",
        "register.step",
        "register.moved",
        "register.entered",
        "register.step",
    ]
    assert told[0]["facts"] == {"register": "foi", "party": "ofsted"}
    assert told[2]["facts"] == {"register": "foi", "party": "dfe", "step": "acknowledged"}
    assert told[3]["facts"] == {"register": "foi", "party": "ofsted", "to": "informed"}
    assert {leaf["subject"] for leaf in told[:4]} == {f"register:{entry}"}
    assert told[0]["agreement"] == "ab"
    text = json.dumps(told)
    assert not any(word in text for word in (OURS, THEIRS, "astray", "telephone"))


def test_what_is_said_is_sealed(book: Book, tmp_path) -> None:
    entry = book.request()
    book.take(entry, "note", words="Between ourselves.")
    for part in tmp_path.glob("gateway.db*"):
        assert b"astray" not in part.read_bytes()
        assert b"ourselves" not in part.read_bytes()


def test_an_entry_stays_as_it_was_when_the_parties_change(book: Book) -> None:
    entry = book.request()
    book.take(entry, "informed")
    book.officers = Officers([*book.officers, officer("x-y")], ("dfe", "ofsted", "x"))
    assert book.take(entry, "acknowledged", THEIRS).row.state == "informed"


# --- what is written by hand ----------------------------------------------------------------------

BY_HAND = {
    "a state": "UPDATE register_entries SET state = 'closed'",
    "an end": "UPDATE register_entries SET ended_at = made_at",
    "both": "UPDATE register_entries SET state = 'closed', ended_at = made_at",
    "a later due day": "UPDATE register_entries SET due_at = '2027-01-01 00:00:00.000000'",
    "no due day": "UPDATE register_entries SET due_at = NULL",
    "another party": "UPDATE register_entries SET party = 'dfe'",
    "another day": "UPDATE register_entries SET opened_on = '2026-02-01'",
    "another register": "UPDATE register_entries SET register = 'press'",
    "another making": "UPDATE register_entries SET made_at = '2026-02-01 00:00:00.000000'",
    "a step of nobody": "INSERT INTO register_steps (entry_id, step, party, officer, made_at) "
    "SELECT id, 'acknowledged', 'dfe', 'dfe-bob', made_at FROM register_entries",
    "a step copied": "INSERT INTO register_steps (entry_id, step, party, officer, words_sealed, "
    "made_at) SELECT entry_id, step, party, officer, words_sealed, made_at FROM register_steps",
    "a step of another officer": "UPDATE register_steps SET officer = 'ofsted-eve'",
    "a step of another name": "UPDATE register_steps SET step = 'note'",
    "a step of another party": "UPDATE register_steps SET party = 'dfe'",
    "a signature": "UPDATE register_steps SET signature = x'00'",
    "a step removed from the middle": "DELETE FROM register_steps WHERE id = 1",
}


@pytest.mark.parametrize("case", BY_HAND)
def test_what_is_written_by_hand_is_found_and_worth_nothing(book: Book, case: str) -> None:
    entry = book.request()
    book.take(entry, "informed")
    book.take(entry, "note")
    book.by_hand(BY_HAND[case])
    for act in (
        lambda: book.read(entry),
        lambda: book.take(entry, "acknowledged", THEIRS),
        lambda: book.take(entry, "closed"),
    ):
        with pytest.raises(RegisterRefused) as refused:
            act()
        assert refused.value.code == "register.altered"


def test_one_entrys_words_serve_no_other(book: Book) -> None:
    entry, other = book.request(), book.request()
    book.by_hand(
        "UPDATE register_entries SET body_sealed = "
        "(SELECT body_sealed FROM register_entries WHERE id = ?) WHERE id = ?",
        other,
        entry,
    )
    with pytest.raises(RegisterRefused) as refused:
        book.read(entry)
    assert refused.value.code == "register.altered"
    assert book.read(other).words == WORDS


def test_no_entry_and_no_step_is_removed(book: Book) -> None:
    book.take(book.request(), "informed")
    for table in ("register_entries", "register_steps"):
        with pytest.raises(StoreFault) as refused, book.database.transaction() as tx:
            tx.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        assert refused.value.code == "deletion.refused"


def test_a_review_written_into_the_database_is_none(book: Book) -> None:
    book.enter(asked.review(DAY, "Both", "It works.", book.now))
    book.by_hand("UPDATE register_entries SET state = 'agreed', ended_at = made_at")
    with book.database.transaction() as tx:
        assert registers.latest_agreed_review(tx) is None


# --- the rules ------------------------------------------------------------------------------------


def test_every_state_that_steps_lead_to_can_be_moved_to() -> None:
    moves = MOVES["register"]
    for register in REGISTERS.values():
        reached = {rule.to for rule in register.steps.values() if rule.to}
        assert {state for _, state in moves} >= reached
        assert register.ends & ({register.begins} | reached)
        for rule in register.steps.values():
            assert set(rule.needs) | set(rule.apart_from) <= set(register.steps)


def test_many_entries_are_read_at_once(book: Book) -> None:
    made = [book.request() for _ in range(3)]
    with book.database.transaction() as tx:
        assert sorted(row.id for row in rows.listed(tx, ("foi",))) == sorted(made)
        assert rows.listed(tx, ("press",)) == []
        assert len(rows.steps_of(tx, [*made, *map(str, range(1200))])) == 1203
