"""Rules across the cells of a row, with dates spelled out, and no second finding for one fault."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from gateway.agreement.model import RuleBook
from gateway.intake.checking.rules import whole_years

HARM = "Child has been seriously harmed and abuse or neglect is known or suspected"
ALIVE = {
    "Death of child: yes or no": "No",
    "Death: whether natural causes": "",
    "Main cause": "",
    "Nature of notification": "Other",
}
INCIDENT, RECEIVED = "Date of incident", "Date notification was received"
BORN, AGE = "Date of birth", "Age"
PANEL, DECISION = "Date of SCR panel", "SCR decision date"
REPORT, PUBLISHED = "SCR report received date", "Date SCR to be published"
CAUSE, NATURAL = "Main cause", "Death: whether natural causes"


def _received(incident: str, received: str) -> dict[str, str]:
    return {INCIDENT: incident, RECEIVED: received, BORN: "", AGE: "5"}


def _born(born: str, incident: str, age: str) -> dict[str, str]:
    return {BORN: born, INCIDENT: incident, RECEIVED: incident, AGE: age}


def _review(panel: str, decision: str, report: str, published: str) -> dict[str, str]:
    return {PANEL: panel, DECISION: decision, REPORT: report, PUBLISHED: published}


CASES: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "received on the day": (_received("02/05/2024", "02/05/2024"), []),
    "received the day before": (
        _received("02/05/2024", "01/05/2024"), [("rule.not-before", RECEIVED)],
    ),
    "Monday to next Monday: 5th working day": (_received("13/05/2024", "20/05/2024"), []),
    "Monday to next Tuesday: 6th": (
        _received("13/05/2024", "21/05/2024"), [("rule.late", RECEIVED)],
    ),
    "Saturday to Friday: 5th": (_received("11/05/2024", "17/05/2024"), []),
    "Saturday to Saturday: no working day more": (_received("11/05/2024", "18/05/2024"), []),
    "Saturday to Monday week: 6th": (
        _received("11/05/2024", "20/05/2024"), [("rule.late", RECEIVED)],
    ),
    "across the May bank holiday: 5th": (_received("03/05/2024", "13/05/2024"), []),
    "across the May bank holiday: 6th": (
        _received("03/05/2024", "14/05/2024"), [("rule.late", RECEIVED)],
    ),
    "across Easter: 5th": (_received("28/03/2024", "08/04/2024"), []),
    "across Easter: 6th": (_received("28/03/2024", "09/04/2024"), [("rule.late", RECEIVED)]),
    "across Christmas and New Year: 5th": (_received("22/12/2023", "03/01/2024"), []),
    "across Christmas and New Year: 6th": (
        _received("22/12/2023", "04/01/2024"), [("rule.late", RECEIVED)],
    ),
    "across the one-off holiday of 19 September 2022": (_received("14/09/2022", "22/09/2022"), []),
    "one day more": (_received("14/09/2022", "23/09/2022"), [("rule.late", RECEIVED)]),
    "incident after today": (
        _received("04/06/2024", "03/06/2024"), [("date.future", INCIDENT)],
    ),
    "received after today": (
        _received("03/06/2024", "04/06/2024"), [("date.future", RECEIVED)],
    ),
    "today itself": (_received("03/06/2024", "03/06/2024"), []),
    "born after today": (
        _born("04/06/2024", "03/06/2024", "unborn"), [("date.future", BORN)],
    ),
    "an impossible incident is told once": (
        _received("31/02/2024", "01/02/2024"), [("date.impossible", INCIDENT)],
    ),
    "age as the dates give it": (_born("01/03/2010", "01/03/2024", "14"), []),
    "the day before the birthday": (_born("02/03/2010", "01/03/2024", "13"), []),
    "a year too many": (_born("02/03/2010", "01/03/2024", "14"), [("rule.age-differs", AGE)]),
    "29 February is not yet on 28": (_born("29/02/2008", "28/02/2023", "14"), []),
    "29 February falls on 1 March": (_born("29/02/2008", "01/03/2023", "15"), []),
    "and not on 28": (
        _born("29/02/2008", "28/02/2023", "15"), [("rule.age-differs", AGE)],
    ),
    "29 February in a leap year": (_born("29/02/2008", "29/02/2024", "16"), []),
    "under 1 is 0": (_born("01/03/2024", "01/05/2024", "under 1"), []),
    "0 is 0": (_born("01/03/2024", "01/05/2024", "0"), []),
    "under 1 at 1": (_born("01/05/2023", "01/05/2024", "under 1"), [("rule.age-differs", AGE)]),
    "born on the day of the incident": (_born("01/05/2024", "01/05/2024", "0"), []),
    "born after, unborn": (_born("02/05/2024", "01/05/2024", "unborn"), []),
    "born after, age blank": (
        _born("02/05/2024", "01/05/2024", ""), [("rule.born-after", BORN)],
    ),
    "born after, age given": (
        _born("02/05/2024", "01/05/2024", "0"), [("rule.born-after", BORN)],
    ),
    "born after, age at fault": (
        _born("02/05/2024", "01/05/2024", "nil"), [("age.malformed", AGE)],
    ),
    "born before, unborn": (
        _born("01/03/2024", "01/05/2024", "unborn"), [("rule.age-differs", AGE)],
    ),
    "neither birth nor age": (_born("", "01/05/2024", ""), [("rule.one-of", BORN)]),
    "age alone": (_born("", "01/05/2024", "3"), []),
    "birth alone": (_born("01/05/2020", "01/05/2024", ""), []),
    "birth at fault, age blank": (
        _born("01/13/2020", "01/05/2024", ""), [("date.month-first", BORN)],
    ),
    "derived and too old": (
        _born("01/05/1990", "01/05/2024", ""), [("age.out-of-range", AGE)],
    ),
    "natural causes without a death": (
        {**ALIVE, NATURAL: "Yes"}, [("rule.only-when", NATURAL)],
    ),
    "not natural, without a death": (
        {**ALIVE, NATURAL: "not known"}, [("rule.only-when", NATURAL)],
    ),
    "no death and nothing said": (ALIVE, []),
    "a death at fault is told once": (
        {"Death of child: yes or no": "maybe"}, [("yes-no.unknown", "Death of child: yes or no")],
    ),
    "a cause without death or harm": ({**ALIVE, CAUSE: "Neglect"}, [("rule.only-when", CAUSE)]),
    "a cause of harm": ({**ALIVE, CAUSE: "Neglect", "Nature of notification": HARM}, []),
    "a cause of harm among others": (
        {**ALIVE, CAUSE: "Other: a fall", "Nature of notification": f"Other: a fire;{HARM}"}, [],
    ),
    "a cause, and another nature": (
        {**ALIVE, CAUSE: "Neglect", "Nature of notification": "Looked after child has died;Other"},
        [("rule.only-when", CAUSE)],
    ),
    "a cause, and a nature at fault": (
        {**ALIVE, CAUSE: "Neglect", "Nature of notification": "harm"},
        [("code.unknown", "Nature of notification")],
    ),
    "review in order": (_review("05/05/2024", "06/05/2024", "07/05/2024", "08/05/2024"), []),
    "review all on one day": (_review(*["05/05/2024"] * 4), []),
    "review in the future": (_review("05/05/2025", "06/05/2025", "", "08/05/2026"), []),
    "decision before panel": (
        _review("07/05/2024", "06/05/2024", "08/05/2024", ""), [("rule.out-of-order", DECISION)],
    ),
    "published before report": (
        _review("05/05/2024", "06/05/2024", "09/05/2024", "08/05/2024"),
        [("rule.out-of-order", PUBLISHED)],
    ),
    "published before decision, no report": (
        _review("05/05/2024", "06/05/2024", "", "05/05/2024"), [("rule.out-of-order", PUBLISHED)],
    ),
    "a date at fault is passed over": (
        _review("05/05/2024", "32/05/2024", "", "04/05/2024"),
        [("date.impossible", DECISION), ("rule.out-of-order", PUBLISHED)],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def judged(examined: Any) -> Any:
    """All cases as one file."""
    return examined([cells for cells, _ in CASES.values()])


@pytest.mark.parametrize("name", CASES)
def test_rule(name: str, judged: Any) -> None:
    row = 2 + list(CASES).index(name)
    assert judged.of_row(row) == sorted(CASES[name][1], key=lambda item: item[0])


def test_severities_are_the_agreements(judged: Any) -> None:
    severity = {item.code: item.severity for item in judged.found}
    assert [severity[f"rule.{code}"] for code in ("late", "out-of-order", "age-differs")] == (
        ["query"] * 3
    )
    assert severity["rule.not-before"] == severity["rule.only-when"] == "error"


def test_a_rule_on_some_values_of_a_field_alone(book: RuleBook, examined: Any) -> None:
    rules = [rule for rule in book.flow.rules if rule.id == "cause-of-death-or-harm"]
    some = rules[0].model_copy(update={"values": ("Suicide", "Overdose"), "severity": "query"})
    flow = book.flow.model_copy(update={"rules": (some,)})
    rows = [{**ALIVE, CAUSE: cause} for cause in ("Suicide", "Neglect", "Other: a fall")]
    result = examined(rows, rules=book.model_copy(update={"flow": flow}))
    assert [(item.row, item.code, item.severity) for item in result.found] == [
        (2, "rule.only-when", "query")
    ]


@pytest.mark.parametrize(
    ("born", "at", "years"),
    [
        (date(2000, 2, 29), date(2001, 2, 28), 0), (date(2000, 2, 29), date(2001, 3, 1), 1),
        (date(2000, 12, 31), date(2001, 1, 1), 0), (date(2000, 1, 1), date(2000, 1, 1), 0),
        (date(2001, 1, 1), date(2000, 12, 31), -1), (date(1999, 10, 10), date(2024, 10, 10), 25),
    ],
)  # fmt: skip
def test_whole_years(born: date, at: date, years: int) -> None:
    assert whole_years(pl.Series([born]), pl.Series([at])).to_list() == [years]


def test_derived_ages_and_initials(examined: Any) -> None:
    names = {
        "Aisha Khan": "AK", "Si\u00e2n O'Neill-Jones": "SOJ", "khan, aisha": "AK",
        "Mr Noah Abbott": "NA", "No\u00e9 (known as Nono) D\u2019Arcy": "ND",
        "One Two Three Four Five Six": "OTTFS", "\u00c9lodie": "\u00c9",
    }  # fmt: skip
    rows = [{"Child's initials": "", "Child's full name": name} for name in names]
    rows += [{"Child's initials": "", "Child's full name": name} for name in ("Not known", "7", "")]
    rows += [{AGE: ""}, {AGE: "", BORN: "03/05/2023"}, {AGE: "", BORN: "01/05/2024"}]
    result = examined(rows)
    assert [result.rows[row]["initials"] for row in range(2, 9)] == list(names.values())
    required = [row for row, code in result.of_rows if code == "cell.required"]
    assert required == [9, 10, 11]
    assert len(result.of_rows) == 3
    assert [result.rows[row]["age"] for row in (12, 13, 14)] == ["14", "0", "0"]


def test_an_agreement_that_derives_nothing(book: RuleBook, examined: Any) -> None:
    fields = tuple(spec.model_copy(update={"derive": None}) for spec in book.flow.fields)
    plain = book.model_copy(update={"flow": book.flow.model_copy(update={"fields": fields})})
    rows = [{AGE: ""}, {"Child's initials": "", "Child's full name": "Aisha Khan"}]
    result = examined(rows, rules=plain)
    assert result.of_rows == [(3, "cell.required")]
    assert result.rows[2]["age"] == ""


def test_derived_where_the_columns_are_absent(examined: Any, clean: dict[str, Any]) -> None:
    given = {name: cell for name, cell in clean.items() if name not in (AGE, "Child's initials")}
    result = examined([given | {"Child's full name": "Aisha Khan"}], whole=False)
    assert result.of_rows == []
    assert (result.rows[2]["initials"], result.rows[2]["age"]) == ("AK", "14")
    assert result.told.missing == ("Child's initials", AGE)


def test_initials_that_are_a_word_of_the_childs_name(examined: Any) -> None:
    cases: dict[tuple[str, str], list[str]] = {
        ("MIA", "Mia Jones"): ["initials.full-name"],
        ("mia", "Mia Jones"): ["initials.full-name"],
        ("JO", "Jo Adams"): ["initials.full-name"],
        ("JO", "Jo Owens"): [],
        ("JO", "Jane Owens"): [],
        ("JO", "Jo O'Neill"): [],
        ("AB", "Aisha Begum"): [],
        ("AB", "Carla Abbott"): [],
    }
    rows = [{"Child's initials": text, "Child's full name": name} for text, name in cases]
    result = examined(rows)
    found = {case: [code for code, _ in result.of_row(row)] for row, case in enumerate(cases, 2)}
    assert found == cases
