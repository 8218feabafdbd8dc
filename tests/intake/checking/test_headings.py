"""Headings: exact after folding, an allow-list, and what is refused for good."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.load import Agreed
from gateway.agreement.model import RuleBook
from gateway.intake.checking.headings import map_columns, plan_columns, unlisted_screens
from gateway.intake.reading import Refused


@pytest.fixture(scope="module")
def annex(book: RuleBook) -> list[str]:
    """The 33 headings of Annex A."""
    return [spec.heading for spec in book.flow.fields]


def test_the_agreed_headings_in_any_order(book: RuleBook, annex: list[str]) -> None:
    shuffled = random.Random(1).sample(annex, len(annex))
    plan = plan_columns(shuffled, book)
    assert plan.kept == tuple(annex)
    assert plan.missing == plan.dropped == plan.findings == ()
    assert [shuffled[plan.positions[spec.id]] for spec in book.flow.fields] == annex
    assert plan.wanted == tuple(range(len(annex)))


ACCEPTED = {
    "Child's initials": ["child\u2019s INITIALS", " Childs  Initials ", "Child's initials:"],
    "Date of birth": ["DATE OF BIRTH", "Date-of-birth", "DOB", "d.o.b."],
    "Death of child: yes or no": ["Death of child yes or no", "Death of child (yes or no)"],
    "Serious case review (SCR) status": ["SCR status", "serious case review SCR status"],
}
DROPPED = {
    "Child's initials": ["Child's initial", "Initials2", "Child initials (mother)"],
    "Age": ["Aged", "Age of mother", "Aage"],
    "Gender": ["Gender identity", "Gender of parent"],
    "Case information": ["Case info", "Case notes", "Narrative", "Information"],
}


@pytest.mark.parametrize(("heading", "written"), [(h, w) for h, ws in ACCEPTED.items() for w in ws])
def test_accepted_spellings(heading: str, written: str, book: RuleBook, annex: list[str]) -> None:
    plan = plan_columns([written if name == heading else name for name in annex], book)
    assert plan.kept == tuple(annex)


@pytest.mark.parametrize(("heading", "written"), [(h, w) for h, ws in DROPPED.items() for w in ws])
def test_no_part_of_a_heading_counts(
    heading: str, written: str, book: RuleBook, annex: list[str]
) -> None:
    plan = map_columns([written if name == heading else name for name in annex], book)
    assert heading in plan.missing
    assert plan.dropped == (written,)
    assert [(item.code, item.count) for item in plan.findings] == [("file.columns-dropped", 1)]


def test_dropped_columns_are_named_as_read_within_limits(book: RuleBook, annex: list[str]) -> None:
    unknown = [f"Extra \u00b7 {number} " + "x" * 200 for number in range(501)]
    plan = plan_columns([*annex, "", *unknown, "  "], book)
    assert len(plan.dropped) == 500
    assert plan.dropped[0] == unknown[0][:120]
    assert plan.findings[0].count == 501
    assert plan.wanted == tuple(range(len(annex)))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["Gender"], [("file.heading-twice", "Gender")]),
        (["GENDER "], [("file.heading-twice", "Gender")]),
        (["Sex"], [("file.heading-twice", "Gender")]),
        (["Sex", "Child's gender"], [("file.heading-twice", "Gender")]),
        (["Notes", "Other", "notes"], [("file.heading-twice", None)]),
        (["Notes", "notes", "Narrative", "NARRATIVE"], [("file.heading-twice", None)]),
        (["Gender", "Age"], [("file.heading-twice", "Gender"), ("file.heading-twice", "Age")]),
        (["", "", " "], []),
    ],
)
def test_a_heading_twice(
    more: list[str], expected: list[tuple[str, str | None]], book: RuleBook, annex: list[str]
) -> None:
    plan = map_columns([*annex, *more], book)
    assert [(item.code, item.column) for item in plan.refusals] == expected


@pytest.mark.parametrize(
    "heading",
    ["Reference number", "Local authority", "Gender", "Date of incident",
     "Date notification was received", "Nature of notification", "Death of child: yes or no",
     "Child's initials"],
)  # fmt: skip
def test_a_required_column_missing(heading: str, book: RuleBook, annex: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        plan_columns([name for name in annex if name != heading], book)
    (item,) = refused.value.findings
    assert (item.code, item.severity, item.column) == ("file.heading-missing", "error", heading)


@pytest.mark.parametrize("heading", ["Age", "Date of birth", "Case information", "Ethnicity"])
def test_an_optional_column_missing(heading: str, book: RuleBook, annex: list[str]) -> None:
    plan = plan_columns([name for name in annex if name != heading], book)
    assert plan.missing == (heading,)
    assert plan.findings == ()


def test_initials_may_be_missing_where_a_name_is_there(book: RuleBook, annex: list[str]) -> None:
    headings = [name for name in annex if name != "Child's initials"]
    plan = plan_columns([*headings, "CHILD\u2019S FULL NAME"], book)
    assert plan.missing == ("Child's initials",)
    assert plan.names == {"initials": (32,)}
    assert plan_columns([*annex, "Surname"], book).names == {}


def test_a_required_age_may_be_missing_where_its_dates_are_there(
    book: RuleBook, annex: list[str]
) -> None:
    fields = tuple(
        spec.model_copy(update={"required": True}) if spec.id == "age" else spec
        for spec in book.flow.fields
    )
    strict = book.model_copy(update={"flow": book.flow.model_copy(update={"fields": fields})})
    headings = [name for name in annex if name != "Age"]
    assert plan_columns(headings, strict).missing == ("Age",)
    with pytest.raises(Refused):
        plan_columns([name for name in headings if name != "Date of birth"], strict)


def test_sources_are_what_the_agreement_lists(book: RuleBook, annex: list[str]) -> None:
    listed = ["Postcode", "Mother's name", "Town", "Religion", "Social worker", "Colour"]
    plan = plan_columns([*annex, *listed], book)
    assert [(source.position, source.screens) for source in plan.sources] == [
        (33, "identifier"), (34, "name"), (35, "phrase"), (37, "name"),
    ]  # fmt: skip
    assert plan.sources[3].allowed_in == {"contact"}


@pytest.mark.parametrize(
    ("heading", "screens"),
    [
        ("Carer 2", "name"), ("Name of nursery nurse", "name"), ("Mother\u2019s partner", "name"),
        ("StepFatherName", "name"), ("Carer2", "name"), ("Witness (first)", "name"),
        ("Mother's phone", "identifier"), ("E-mail of father", "identifier"),
        ("Placement address", "phrase"), ("CarerAddress2", "phrase"),
        ("Colour", None), ("Named day", None), ("Renamed", None), ("Carefully", None),
    ],
)  # fmt: skip
def test_unlisted_headings_screen_by_their_words(
    heading: str, screens: str | None, book: RuleBook
) -> None:
    assert unlisted_screens(heading, book.flow.screening) == screens


def test_the_other_flow_requires_two_columns(agreed: Agreed) -> None:
    book = agreed.rule_book("scr-updates")
    plan = plan_columns(["LA", "Reference number", "SCR status"], book)
    assert plan.kept == ("Reference number", "Local authority", "SCR status")
    with pytest.raises(Refused):
        plan_columns(["Reference number", "SCR status"], book)


@given(data=st.data())
def test_a_column_is_kept_by_its_whole_folded_heading_alone(
    data: Any, book: RuleBook, annex: list[str]
) -> None:
    heading = data.draw(st.sampled_from(annex))
    odd = data.draw(st.sampled_from(("x", " 2", " of mother", "s")))
    changed = data.draw(st.sampled_from((heading + odd, odd + heading, heading[1:])))
    plan = map_columns([changed], book)
    assert plan.kept == () or plan.kept[0] != heading
    folded = data.draw(st.sampled_from((heading.upper(), f"  {heading}. ", f"*{heading}*")))
    assert map_columns([folded], book).kept == (heading,)
