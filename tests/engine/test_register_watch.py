"""What is owed in the registers is alarmed at its time, and ends by the step that was owed."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from receipting import PLACED_AT, Recipients
from rehearsing import AtWork

from gateway.agreement.windows import LONDON
from gateway.engine.parts import Parts
from gateway.engine.registerwatch import watch_registers
from gateway.receipts.notices import audiences
from gateway.records import registers
from gateway.records.registers import wanted
from gateway.records.registers.wanted import Wanted
from gateway.store import alarms

OURS, THEIRS = "ofsted-officer-1", "dfe-officer-1"
CLERK = "ofsted-clerk"  # whom nobody has trained; the rehearsal's own people are
WORDS = "Words."
DAY = date(2026, 3, 2)


def at(text: str) -> datetime:
    """A London time."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


class Watched:
    """A home whose registers are written and looked at, at times of the test's choosing."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def enter(self, moment: str, asked: Wanted, who: str = OURS) -> str:
        """Make an entry; its id."""
        with self.parts.database.transaction() as tx:
            known = self.parts.sealer, self.parts.officers
            return registers.enter(tx, *known, asked, who, at(moment)).id

    def take(self, moment: str, entry: str, step: str, who: str = OURS) -> None:
        """Take a step."""
        with self.parts.database.transaction() as tx:
            known = self.parts.sealer, self.parts.officers
            registers.take(tx, *known, entry, step, who, WORDS, at(moment))

    def look(self, moment: str) -> list[tuple[str, str]]:
        """The open alarms of the registers once the watch has looked."""
        watch_registers(self.parts, at(moment))
        ours = ("register.", "incident.", "training.", "meeting.", "monitoring.")
        with self.parts.database.transaction() as tx:
            told = [(item.code, item.subject) for item in alarms.open_alarms(tx)]
        return sorted(item for item in told if item[0].startswith(ours))

    def by_hand(self, sql: str) -> None:
        """Somebody writes into the database."""
        plain = sqlite3.connect(self.parts.home.database)
        with plain:
            plain.execute(sql)
        plain.close()


@pytest.fixture
def watched(work: AtWork) -> Iterator[Watched]:
    """A home on Monday 2 March 2026."""
    with work.parts("2026-03-02T10:00") as (parts, _):
        yield Watched(parts)


# --- requests -------------------------------------------------------------------------------------


def test_a_request_that_the_other_party_is_not_told_of(watched: Watched) -> None:
    entry = watched.enter(
        "2026-03-02T10:00", wanted.request("foi", DAY, WORDS, at("2026-03-02T10:00"))
    )
    told = ("register.not-told", f"register:ofsted:{entry}")
    owed = ("register.unacknowledged", f"register:dfe:{entry}")
    assert watched.look("2026-03-04T16:59") == []
    assert watched.look("2026-03-04T17:00") == [told]
    watched.take("2026-03-05T09:30", entry, "informed")
    assert watched.look("2026-03-05T09:30") == []
    assert watched.look("2026-03-09T16:59") == []
    assert watched.look("2026-03-09T17:00") == [owed]
    watched.take("2026-03-10T09:30", entry, "acknowledged", THEIRS)
    assert watched.look("2026-03-10T09:30") == []


def test_a_request_that_is_nearly_due_and_then_past(watched: Watched) -> None:
    """Received on 2 March, due on 31 March: 17 March is Saint Patrick's Day."""
    entry = watched.enter(
        "2026-03-02T10:00", wanted.request("foi", DAY, WORDS, at("2026-03-02T10:00"))
    )
    watched.take("2026-03-02T10:00", entry, "informed")
    watched.take("2026-03-02T10:00", entry, "acknowledged", THEIRS)
    subject = f"register:ofsted:{entry}"
    assert watched.look("2026-03-23T23:59") == []
    assert watched.look("2026-03-24T00:00") == [("register.due-soon", subject)]
    assert watched.look("2026-03-31T23:59") == [("register.due-soon", subject)]
    assert watched.look("2026-04-01T00:00") == [("register.overdue", subject)]
    watched.take("2026-04-01T09:00", entry, "closed")
    assert watched.look("2026-04-01T09:00") == []


# --- incidents ------------------------------------------------------------------------------------


def test_an_incident_is_told_at_once_and_the_icos_clock_runs(watched: Watched) -> None:
    aware = at("2026-03-02T09:00")
    asked = wanted.incident("loss", aware, WORDS, at("2026-03-02T10:00"))
    entry = watched.enter("2026-03-02T10:00", asked)
    known = ("incident.unacknowledged", f"register:dfe:{entry}")
    running = ("incident.ico-open", f"register:ofsted:{entry}")
    ended = ("incident.ico-late", f"register:ofsted:{entry}")
    both = ("incident.not-consulted", f"register:{entry}")
    assert watched.look("2026-03-02T10:00") == [running, known]
    watched.take("2026-03-02T10:05", entry, "acknowledged", THEIRS)
    assert watched.look("2026-03-03T16:59") == [running]
    assert watched.look("2026-03-03T17:00") == [running, both]
    assert watched.look("2026-03-05T08:59") == [running, both]
    assert watched.look("2026-03-05T09:00") == [ended, both]
    watched.take("2026-03-05T09:30", entry, "ico-not-reportable")
    assert watched.look("2026-03-05T09:30") == [both]


# --- training -------------------------------------------------------------------------------------


def test_training_warns_thirty_and_seven_days_before_it_lapses(watched: Watched) -> None:
    until = date(2026, 5, 31)
    asked = wanted.training(CLERK, DAY, until, WORDS, at("2026-03-02T10:00"))
    entry = watched.enter("2026-03-02T10:00", asked, "ofsted-officer-2")
    subject = f"register:ofsted:{entry}"
    assert watched.look("2026-05-01T23:59") == []
    assert watched.look("2026-05-02T00:00") == [("training.lapsing", f"{subject}:30")]
    assert watched.look("2026-05-25T00:00") == [("training.lapsing", f"{subject}:7")]
    assert watched.look("2026-05-31T23:59") == [("training.lapsing", f"{subject}:7")]
    assert watched.look("2026-06-01T00:00") == [("training.lapsed", subject)]
    assert watched.look("2026-06-02T00:00") == [("training.lapsed", subject)]
    with watched.parts.database.transaction() as tx:
        assert registers.read(tx, watched.parts.sealer, entry).row.state == "lapsed"
        assert registers.trained_until(tx, CLERK, "ofsted") == until
        told = [item for item in alarms.open_alarms(tx) if item.code == "training.lapsed"]
    assert CLERK not in told[0].words
    again = wanted.training(CLERK, DAY, date(2027, 3, 1), WORDS, at("2026-06-02T10:00"))
    watched.enter("2026-06-02T10:00", again, "ofsted-officer-2")
    assert watched.look("2026-06-02T10:00") == []


def test_training_of_who_has_left_is_alarmed_no_more(watched: Watched) -> None:
    asked = wanted.training(CLERK, DAY, date(2026, 3, 9), WORDS, at("2026-03-02T10:00"))
    entry = watched.enter("2026-03-02T10:00", asked, "ofsted-officer-2")
    assert [code for code, _ in watched.look("2026-03-10T00:00")] == ["training.lapsed"]
    watched.take("2026-03-10T09:00", entry, "left", "ofsted-officer-2")
    assert watched.look("2026-03-10T09:00") == []


# --- meetings and feedback ------------------------------------------------------------------------


def test_a_meeting_that_is_due_and_feedback_that_waits(watched: Watched) -> None:
    both = ("ofsted", "dfe")
    asked = wanted.meeting(DAY, both, WORDS, at("2026-03-02T10:00"), date(2026, 6, 1))
    entry = watched.enter("2026-03-02T10:00", asked)
    given = watched.enter(
        "2026-03-02T10:00", wanted.feedback(WORDS, at("2026-03-02T10:00")), THEIRS
    )
    assert watched.look("2026-03-04T17:00") == [
        ("register.unacknowledged", f"register:dfe:{entry}"),
        ("register.unacknowledged", f"register:ofsted:{given}"),
    ]
    watched.take("2026-03-05T09:00", entry, "acknowledged", THEIRS)
    watched.take("2026-03-05T09:00", given, "acknowledged", OURS)
    assert watched.look("2026-06-01T23:59") == []
    assert watched.look("2026-06-02T00:00") == [("meeting.overdue", f"register:{entry}")]
    held = wanted.meeting(date(2026, 6, 2), both, WORDS, at("2026-06-02T12:00"))
    watched.enter("2026-06-02T12:00", held)
    assert watched.look("2026-06-02T12:00") == []


# --- looks at the account -------------------------------------------------------------------------

MISSED = [("monitoring.missed", "register:dfe:monitoring")]


def test_a_working_day_without_a_look_is_alarmed_at_its_close(recipients: Recipients) -> None:
    """The package was placed on Monday 2 March: Tuesday is the first day to look on."""
    watched = Watched(recipients.parts)
    assert PLACED_AT.date() == DAY
    assert watched.look("2026-03-02T18:00") == []
    assert watched.look("2026-03-03T16:59") == []
    assert watched.look("2026-03-03T17:00") == MISSED
    watched.enter("2026-03-03T17:30", wanted.look(at("2026-03-03T17:30")), THEIRS)
    assert watched.look("2026-03-03T17:30") == []
    assert watched.look("2026-03-04T16:59") == []
    assert watched.look("2026-03-04T17:00") == MISSED
    watched.enter("2026-03-05T09:00", wanted.look(at("2026-03-05T09:00")), "panel-officer-1")
    assert watched.look("2026-03-05T09:00") == MISSED, "an agent's look is not the party's"
    recipients.now = at("2026-03-05T10:00")
    recipients.give("collected", party="dfe")
    assert watched.look("2026-03-05T10:00") == []
    assert watched.look("2026-03-05T17:00") == []
    assert watched.look("2026-03-06T17:00") == MISSED
    assert watched.look("2026-03-08T12:00") == MISSED, "no weekend ends it"


def test_nobody_looks_for_what_was_never_sent(watched: Watched) -> None:
    assert watched.look("2026-03-06T18:00") == []


# --- what was altered, and who is told ------------------------------------------------------------


def test_an_entry_altered_in_the_database_is_alarmed_until_it_is_whole(watched: Watched) -> None:
    moment = at("2026-03-02T10:00")
    entry = watched.enter("2026-03-02T10:00", wanted.feedback(WORDS, moment))
    subject = [("register.altered", f"register:{entry}")]
    assert watched.look("2026-03-02T10:00") == []
    watched.by_hand("UPDATE register_entries SET party = 'dfe' WHERE register = 'feedback'")
    assert watched.look("2026-03-02T10:05") == subject
    watched.by_hand("UPDATE register_entries SET party = 'ofsted' WHERE register = 'feedback'")
    assert watched.look("2026-03-02T10:10") == []
    watched.by_hand(
        "UPDATE register_entries SET state = 'closed', ended_at = made_at"
        " WHERE register = 'feedback'"
    )
    assert watched.look("2026-03-02T10:15") == [], "what has ended is looked at daily"
    assert watched.look("2026-03-03T00:00") == subject
    assert watched.look("2026-03-03T00:05") == subject


def test_a_tick_looks_at_the_registers(work: AtWork) -> None:
    with work.parts("2026-03-02T10:00") as (parts, now):
        watched = Watched(parts)
        asked = wanted.incident("loss", now - timedelta(hours=1), WORDS, now)
        entry = watched.enter("2026-03-02T10:00", asked)
    work.tick("2026-03-02T10:01")
    assert work.alarms()["incident.unacknowledged"] == f"register:dfe:{entry}"
    told = {leaf["facts"]["code"] for leaf in work.leaves("alarm.raised")}
    assert "incident.ico-open" in told


def test_whom_an_alarm_concerns_is_told(watched: Watched) -> None:
    moment = at("2026-03-02T10:00")
    watched.enter("2026-03-02T10:00", wanted.incident("loss", moment, WORDS, moment))
    watched.look("2026-03-03T17:00")
    with watched.parts.database.transaction() as tx:
        told = {
            item.code: [one.party for one in audiences(tx, item, watched.parts.agreed)]
            for item in alarms.open_alarms(tx)
        }
    assert told["incident.unacknowledged"] == ["dfe"]
    assert told["incident.ico-open"] == ["ofsted"]
    assert {"dfe", "ofsted"} <= set(told["incident.not-consulted"])
