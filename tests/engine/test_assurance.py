"""The assurance report: every clause has a control, and a live figure or an honest reason."""

import json
import re
from datetime import UTC, datetime, timedelta

from receipting import PLACED_AT, Recipients

from gateway.engine.assurance import Assurance, as_html, assurance_of
from gateway.engine.clauses import CLAUSES
from gateway.engine.figures import Rate

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
