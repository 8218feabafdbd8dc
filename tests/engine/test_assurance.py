"""The assurance report: every clause has a control, and a live figure or an honest reason."""

import json
import re
from datetime import UTC, datetime, timedelta

from receipting import PLACED_AT, Recipients

from gateway.agreement.windows import london_date
from gateway.engine.assurance import Assurance, as_html, assurance_of
from gateway.engine.clauses import CLAUSES
from gateway.engine.figures import Rate
from gateway.records import registers
from gateway.records.registers import wanted
from gateway.records.registers.wanted import Wanted

ALL = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10(a)",
    "10(b)",
    "10(c)",
    "11(a)",
    "11(b)",
    "11(c)",
    "11(d)",
    "12(a)",
    "12(b)",
    "12(c)",
    "12(d)",
]
ALL += ["13(a)", "13(b)", "13(c)", "14", "15(a)", "15(b)", "15(c)", "Annex A"]


def report_of(recipients: Recipients, at: datetime | None = None) -> Assurance:
    """The report, as the recipients' home stands."""
    return assurance_of(recipients.parts, at or recipients.now)


def test_every_clause_has_a_control_and_a_figure_or_a_reason(recipients: Recipients) -> None:
    report = report_of(recipients)
    assert [item.clause.number for item in report.clauses] == ALL
    assert set(CLAUSES) == set(ALL)
    for item in report.clauses:
        assert item.clause.control, item.clause.number
        standing = item.standing
        if standing.applies:
            assert re.search(r"\d|none yet|nobody", standing.figure), item.clause.number
            assert standing.evidence, item.clause.number
            assert standing.numbers, item.clause.number
        else:
            assert standing.figure.startswith("Not applicable because "), item.clause.number
            assert len(standing.figure) > 50
            assert item.clause.enforced in ("outside", "not-yet"), item.clause.number


def test_the_figures_are_live(recipients: Recipients) -> None:
    def numbers(number: str, at: datetime | None = None) -> dict[str, object]:
        found = report_of(recipients, at).clauses[ALL.index(number)]
        return dict(found.standing.numbers)

    assert numbers("12(d)") == {"windows": 1, "on_time": 1, "with_rows": 1, "without": 0}
    assert numbers("13(a)")["collections"] == 0  # nobody is late yet
    recipients.give("collected", "opened", "accepted", party="dfe", way="api")
    assert numbers("13(a)")["collected_on_time"] == 1
    late = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)  # the panel has not collected it
    assert numbers("13(a)", late)["collections"] == 2
    assert numbers("13(a)", late)["collected_on_time"] == 1
    assert numbers("10(c)")["answers"] == 1
    assert numbers("11(d)") == {"sent_to_agents": 1, "packages": 1}
    assert numbers("1", PLACED_AT + timedelta(days=400))["packages"] == 0


def test_the_page_and_the_json_tell_every_clause(recipients: Recipients) -> None:
    report = report_of(recipients)
    page = as_html(report)
    for number in ALL:
        assert f'<th scope="row">{number}</th>' in page
    assert "<script" not in page
    assert "A rehearsal" in page
    told = json.loads(json.dumps(report.as_json()))
    assert [item["number"] for item in told["clauses"]] == ALL
    assert told["hash"] in page


def test_a_rate_says_what_it_is_of() -> None:
    assert str(Rate(0, 0)) == "none yet"
    assert str(Rate(2, 3)) == "2 of 3 on time (66%)"


# --- registers ------------------------------------------------------------------------------------

OURS, THEIRS = "ofsted-officer-1", "dfe-officer-1"


def test_the_registers_figures_are_true(recipients: Recipients) -> None:
    parts, now, words = recipients.parts, recipients.now, "Words."
    day = london_date(now)

    def enter(asked: Wanted, who: str = OURS) -> str:
        with parts.database.transaction() as tx:
            return registers.enter(tx, parts.sealer, parts.officers, asked, who, now).id

    def take(entry: str, step: str, who: str = OURS) -> None:
        with parts.database.transaction() as tx:
            registers.take(tx, parts.sealer, parts.officers, entry, step, who, words, now)

    def numbers(number: str, at: datetime | None = None) -> dict[str, object]:
        found = report_of(recipients, at).clauses[ALL.index(number)]
        return dict(found.standing.numbers)

    request = enter(wanted.request("foi", day, words, now))
    take(request, "informed")
    take(request, "acknowledged", THEIRS)
    take(enter(wanted.request("press", day, words, now)), "mistaken")
    assert numbers("15(a)")["requests"] == 1
    assert numbers("15(b)")["requests"] == 0
    told = {"requests": 1, "open": 1, "late": 0, "closed": 0, "closed_on_time": 0}
    assert numbers("15(c)") == {**told, "informed": 1, "acknowledged": 1}
    assert numbers("15(c)", now + timedelta(days=40))["late"] == 1
    take(request, "closed")
    assert numbers("15(c)")["closed_on_time"] == 1

    enter(wanted.incident("loss", now, words, now))
    told = {"incidents": 1, "open": 1, "overdue": 0, "responses_agreed": 0}
    assert numbers("14") == told
    assert numbers("14", now + timedelta(hours=72))["overdue"] == 1

    later = now + timedelta(days=60)
    told = {"trained": 10, "lapsed": 0, "officers": 9, "officers_trained": 7}  # the rehearsal's
    told |= {"people": 10, "people_trained": 10}
    assert numbers("11(c)") == told
    other = wanted.training("panel-officer-2", day, day + timedelta(days=30), words, now)
    enter(other, "panel-officer-1")
    enter(wanted.training("a-clerk", day, day + timedelta(days=90), words, now))
    assert numbers("11(c)") == {**told, "trained": 12, "officers_trained": 8}
    assert numbers("11(c)", later) == {**told, "trained": 11, "lapsed": 1}

    both = ("dfe", "ofsted")
    enter(wanted.meeting(day, both, words, now, day + timedelta(days=30)))
    assert numbers("10(b)")["meetings"] == 1
    assert numbers("10(b)", later)["overdue"] == 1
    take(enter(wanted.feedback(words, now)), "acknowledged", THEIRS)
    assert numbers("10(c)")["feedback_acknowledged"] == 1

    enter(wanted.review(day, "Both", words, now))
    assert (numbers("3")["reviews"], numbers("3")["last_review"]) == (0, None)


def test_requests_count_for_three_years_and_until_they_end_and_meetings_for_ever(
    recipients: Recipients,
) -> None:
    parts, now, words = recipients.parts, recipients.now, "Words."
    day = london_date(now)

    def enter(asked: Wanted) -> str:
        with parts.database.transaction() as tx:
            return registers.enter(tx, parts.sealer, parts.officers, asked, OURS, now).id

    def count(number: str, name: str, at: datetime) -> object:
        return report_of(recipients, at).clauses[ALL.index(number)].standing.numbers[name]

    ended = enter(wanted.request("foi", day, words, now))
    for step, who in (("informed", OURS), ("acknowledged", THEIRS), ("closed", OURS)):
        with parts.database.transaction() as tx:
            registers.take(tx, parts.sealer, parts.officers, ended, step, who, words, now)
    enter(wanted.request("press", day, words, now))
    enter(wanted.feedback(words, now))
    enter(wanted.meeting(day, ("dfe", "ofsted"), words, now))
    within, after = now + timedelta(days=3 * 365 - 1), now + timedelta(days=3 * 365 + 1)
    assert count("15(c)", "requests", within) == 2
    assert count("15(c)", "requests", after) == count("15(c)", "open", after) == 1
    assert count("15(a)", "requests", after) == 1
    assert count("10(b)", "last_meeting", after) == day.isoformat()


def test_the_days_on_which_somebody_looked_are_counted(recipients: Recipients) -> None:
    def watched(at: datetime) -> tuple[object, object]:
        told = report_of(recipients, at).clauses[ALL.index("13(a)")].standing.numbers
        return told["days_seen"], told["days"]

    parts = recipients.parts
    tuesday = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)
    assert watched(recipients.now) == (0, 0)
    assert watched(tuesday) == (0, 1)
    with parts.database.transaction() as tx:
        known = parts.sealer, parts.officers
        registers.enter(tx, *known, wanted.look(tuesday), THEIRS, tuesday)
        registers.enter(tx, *known, wanted.look(tuesday), OURS, tuesday)
    assert watched(tuesday) == (1, 1)
    assert watched(datetime(2026, 3, 8, 18, 0, tzinfo=UTC)) == (1, 4)
