"""The memorandum of Ofsted and the DfE as data: it says what design §6 and the clauses say."""

import csv
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.agreement.codes import CodeIndex
from gateway.agreement.load import Agreed
from gateway.agreement.model import FieldSpec, Flow
from gateway.agreement.normalise import fold_heading

ANNEX_A = """\
Reference number
Local authority
Child's initials
Gender
Ethnicity
Nationality
Date of birth
Date of incident
Age
Date notification was received
Local authority contact
Nature of notification
Death of child: yes or no
Death: whether natural causes
Main cause
Legal status of child
Whether child was subject to child protection plan at time of incident, or previously
Any prior disability
Where child was living
Involvement of agencies
Any other settings attended and their name
Whether an incident occurred at other setting
Unique reference numbers
Case information
Child protection database reference
CIE date
Serious case review (SCR) status
Date of SCR panel
SCR decision date
SCR report received date
Report author
Date SCR to be published
Linked cases""".splitlines()

SCR_UPDATES = [
    "Reference number",
    "Local authority",
    "SCR status",
    "Date of SCR panel",
    "SCR decision date",
    "SCR report received date",
    "Report author",
    "Date SCR to be published",
    "Publication decision",
]

DROPPED = """\
Child's full name|Child known as|Address line 1|Address line 2|Town|Postcode|NHS number|UPN
Mother's name|Mother's date of birth|Father's name|Father's date of birth|Sibling names|School name
GP practice|Social worker|Social worker phone|Social worker e-mail|Police reference|Hospital name
Narrative|Actions taken|System id|Notes|Religion|First language|Created by|Internal status"""


@pytest.fixture
def notifications(memorandum: Agreed) -> Flow:
    return memorandum.agreement.flow("notifications")


@pytest.fixture
def resolve(memorandum: Agreed) -> Any:
    """``resolve(list, text, *days)``: a label, or the code of what is wrong."""
    indexes = {name: CodeIndex(found) for name, found in memorandum.lists.items()}

    def answer(name: str, text: str, *days: str) -> str | None:
        found = indexes[name].resolve(text, [date.fromisoformat(day) for day in days])
        return found.label or found.problem

    return answer


def spec(flow: Flow, heading: str) -> FieldSpec:
    return next(field for field in flow.fields if field.heading == heading)


# --- the field lists -----------------------------------------------------------------------------


def test_the_33_headings_of_annex_a_in_order(notifications: Flow) -> None:
    assert len(ANNEX_A) == 33
    assert [field.heading for field in notifications.fields] == ANNEX_A


def test_the_headings_are_those_of_the_signed_text(shared_folder: Path) -> None:
    text = (shared_folder / "agreement" / "ofsted-dfe-mou.txt").read_text(encoding="utf-8")
    annex = text[text.index("Ofsted will share with the DfE daily") :]
    words = " ".join(annex.replace("\u2019", "'").split())
    at = 0
    for heading in ANNEX_A:
        found = words.find(heading, at)
        assert found >= at, heading
        at = found + len(heading)


def test_the_headings_of_the_weekly_update(memorandum: Agreed) -> None:
    flow = memorandum.agreement.flow("scr-updates")
    assert [field.heading for field in flow.fields] == SCR_UPDATES
    assert [field.heading for field in flow.fields if field.required] == SCR_UPDATES[:2]
    assert flow.reconcile_with == "notifications"


def test_what_annex_a_requires(notifications: Flow) -> None:
    required = [n for n, field in enumerate(notifications.fields, start=1) if field.required]
    assert required == [1, 2, 3, 4, 8, 10, 12, 13]


def test_the_kinds_of_annex_a(notifications: Flow) -> None:
    kinds = [field.kind for field in notifications.fields]
    assert [n for n, kind in enumerate(kinds, 1) if kind == "date"] == [
        7,
        8,
        10,
        26,
        28,
        29,
        30,
        32,
    ]
    assert [n for n, kind in enumerate(kinds, 1) if kind == "codes"] == [12, 18, 20]
    assert [n for n, kind in enumerate(kinds, 1) if kind == "code"] == [
        2, 4, 5, 6, 15, 16, 17, 19, 27,
    ]  # fmt: skip
    assert [n for n, kind in enumerate(kinds, 1) if kind == "text"] == [11, 21, 24, 31]
    assert [n for n, kind in enumerate(kinds, 1) if kind == "references"] == [23, 33]
    assert [n for n, field in enumerate(notifications.fields, 1) if field.other] == [12, 15, 19, 20]
    assert [n for n, f in enumerate(notifications.fields, 1) if f.not_after_today] == [7, 8, 10]


@pytest.mark.parametrize("heading", re.split(r"[|\n]", DROPPED))
def test_a_column_known_to_be_dropped_is_listed_and_means_no_field(
    notifications: Flow, heading: str
) -> None:
    folded = fold_heading(heading)
    assert folded in {fold_heading(column.heading) for column in notifications.source_columns}
    kept = {fold_heading(h) for field in notifications.fields for h in (field.heading, *field.also)}
    assert folded not in kept


def test_only_its_own_heading_maps_to_case_information(notifications: Flow) -> None:
    assert spec(notifications, "Case information").also == ()


def test_everyday_columns_do_not_screen(notifications: Flow) -> None:
    screens = {column.heading: column.screens for column in notifications.source_columns}
    assert {screens[h] for h in ("Religion", "First language", "Internal status")} == {"no"}
    assert {screens[h] for h in ("Child's full name", "Mother's name", "Sibling names")} == {"name"}
    assert {screens[h] for h in ("Postcode", "NHS number", "UPN")} == {"identifier"}
    assert {screens[h] for h in ("Address line 1", "Town")} == {"phrase"}


@pytest.mark.parametrize(
    ("heading", "text", "good"),
    [
        ("Reference number", "SCN00000001", True),
        ("Reference number", "A/b-c_1.2", True),
        ("Reference number", "abc1", True),
        ("Reference number", "abcd", False),
        ("Reference number", "ab1", False),
        ("Reference number", "1" * 24, True),
        ("Reference number", "1" * 25, False),
        ("Reference number", "?? to follow ??", False),
        ("Reference number", "SCN 001", False),
        ("Reference number", "SCN001\n", False),
        ("Reference number", "SCN00\u0661", False),
        ("Unique reference numbers", "EY1", True),
        ("Unique reference numbers", "E1", False),
        ("Linked cases", "1" * 30, True),
        ("Linked cases", "1" * 31, False),
        ("Child protection database reference", "CPD-0000001", True),
    ],
)
def test_the_patterns_of_references(
    notifications: Flow, heading: str, text: str, good: bool
) -> None:
    pattern = spec(notifications, heading).pattern or ""
    assert bool(re.fullmatch(pattern, text)) is good


# --- the clauses ---------------------------------------------------------------------------------


def test_every_clause_and_bullet_is_there(memorandum: Agreed) -> None:
    bullets = {"10": "abc", "11": "abcd", "12": "abcd", "13": "abc", "15": "abc"}
    expected = []
    for number in map(str, range(1, 16)):
        expected += (
            [f"{number}({mark})" for mark in bullets[number]] if number in bullets else [number]
        )
    assert [clause.number for clause in memorandum.agreement.clauses] == [*expected, "Annex A"]
    assert all(clause.words and clause.control for clause in memorandum.agreement.clauses)


def test_parties_recipients_windows_and_hold(memorandum: Agreed, notifications: Flow) -> None:
    agreement = memorandum.agreement
    assert [party.id for party in agreement.parties] == ["ofsted", "dfe", "panel"]
    assert [(to.party, to.protection) for to in notifications.recipients] == [
        ("dfe", "openpgp+password"),
        ("panel", "openpgp+password"),
    ]
    weekly = agreement.flow("scr-updates")
    assert [to.party for to in weekly.recipients] == ["ofsted"]
    assert (notifications.window.frequency, f"{notifications.window.at:%H:%M}") == (
        "working-day",
        "16:00",
    )
    assert (weekly.window.weekday, f"{weekly.window.at:%H:%M}") == ("friday", "12:00")
    assert agreement.retention.hold
    assert agreement.review.months_after_signing == 12


# --- the code lists ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "count"),
    [
        ("2016-04-01", 152),  # when the memorandum was in use
        ("2019-03-31", 152),
        ("2019-04-01", 151),  # Bournemouth and Poole became one; Dorset was made anew
        ("2021-03-31", 151),
        ("2021-04-01", 152),  # Northamptonshire became two
        ("2023-03-31", 152),
        ("2023-04-01", 153),  # Cumbria became two
        ("2026-01-01", 153),
    ],
)
def test_how_many_authorities_were_in_being(memorandum: Agreed, day: str, count: int) -> None:
    codes = memorandum.lists["local-authorities"].codes
    there = [code for code in codes if code.valid_on(date.fromisoformat(day))]
    assert len(there) == count
    assert len({code.code for code in there}) == count
    assert len({code.label for code in there}) == count


@pytest.mark.parametrize(
    ("text", "days", "answer"),
    [
        ("Camden", ["2016-04-01"], "Camden"),
        ("202", ["2016-04-01"], "Camden"),
        ("e09000007", ["2016-04-01"], "Camden"),
        ("London Borough of  camden", ["2016-04-01"], "Camden"),
        ("Hammersmith & Fulham", ["2016-04-01"], "Hammersmith and Fulham"),
        ("City of Bristol", ["2016-04-01"], "Bristol, City of"),
        ("Cumbria", ["2023-03-31"], "Cumbria"),
        ("Cumbria", ["2023-04-01"], "code.not-in-being"),
        ("Cumbria", ["2023-03-31", "2023-04-03"], "Cumbria"),
        ("Cumberland", ["2023-03-31"], "code.not-in-being"),
        ("Cumberland", ["2023-03-31", "2023-04-01"], "Cumberland"),
        ("Bournemouth, Christchurch and Poole", ["2019-03-31"], "code.not-in-being"),
        ("Bournemouth", ["2019-04-01"], "code.not-in-being"),
        ("Northamptonshire", ["2021-04-01"], "code.not-in-being"),
        ("Dorset", ["2019-03-31"], "Dorset"),
        ("Dorset", ["2019-04-01"], "Dorset"),
        ("835", ["2019-04-01"], "code.not-in-being"),
        ("838", ["2019-03-31"], "code.not-in-being"),
        ("Gateshead", ["2016-04-01"], "Gateshead"),
        ("E08000037", ["2016-04-01"], "Gateshead"),
        ("Barnsley Metropolitan Borough Council", ["2025-06-01"], "Barnsley"),
        ("E08000038", ["2025-06-01"], "Barnsley"),
        ("Durham", [], "County Durham"),
        ("Durham", ["2016-04-01"], "County Durham"),
        ("E10000005", ["2009-03-31"], "Cornwall and Isles of Scilly"),
        ("E10000005", ["2009-04-01"], "code.not-in-being"),
        ("Atlantis", ["2016-04-01"], "code.unknown"),
        ("E99999999", ["2016-04-01"], "code.unknown"),
        ("York", ["2016-04-01"], "York"),
        ("North York", ["2016-04-01"], "code.unknown"),
    ],
)
def test_authorities_by_name_code_and_day(
    resolve: Any, text: str, days: list[str], answer: str
) -> None:
    assert resolve("local-authorities", text, *days) == answer


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("gender", "male", "Male"),
        ("gender", "1", "Male"),
        ("gender", "M", "Male"),
        ("gender", "2", "Female"),
        ("gender", "F", "Female"),
        ("gender", "U", "Unknown"),
        ("gender", "9", "Unknown"),
        ("gender", "Indeterminate", "Unknown"),
        ("gender", "9 Indeterminate", "Unknown"),
        ("gender", "0", "Not recorded or unborn"),
        ("gender", "Femail", "code.unknown"),
        ("gender", "Not male", "code.unknown"),
        ("gender", "Q", "code.unknown"),
        ("ethnicity", "White British", "White British"),
        ("ethnicity", "wbri", "White British"),
        ("ethnicity", "a) WBRI", "White British"),
        ("ethnicity", "t) NOBT", "Information not yet obtained"),
        ("ethnicity", "b) WBRI", "code.unknown"),
        ("ethnicity", "u) WBRX", "code.unknown"),
        ("ethnicity", "White", "code.unknown"),
        ("nationality", "GB", "British"),
        ("nationality", "british", "British"),
        ("nationality", "Stateless", "Stateless"),
        ("nationality", "Not known", "Not known"),
        ("nationality", "Ruritanian", "code.unknown"),
        ("legal-status", "c2", "Full care order"),
        ("legal-status", "Not looked after", "Not looked after"),
        ("legal-status", "Not known", "Not known"),
        ("legal-status", "care order", "code.unknown"),
        ("placement", "K3", "K3"),
        ("placement", "Z14", "Z14"),
        ("placement", "Secure children's homes", "Secure children\u2019s homes"),
        ("placement", "At home", "At home"),
        ("placement", "Other", "Other"),
        ("disability", "None", "None"),
        ("disability", "No disability", "None"),
        ("disability", "NONE", "None"),
        ("disability", "MOB", "Mobility"),
        ("disability", "Yes (unspecified)", "Yes (unspecified)"),
        ("disability", "Not known", "Not known"),
        ("cp-plan", "both", "Both"),
        ("cp-plan", "no", "code.unknown"),
        ("agencies", "children\u2019s social care", "Children's social care"),
        ("publication-decision", "Delayed", "Delayed"),
        ("scr-status", "publish", "code.unknown"),
    ],
)
def test_a_value_of_a_list(resolve: Any, name: str, text: str, answer: str) -> None:
    assert resolve(name, text) == answer


def test_the_sizes_of_the_lists(memorandum: Agreed) -> None:
    sizes = {name: len({c.label for c in found.codes}) for name, found in memorandum.lists.items()}
    assert sizes["ethnicity"] == 20
    assert sizes["legal-status"] == 13 + 2
    assert sizes["disability"] == 13 + 2
    assert sizes["cp-plan"] == 5
    assert sizes["nature"] == 5
    assert sizes["main-cause"] == 10
    assert sizes["agencies"] == 9
    assert sizes["scr-status"] == 5
    assert sizes["publication-decision"] == 4


def test_no_text_of_a_list_is_ambiguous(memorandum: Agreed) -> None:
    """Whatever a list takes means one label, whether or not its day is asked."""
    for found in memorandum.lists.values():
        index = CodeIndex(found)
        for code in found.codes:
            for text in (code.code, code.label, *code.synonyms):
                assert index.resolve(text, ()).problem is None, (found.id, text)


def test_the_lists_hold_what_the_reference_facts_hold(
    memorandum: Agreed, shared_folder: Path, resolve: Any
) -> None:
    def facts(name: str) -> list[dict[str, str]]:
        path = shared_folder / "reference" / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    for row in facts("local_authorities"):
        day = max(row["ons_code_start"], "2009-01-01")
        for text in filter(None, (row["dfe_la_code"], row["ons_code"], row["name"])):
            label = resolve("local-authorities", text, day)
            expected = "County Durham" if row["name"] == "Durham" else row["name"]
            assert label == expected, (text, day)
    for row in facts("nationalities"):
        assert resolve("nationality", row["code"] or row["label"]) == row["label"]
    for name in ("ethnicity", "legal-status", "placement"):
        file = {"placement": "placement_type"}.get(name, name.replace("-", "_"))
        for row in facts(f"{file}_codes"):
            known = not row["label"].startswith("(")
            assert resolve(name, row["code"]) == (row["label"] if known else row["code"])
    non_working = memorandum.rule_book("notifications").non_working
    days = [date.fromisoformat(row["date"]) for row in facts("bank_holidays_england")]
    assert {d for d in days if d.weekday() < 5} == {
        d for d in non_working if 2012 <= d.year <= 2031
    }


def test_every_value_that_the_workload_draws_from_is_accepted(
    shared_folder: Path, resolve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(shared_folder / "bench"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    workload: Any = __import__("make_workload")
    assert [*workload.AGREED.values()] == ANNEX_A
    assert sorted(workload.EXTRA.values()) == sorted(re.split(r"[|\n]", DROPPED))
    codes = workload.Codes(str(shared_folder / "reference"))
    day = workload.DAY0
    for spellings, gone in list(zip(codes.authorities, codes.gone, strict=True))[::30]:
        for row in spellings:
            texts = {str(text) for text in row}
            found = {resolve("local-authorities", text, day.isoformat()) for text in texts}
            assert found == {row[0]}
        for name in gone:
            assert resolve("local-authorities", name, day.isoformat()) == "code.not-in-being"
        day += timedelta(days=30)
    for era in codes.genders:
        for label, texts in era.items():
            assert {resolve("gender", str(text)) for text in texts} == {label}
    for places in codes.places:
        for code, label in places:
            assert resolve("placement", code) == resolve("placement", label) == label
    for name, labels in {
        "main-cause": workload.CAUSES,
        "cp-plan": workload.PLANS,
        "agencies": workload.AGENCIES,
        "scr-status": workload.SCR,
        "nature": (*workload.NATURE_DEATH, workload.NATURE_HARM, "Other"),
    }.items():
        assert [resolve(name, label) for label in labels] == list(labels)
