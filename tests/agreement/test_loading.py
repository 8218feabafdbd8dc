"""Loading an agreement: every kind of fault with its path, all at once, and the hash."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.agreement.load import AgreementFaults, in_force, load_agreement, load_agreements

Edited = Callable[..., dict[str, str]]
FIELDS = "flows.returns.fields"
RULES = "flows.returns.rules"


def test_the_small_agreement_is_sound(small_home: Any) -> None:
    agreed = small_home.load()
    book = agreed.rule_book("returns")
    assert book.agreement_hash == agreed.hash
    assert set(book.lists) == {"areas", "reasons"}
    assert [column.allowed_in for column in book.flow.source_columns] == [(), ("remark",), ()]
    assert [column.screens for column in book.flow.source_columns] == ["name", "name", "no"]


def test_a_rule_book_needs_a_known_flow(small_home: Any) -> None:
    with pytest.raises(KeyError):
        small_home.load().rule_book("nothing")


FAULTS = [
    # what, old, new, path of the fault, part of its words
    ("missing key", 'version = "1"\n', "", "version", "is missing"),
    ("unknown key", 'version = "1"', 'version = "1"\nverzion = "2"', "verzion", "misspelt"),
    ("unknown key in a field", 'heading = "Area"', 'heading = "Area"\nreqired = true',
     f"{FIELDS}[1].reqired", "misspelt"),
    ("wrong type", "months_after_signing = 1", 'months_after_signing = "soon"',
     "review.months_after_signing", "integer"),
    ("no such value", 'severity = "query"\nfields', 'severity = "fatal"\nfields',
     f"{RULES}.order.severity", "'error' or 'query'"),
    ("id of a wrong form", "[flows.returns.rules.order]", "[flows.returns.rules.Order]",
     f"{RULES}.Order.id", "lower-case"),
    ("an id beside the table's name", '[parties.school]\n', '[parties.school]\nid = "pupil"\n',
     "parties.school.id", "the name of the table is the id"),
    ("reserved flow", "[flows.returns]", "[flows.reports]", "flows.reports", "no flow may be"),
    ("unknown sender", 'sender = "school"', 'sender = "scool"',
     "flows.returns.sender", "no party scool"),
    ("unknown recipient", 'party = "council", ', 'party = "county", ',
     "flows.returns.recipients[0].party", "no party county"),
    ("sender as recipient", 'party = "council", ', 'party = "school", ',
     "flows.returns.recipients[0].party", "sender cannot be a recipient"),
    ("recipient twice", 'recipients = [{ party = "council", ',
     'recipients = [{ party = "council" }, { party = "council", ',
     "flows.returns.recipients[1].party", "recipient already"),
    ("no recipient", 'recipients = [{ party = "council", protection = "excel-password" }]',
     "recipients = []", "flows.returns.recipients", "at least 1"),
    ("unknown protection", '"excel-password"', '"rot13"',
     "flows.returns.recipients[0].protection", "openpgp+password"),
    ("unknown flow to reconcile with", 'sender = "school"',
     'sender = "school"\nreconcile_with = "bills"',
     "flows.returns.reconcile_with", "no other flow bills"),
    ("answer in an unknown field", 'sender = "school"',
     'sender = "school"\nanswered_when = [{ field = "verdict" }]',
     "flows.returns.answered_when[0].field", "no field verdict"),
    ("answer that is no label", 'sender = "school"',
     'sender = "school"\nanswered_when = [{ field = "born" }, '
     '{ field = "reason", values = ["ILL"] }]',
     "flows.returns.answered_when[1].values[0]", "'ILL'"),
    ("answer without a field", 'sender = "school"',
     'sender = "school"\nanswered_when = [{ values = ["Illness"] }]',
     "flows.returns.answered_when[0].field", "is missing"),
    ("reconciled with itself", 'sender = "school"', 'sender = "school"\nreconcile_with = "returns"',
     "flows.returns.reconcile_with", "no other flow"),
    ("weekly without weekday", 'weekday = "friday", ', "",
     "flows.returns.window.weekday", "needs a weekday"),
    ("weekday of a daily window", '"weekly"', '"working-day"',
     "flows.returns.window.weekday", "means nothing"),
    ("time of day with a zone", '"09:30"', '"09:30Z"', "flows.returns.window.at", "local time"),
    ("time of day out of range", '"09:30"', '"25:30"', "flows.returns.window.at", "local time"),
    ("field id twice", 'id = "born"', 'id = "day"', f"{FIELDS}[3].id", "another field"),
    ("heading twice, folded", 'heading = "Born"', 'heading = "day OF absence?"',
     f"{FIELDS}[3].heading", "'Day of absence'"),
    ("synonym that is another's heading", 'also = ["Absent on"]', 'also = ["Absent on", "AGE"]',
     f"{FIELDS}[4].heading", "'AGE'"),
    ("a column both kept and dropped", 'no = ["House"]', 'no = ["House", "Absent-On"]',
     "source_columns.no[1]", "'Absent on'"),
    ("a dropped column listed twice", 'no = ["House"]', 'no = ["PUPIL  NAME"]',
     "source_columns.no[0]", "'Pupil name'"),
    ("heading without a letter", 'heading = "Born"', 'heading = "?"',
     f"{FIELDS}[3].heading", "a letter or a digit"),
    ("unknown list", 'list = "areas"', 'list = "arias"', f"{FIELDS}[1].list", "codes/arias.csv"),
    ("list outside the folder", 'list = "areas"', 'list = "../areas"',
     f"{FIELDS}[1].list", "lower-case"),
    ("code field without list", 'list = "areas"\n', "", f"{FIELDS}[1].list", "takes a code list"),
    ("list of a date field", 'heading = "Born"', 'heading = "Born"\nlist = "areas"',
     f"{FIELDS}[3].list", "means nothing for a field of kind date"),
    ("reference without pattern", "pattern = '[A-Z][0-9]+'\n", "",
     f"{FIELDS}[0].pattern", "takes a pattern"),
    ("bad pattern", "'[A-Z][0-9]+'", "'[A-Z'", f"{FIELDS}[0].pattern", "regular expression"),
    ("age upside down", "maximum = 19", "maximum = 3", f"{FIELDS}[4].maximum", "less than minimum"),
    ("label alone that is not in the list", 'alone = ["None"]', 'alone = ["Nil"]',
     f"{FIELDS}[7].alone[0]", "not a label"),
    ("validity on an unknown field", 'valid_on = ["day"]', 'valid_on = ["date"]',
     f"{FIELDS}[1].valid_on[0]", "no field date"),
    ("validity on a field that is no date", 'valid_on = ["day"]', 'valid_on = ["age"]',
     f"{FIELDS}[1].valid_on[0]", "not of kind date"),
    ("initials from an unlisted column", 'headings = ["Pupil name"]', 'headings = ["Full name"]',
     f"{FIELDS}[5].derive.headings[0]", "source columns"),
    ("initials from nothing", 'headings = ["Pupil name"]', "headings = []",
     f"{FIELDS}[5].derive.headings", "is missing"),
    ("derivation of another kind", 'kind = "initials", headings', 'kind = "age", headings',
     f"{FIELDS}[5].derive.kind", "makes age"),
    ("age from no date", 'born = "born"', 'born = "excused"',
     f"{FIELDS}[4].derive.born", "not of kind date"),
    ("allowance in a field that is no text", 'allowed_in = ["remark"]', 'allowed_in = ["age"]',
     "source_columns.name[1].allowed_in[0]", "of kind text"),
    ("reference field absent", 'sender = "school"', 'sender = "school"\nreference_field = "key"',
     "flows.returns.reference_field", "no field key"),
    ("reference field not required", 'kind = "reference"\nrequired = true', 'kind = "reference"',
     "flows.returns.reference_field", "required field of kind reference"),
    ("rule without a key", 'age_field = "age"\n', "", f"{RULES}.aged.age_field", "is missing"),
    ("rule with a key it does not use", 'fields = ["born", "age"]',
     'fields = ["born", "age"]\ndays = 3',
     f"{RULES}.either.days", "means nothing"),
    ("rule on an unknown field", 'fields = ["born", "day"]', 'fields = ["born", "date"]',
     f"{RULES}.order.fields[1]", "no field date"),
    ("rule of dates on another kind", 'fields = ["born", "day"]', 'fields = ["born", "remark"]',
     f"{RULES}.order.fields[1]", "not of kind date"),
    ("rule on one field", 'fields = ["born", "age"]', 'fields = ["born"]',
     f"{RULES}.either.fields", "two or more"),
    ("one-of names an unknown field", 'fields = ["born", "age"]', 'fields = ["born", "years"]',
     f"{RULES}.either.fields[1]", "no field years"),
    ("age field of another kind", 'age_field = "age"', 'age_field = "born"',
     f"{RULES}.aged.age_field", "of kind age"),
    ("unknown field in when", '{ field = "excused"', '{ field = "forgiven"',
     f"{RULES}.told.when[0].field", "no field forgiven"),
    ("value that a yes or no cannot hold", 'values = ["Yes"]', 'values = ["yes"]',
     f"{RULES}.told.when[0].values[0]", "'yes'"),
    ("value that is no label", 'values = ["Illness"]', 'values = ["ILL"]',
     f"{RULES}.told.values[0]", "'ILL'"),
    ("clause of a wrong form", 'number = "2(a)"', 'number = "two"', "clauses[1].number", "12(d)"),
    ("clause twice", 'number = "2(a)"', 'number = "1"', "clauses[1].number", "another clause"),
    ("deadline without a time", "working_hours = 1\n", "", "deadlines.collected", "either"),
    ("deadline with two", "working_hours = 1", "working_hours = 1\nworking_days = 1",
     "deadlines.collected", "either"),
    ("deadline of an unknown clause", 'clause = "1"', 'clause = "9"',
     "deadlines.collected.clause", "no clause 9"),
    ("added day that is a weekend", "2030-01-02", "2030-01-05", "calendar.add[0].date", "already"),
    ("removed day that is no holiday", "2030-05-06", "2030-05-07",
     "calendar.remove[0].date", "not a bank holiday"),
    ("time zone that is none", "[calendar]", '[calendar]\ntimezone = "Mars/Olympus"',
     "calendar.timezone", "time zone"),
    ("subdivision that is none", "[calendar]", '[calendar]\nsubdivision = "XXX"',
     "calendar.subdivision", "ENG"),
    ("parties that are no tables", '[parties.school]\nname = "The school"\nrole = "Sends"',
     'parties.school = "x"', "parties.school", "valid dictionary"),
    ("screening that is unknown", 'name = ["Pupil name", ',
     'maybe = ["X"]\nname = ["Pupil name", ',
     "source_columns.maybe[0].screens", "'name'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [case[1:] for case in FAULTS],
    ids=[case[0] for case in FAULTS],
)
def test_a_fault_is_reported_where_it_lies(
    edited: Edited, old: str, new: str, path: str, words: str
) -> None:
    faults = edited(old, new)
    assert path in faults, faults
    assert words in faults[path]


def test_every_fault_is_reported_at_once(small_home: Any) -> None:
    small_home.edit('sender = "school"', 'sender = "scool"')
    small_home.edit('kind = "yes-no-unknown"', 'kind = "maybe"')  # a wrong type elsewhere
    small_home.edit('list = "areas"', 'list = "arias"')
    small_home.edit("ILL,Illness", "ILL,", "codes/reasons.csv")
    small_home.edit("2030-01-02", "2030-01-05")
    faults = small_home.faults()
    assert {
        "flows.returns.sender",
        "flows.returns.fields[6].kind",
        "flows.returns.fields[1].list",
        "codes/reasons.csv row 3 label",
        "calendar.add[0].date",
    } <= set(faults)


def test_the_exception_reads_as_a_list(small_home: Any) -> None:
    small_home.edit('sender = "school"', 'sender = "scool"')
    with pytest.raises(
        AgreementFaults, match=r"one fault.*\n  flows\.returns\.sender: there is no"
    ):
        small_home.load()
    small_home.edit('version = "1"\n', "")
    with pytest.raises(AgreementFaults, match="2 faults"):
        small_home.load()


def test_a_syntax_error_is_a_fault_with_its_line(small_home: Any) -> None:
    small_home.edit('version = "1"', "version = ")
    faults = small_home.faults()
    assert "line 4" in faults["attendance.toml"]


def test_a_file_that_is_not_utf8_or_not_there_is_a_fault(small_home: Any) -> None:
    small_home.file.write_bytes(b'title = "\xff"')
    assert "UTF-8" in small_home.faults()["attendance.toml"]
    small_home.file.unlink()
    assert "cannot be read" in small_home.faults()["attendance.toml"]


@pytest.mark.parametrize(
    "text", ["", "flows = 3", "parties = []\n[flows]\nx = 1", "flows.x.rules = 3"]
)
def test_a_file_of_another_shape_is_faults_and_no_crash(small_home: Any, text: str) -> None:
    small_home.file.write_text(text)
    assert small_home.faults()


def test_source_columns_of_a_wrong_shape_are_a_fault(small_home: Any) -> None:
    small_home.edit("[source_columns]\nname = [", "[source_columns]\nname = 5\nno_more = [")
    assert "source_columns.name[0].heading" in small_home.faults()


def test_a_flow_may_have_its_own_screening(small_home: Any) -> None:
    own = '[flows.returns.screening]\npatterns = ["nino"]\nperson_words = []\neveryday_words = []\n'
    small_home.edit("[flows.returns.rules.order]", f"{own}\n[flows.returns.rules.order]")
    flow = small_home.load().agreement.flow("returns")
    assert flow.screening.patterns == ("nino",)


def test_a_flow_may_list_source_columns_of_its_own(small_home: Any) -> None:
    own = '[flows.returns.source_columns]\nidentifier = ["Pupil number", "house "]\n'
    small_home.edit("[flows.returns.rules.order]", f"{own}\n[flows.returns.rules.order]")
    assert "flows.returns.source_columns.identifier[1]" in small_home.faults()
    small_home.edit(', "house "', "")
    headings = [c.heading for c in small_home.load().agreement.flow("returns").source_columns]
    assert headings == ["Pupil name", "Teacher", "House", "Pupil number"]


def test_a_list_name_of_a_wrong_form_is_a_fault_though_the_file_is_there(small_home: Any) -> None:
    (small_home.codes / "areas.csv").rename(small_home.codes / "Areas.csv")
    small_home.edit('list = "areas"', 'list = "Areas"')
    assert "flows.returns.fields[1].list" in small_home.faults()


def test_shared_source_columns_that_are_no_table_are_a_fault(small_home: Any) -> None:
    text = small_home.file.read_text()
    start, end = text.index("[source_columns]"), text.index("[flows.returns]")
    small_home.file.write_text(f"source_columns = 3\n{text[:start]}{text[end:]}")
    assert "source_columns" in small_home.faults()


@pytest.mark.parametrize("mark", [";", "|"])
def test_a_label_that_parts_several_values_is_a_fault(small_home: Any, mark: str) -> None:
    small_home.edit("ILL,Illness,", f'ILL,"Ill{mark}ness",', "codes/reasons.csv")
    assert "parts several values" in small_home.faults()["flows.returns.fields[7].list"]


def test_other_needs_its_label(small_home: Any) -> None:
    small_home.edit(",Other,,,\n", "", "codes/reasons.csv")
    assert "needs the label Other" in small_home.faults()["flows.returns.fields[7].other"]


# --- several agreements in one home ---------------------------------------------------------------


def test_several_agreements_live_in_one_home(small_home: Any) -> None:
    other = small_home.file.with_name("zeta.toml")
    text = small_home.file.read_text().replace("returns", "bills")
    other.write_text(text.replace('id = "attendance"', 'id = "bills"'))
    found = load_agreements(small_home.config)
    assert [agreed.agreement.id for agreed in found] == ["attendance", "bills"]


def test_ids_are_unique_in_a_home(small_home: Any) -> None:
    small_home.file.with_name("zeta.toml").write_text(small_home.file.read_text())
    with pytest.raises(AgreementFaults) as caught:
        load_agreements(small_home.config)
    assert [fault.path for fault in caught.value.faults] == [
        "zeta.toml: effective_from",
        "zeta.toml: version",
    ]


def test_a_flow_is_of_one_agreement(small_home: Any) -> None:
    text = small_home.file.read_text().replace('id = "attendance"', 'id = "bills"')
    small_home.file.with_name("zeta.toml").write_text(text)
    with pytest.raises(AgreementFaults) as caught:
        load_agreements(small_home.config)
    assert [fault.path for fault in caught.value.faults] == ["zeta.toml: flows.returns"]


# --- versions of one agreement --------------------------------------------------------------------


def later(home: Any, start: str, version: str, *change: str) -> None:
    text = home.file.read_text().replace('version = "1"', f'version = "{version}"')
    for old, new in zip(change[::2], change[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    path = home.file.with_name(f"attendance-{version}.toml")
    path.write_text(f"effective_from = {start}\n{text}")


def held(home: Any, day: date) -> list[str]:
    return [item.agreement.version for item in in_force(load_agreements(home.config), day)]


def test_the_latest_version_that_has_taken_effect_holds(small_home: Any) -> None:
    later(small_home, "2031-03-01", "3")
    later(small_home, "2030-06-01", "2")
    assert held(small_home, date(2030, 5, 31)) == ["1"]
    assert held(small_home, date(2030, 6, 1)) == ["2"]
    assert held(small_home, date(2031, 2, 28)) == ["2"]
    assert held(small_home, date(2031, 3, 1)) == ["3"]


def test_an_agreement_holds_from_its_first_day_on(small_home: Any) -> None:
    later(small_home, "2030-06-01", "2")
    small_home.file.unlink()
    assert held(small_home, date(2030, 5, 31)) == []
    assert held(small_home, date(2030, 6, 1)) == ["2"]


def test_the_day_is_part_of_what_is_signed(small_home: Any) -> None:
    later(small_home, "2030-06-01", "2")
    (first,) = {item.hash for item in load_agreements(small_home.config)[:1]}
    later(small_home, "2030-06-02", "2")
    assert first not in {item.hash for item in load_agreements(small_home.config)}


def test_versions_have_a_day_and_a_name_each_and_keep_every_flow(small_home: Any) -> None:
    later(small_home, "2030-06-01", "2", "flows.returns", "flows.bills")
    twin = small_home.file.with_name("attendance-2.toml")
    twin.with_name("attendance-twin.toml").write_text(twin.read_text())
    with pytest.raises(AgreementFaults) as caught:
        load_agreements(small_home.config)
    assert {fault.path for fault in caught.value.faults} == {
        "attendance-2.toml: flows.returns",
        "attendance-twin.toml: effective_from",
        "attendance-twin.toml: version",
    }


def test_faults_of_every_file_are_told_with_its_name(small_home: Any) -> None:
    text = small_home.file.read_text()
    small_home.file.with_name("zeta.toml").write_text(text.replace('version = "1"', ""))
    small_home.edit('sender = "school"', 'sender = "scool"')
    with pytest.raises(AgreementFaults) as caught:
        load_agreements(small_home.config)
    assert [fault.path for fault in caught.value.faults] == [
        "attendance.toml: flows.returns.sender",
        "zeta.toml: version",
    ]


def test_a_home_without_agreements_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(AgreementFaults, match="no agreement"):
        load_agreements(tmp_path)


# --- the hash -------------------------------------------------------------------------------------


def test_layout_and_comments_do_not_change_the_hash(small_home: Any) -> None:
    before = small_home.load().hash
    small_home.edit('version = "1"', '# a remark\n\n   version   =   "1" # another')
    small_home.edit('patterns = ["phone"]', 'patterns = [\n  "phone",\n]')
    small_home.edit("ILL,Illness", '"ILL","Illness"', "codes/reasons.csv")
    assert small_home.load().hash == before


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('version = "1"', 'version = "2"', "agreements/attendance.toml"),
        ("held_rows_days = 1", "held_rows_days = 2", "agreements/attendance.toml"),
        ('at = "09:30"', 'at = "09:31"', "agreements/attendance.toml"),
        ("Poorly, or ill", "Unwell", "codes/reasons.csv"),
        ("2019-03-31", "2019-03-30", "codes/areas.csv"),
    ],
)
def test_any_value_changes_the_hash(small_home: Any, old: str, new: str, name: str) -> None:
    before = small_home.load().hash
    small_home.edit(old, new, name)
    assert small_home.load().hash != before


def test_a_list_that_no_field_names_does_not_change_the_hash(small_home: Any) -> None:
    before = small_home.load().hash
    (small_home.codes / "unused.csv").write_text("rubbish")
    assert small_home.load().hash == before


def test_the_hash_can_be_made_again_by_other_means(small_home: Any) -> None:
    """RFC 8785 for ASCII keys, texts and whole numbers is sorted keys without spaces."""
    agreed = small_home.load()
    content = {
        "agreement": agreed.agreement.model_dump(mode="json"),
        "lists": {name: found.model_dump(mode="json") for name, found in agreed.lists.items()},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert agreed.hash == hashlib.sha256(text.encode()).hexdigest()


def test_loading_twice_gives_the_same(small_home: Any) -> None:
    first, second = small_home.load(), load_agreement(small_home.file, small_home.codes)
    assert first == second
    assert first.rule_book("returns") == second.rule_book("returns")
