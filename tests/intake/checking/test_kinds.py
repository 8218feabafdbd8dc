"""Every kind of field: what is taken and how it is sent, and what is refused and by which code."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.model import Code, CodeList, FieldSpec, RuleBook
from gateway.intake.checking.ages import age_judge
from gateway.intake.checking.answers import answer_judge
from gateway.intake.checking.coded import CodedCells
from gateway.intake.checking.references import reference_judge

# Each table: a heading, other cells that the rows need, what is taken (written: sent), and what is
# refused (written: code). Every entry is one row of one file.
AGES = (
    "Age",
    {"Date of birth": None},
    {
        "12": "12", "0": "0", "25": "25", "05": "5", " 7 ": "7", "unborn": "unborn",
        "UNBORN": "unborn", "under 1": "under 1", "Under  1": "under 1",
    },
    {
        "12 yrs": "age.malformed", "12.0": "age.malformed", "12.5": "age.malformed",
        "-1": "age.malformed", "twelve": "age.malformed", "<1": "age.malformed",
        "12 years": "age.malformed", "1 2": "age.malformed", "not known": "age.malformed",
        "26": "age.out-of-range", "100": "age.out-of-range", "2012": "age.malformed",
        "6 months": "age.malformed", "1\u00b2": "age.malformed",
    },
)  # fmt: skip
YES_NO = (
    "Death of child: yes or no",
    {"Death: whether natural causes": None, "Main cause": None},
    {
        "Yes": "Yes", "yes": "Yes", "YES": "Yes", "y": "Yes", "Y": "Yes", "true": "Yes",
        "TRUE": "Yes", "No": "No", "no": "No", "n": "No", "N": "No", "false": "No", " no ": "No",
    },
    dict.fromkeys(
        ("maybe", "not known", "unknown", "n/k", "yes.", "yes?", "1", "0", "nope", "yess", "t", "f",
         "yes no", "no, alive", "-", "ja"),
        "yes-no.unknown",
    ),
)  # fmt: skip
YES_NO_UNKNOWN = (
    "Whether an incident occurred at other setting",
    {},
    {
        "Yes": "Yes", "n": "No", "Not known": "Not known", "not  known": "Not known",
        "unknown": "Not known", "n/k": "Not known", "N/K": "Not known", "nk": "Not known",
    },
    dict.fromkeys(("maybe", "not  no", "unknown?", "n.k.", "n / k", "known"), "yes-no.unknown"),
)  # fmt: skip
INITIALS = (
    "Child's initials",
    {},
    {
        "AB": "AB", "A.B.": "A.B.", "A B": "A B", "A-B C": "A-B C", "A": "A", "ABCDE": "ABCDE",
        "ab": "ab", "A. B.": "A. B.", "O'B": "O'B", "\u00c9L": "\u00c9L", "A  B": "A B",
    },
    {
        "Aisha Khan": "initials.full-name", "Mia": "initials.full-name", "Jo": "initials.full-name",
        "JO NG": "initials.full-name", "SMITHSON": "initials.full-name",
        "A Smith": "initials.full-name", "Si\u00e2n": "initials.full-name",
        "O'Neill": "initials.full-name", "not known": "initials.full-name",
        "A1": "initials.malformed", "?": "initials.malformed", "A/B": "initials.malformed",
        "A.B.C.D.E.F": "initials.malformed", "A, B": "initials.malformed",
        "-": "initials.malformed", "A ... B": "initials.malformed",
    },
)  # fmt: skip
REFERENCE = (
    "Child protection database reference",
    {},
    {"CPD-0000001": "CPD-0000001", "1": None, "a/b_c.1-2": "a/b_c.1-2", " X12 ": "X12"},
    {
        "?? to follow ??": "reference.malformed", "ABC": "reference.malformed",
        "12": "reference.malformed", "A" * 30 + "1": "reference.malformed",
        "A12;B34": "reference.malformed", "A 12": "reference.malformed",
        "A12\nB34": "reference.malformed", "\u00c912": "reference.malformed",
    },
)  # fmt: skip
REFERENCES = (
    "Linked cases",
    {},
    {
        "SCN00000009": "SCN00000009", "A12;B34": "A12; B34", "A12 | B34": "A12; B34",
        "A12\nB34": "A12; B34", "A12\r\nB34": "A12; B34", "A12;;B34;": "A12; B34",
        "A12;A12": "A12",
    },
    {
        "A12,B34": "reference.malformed", "A12 B34": "reference.malformed",
        "A12;none": "reference.malformed", ";": "reference.malformed",
        "A12;B": "reference.malformed",
    },
)  # fmt: skip
CODE = (
    "Ethnicity",
    {},
    {
        "White British": "White British", "white  BRITISH": "White British",
        "WBRI": "White British", "wbri": "White British", "a) WBRI": "White British",
        "White\u00a0British": "White British",
    },
    dict.fromkeys(
        ("White Brit", "British", "WBRI.", "White British;White Irish", "b) WBRI",
         "Whit\u00e9 British", "u) WBRX", "Other: something"),
        "code.unknown",
    ),
)  # fmt: skip
GENDER = (
    "Gender",
    {},
    {
        "Male": "Male", "female": "Female", "1": "Male", "2": "Female", "M": "Male", "F": "Female",
        "U": "Unknown", "0": "Not recorded or unborn", "9": "Unknown",
        "9 Indeterminate": "Unknown", "Not recorded or unborn": "Not recorded or unborn",
    },
    dict.fromkeys(("Femail", "Not male", "3", "fem", "male/female", "1.0"), "code.unknown"),
)  # fmt: skip
AUTHORITY = (
    "Local authority",
    {},
    {
        "Camden": "Camden", "CAMDEN": "Camden", "202": "Camden", "E09000007": "Camden",
        "London Borough of Camden": "Camden",
    },
    {"Atlantis": "code.unknown", "E99999999": "code.unknown", "Cumbria": "code.not-in-being",
     "909": "code.not-in-being", "Camden and Islington": "code.unknown"},
)  # fmt: skip
NATIONALITY = (
    "Nationality",
    {},
    {"British": "British", "AF": "Afghan", "stateless": "Stateless", "Not known": "Not known"},
    {"Ruritanian": "code.unknown", "Afghanistan": "code.unknown"},
)
PLACEMENT = (
    "Where child was living",
    {},
    {"At home": "At home", "U4": None, "K3": "K3", "Z11": "Z11", "Z14": "Z14", "other": "Other",
     "Other: with an aunt": "Other: with an aunt", "OTHER :  a  hostel ": "Other: a hostel",
     "Other:": "Other"},
    {"On the moon": "code.unknown", "Other - a hostel": "code.unknown",
     "Others: x": "code.unknown", "Other: " + "x" * 201: "code.other-too-long"},
)  # fmt: skip
CODES = (
    "Involvement of agencies",
    {},
    {
        "Police": "Police", "police;HEALTH": "Police; Health", "Police|Health": "Police; Health",
        "Police\nHealth": "Police; Health", "Police; Police": "Police",
        "Children\u2019s social care": "Children's social care", "Other": "Other",
        "Police;Other: a youth club": "Police; Other: a youth club",
        "Other: " + "x" * 200: "Other: " + "x" * 200,
    },
    {
        "Police,Health": "code.unknown", "Police and Health": "code.unknown",
        "Police;Scouts": "code.unknown", ";": "code.unknown",
        "Other: " + "x" * 201: "code.other-too-long",
    },
)  # fmt: skip
DISABILITY = (
    "Any prior disability",
    {},
    {
        "None": "None", "NONE": "None", "No disability": "None",
        "MOB;HAND": "Mobility; Hand function",
        "Yes (unspecified)": "Yes (unspecified)", "Not known": "Not known", "None;none": "None",
    },
    {"None;MOB": "code.alone", "MOB;No disability": "code.alone", "Asthma": "code.unknown"},
)  # fmt: skip
TABLES = {
    "ages": AGES, "yes or no": YES_NO, "yes, no, not known": YES_NO_UNKNOWN, "initials": INITIALS,
    "reference": REFERENCE, "references": REFERENCES, "code": CODE, "gender": GENDER,
    "authority": AUTHORITY, "nationality": NATIONALITY, "placement": PLACEMENT, "codes": CODES,
    "disability": DISABILITY,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_is_taken_and_what_is_refused(table: Any, examined: Any, book: RuleBook) -> None:
    heading, others, taken, refused = table
    taken = {written: sent for written, sent in taken.items() if sent is not None}
    field = next(spec.id for spec in book.flow.fields if spec.heading == heading)
    written = [*taken, *refused]
    result = examined([{**others, heading: text} for text in written])
    found = {text: result.of_row(row) for row, text in enumerate(written, 2)}
    faults = {text: [(code, heading)] for text, code in refused.items()}
    assert found == {text: [] for text in taken} | faults
    sent = {text: result.rows[row][field] for row, text in enumerate(written, 2)}
    assert sent == taken | dict.fromkeys(refused, "")


def test_every_cell_of_a_clean_row_as_it_is_sent(examined: Any) -> None:
    result = examined([{"Case information": "  Two\r\nlines. "}])
    assert result.of_rows == []
    row = result.rows[2]
    assert list(row.values()) == [
        "SCN00000001", "Camden", "AB", "Male", "White British", "British", "2010-03-01",
        "2024-05-02", "14", "2024-05-03", "Duty team manager",
        "Child has died and abuse or neglect is known or suspected", "Yes", "No", "Neglect",
        "Not looked after", "Both", "None", "At home", "Police; Health", "Riverside youth club",
        "No", "EY123456; SC654321", "Two\r\nlines.", "CPD-0000001", "2024-05-20", "Published",
        "2024-05-05", "2024-05-06", "2024-05-07", "Independent lead reviewer", "2024-09-08",
        "SCN00000009",
    ]  # fmt: skip


def test_required_cells(examined: Any, book: RuleBook) -> None:
    required = [spec.heading for spec in book.flow.fields if spec.required]
    assert len(required) == 8
    result = examined([{heading: " \u00a0"} for heading in required])
    for row, heading in enumerate(required, 2):
        assert ("cell.required", heading) in result.of_row(row)
        assert {column for _, column in result.of_row(row)} == {heading}


def test_optional_cells_may_be_blank(examined: Any, book: RuleBook) -> None:
    optional = [s.heading for s in book.flow.fields if not s.required and s.heading != "Age"]
    result = examined([dict.fromkeys(optional), dict.fromkeys(optional, "")])
    assert result.of_rows == []


def test_marks_of_the_reader(examined: Any) -> None:
    days = {
        "Case information": date(2024, 5, 2), "Linked cases": date(2024, 5, 2),
        "Gender": date(2024, 5, 2), "Child's initials": date(2024, 5, 2),
        "Local authority": date(2024, 5, 2), "Reference number": date(2024, 5, 2),
    }  # fmt: skip
    rows = [{heading: day} for heading, day in days.items()]
    rows += [{"Gender": "=1/0"}, {"Date of incident": datetime(2024, 5, 2, 9, 30)}]
    result = examined(rows, workbook=True)
    for row, heading in enumerate(days, 2):
        assert result.of_row(row) == [("cell.date-in-wrong-place", heading)]
        assert "2024-05-02" not in result.rows[row][_id(heading)]
    assert result.of_row(8) == [("cell.error-value", "Gender")]
    assert ("date.time", "Date of incident") in result.of_row(9)


def _id(heading: str) -> str:
    return {
        "Case information": "case_information", "Linked cases": "linked_cases",
        "Child's initials": "initials", "Local authority": "local_authority",
        "Reference number": "reference",
    }.get(heading, heading.lower())  # fmt: skip


def test_typed_cells_of_a_workbook(examined: Any) -> None:
    given = {
        "Date of birth": date(2010, 3, 1), "Date of incident": datetime(2024, 5, 2),
        "Age": 14, "Local authority": 202, "Gender": 1, "Death of child: yes or no": True,
    }  # fmt: skip
    result = examined([given, {"Age": 14.5}, {"Date of incident": 45414}], workbook=True)
    assert result.of_row(2) == []
    assert result.rows[2]["birth_date"] == "2010-03-01"
    assert result.rows[2]["age"] == "14"
    assert (result.rows[2]["local_authority"], result.rows[2]["gender"]) == ("Camden", "Male")
    assert result.of_row(3) == [("age.malformed", "Age")]
    assert result.of_row(4) == [("date.number", "Date of incident")]


def test_control_characters_and_lengths(examined: Any) -> None:
    result = examined(
        [
            {"Case information": "a bell \x07 here"},
            {"Gender": "Male\x01"},
            {"Date of incident": "\x012024-05-02"},
            {"Case information": "x" * 10_000},
            {"Case information": "\u00e9" * 10_000},
            {"Case information": "x" * 10_001},
            {"Ethnicity": "x" * 10_001},
            {"Case information": "tabs\tand\nlines are no fault"},
        ]
    )
    assert result.of_rows == [
        (2, "cell.control-character"),
        (3, "cell.control-character"),
        (4, "cell.control-character"),
        (7, "cell.too-long"),
        (8, "cell.too-long"),
    ]
    assert {item.count for item in result.found if item.code == "cell.too-long"} == {10_000}
    assert result.rows[7]["case_information"] == ""


def test_an_authority_must_have_been_in_being_at_the_incident_or_the_receipt(examined: Any) -> None:
    """Cumbria ended on 31 March 2023; Cumberland began the day after."""

    def row(name: str, incident: str, received: str) -> dict[str, str]:
        more = {"Age": "13", "Date of birth": ""}
        return (
            {"Local authority": name, "Date of incident": incident}
            | more
            | {"Date notification was received": received}
        )

    result = examined(
        [
            row("Cumbria", "31/03/2023", "31/03/2023"),
            row("Cumbria", "31/03/2023", "03/04/2023"),
            row("Cumberland", "31/03/2023", "03/04/2023"),
            row("Cumberland", "31/03/2023", "31/03/2023"),
            row("Cumbria", "01/04/2023", "03/04/2023"),
            row("Cumbria", "31/02/2023", "31/03/2023"),
            row("Cumbria", "31/02/2023", "03/04/2023"),
            row("Cumbria", "31/02/2023", "32/03/2023"),
        ]
    )
    assert [found for found in result.of_rows if found[1].startswith("code")] == [
        (5, "code.not-in-being"),
        (6, "code.not-in-being"),
        (8, "code.not-in-being"),
    ]


LIST = CodeList(
    id="made",
    codes=(
        Code(code="1", label="Male"),
        Code(code="2", label="Female", synonyms=("F",)),
        Code(code="3", label="Not known"),
        Code(code="4", label="No", synonyms=("twin",)),
        Code(code="5", label="Nobody", synonyms=("twin",)),
    ),
)
LABELS = {code.label for code in LIST.codes}


def _cells(**more: Any) -> CodedCells:
    return CodedCells(FieldSpec(id="a", heading="A", list="made", **more), LIST)


def test_a_synonym_of_two_codes_is_ambiguous() -> None:
    assert _cells(kind="code").judge("twin").fault == "code.ambiguous"


@given(st.text(max_size=12))
def test_no_part_of_a_label_is_ever_taken(text: str) -> None:
    said = _cells(kind="code").judge(text)
    assert (said.text is None) != (said.fault is None)
    if said.text is not None:
        assert said.text in LABELS


@given(
    st.lists(st.sampled_from(sorted(LABELS)), min_size=1, max_size=6),
    st.sampled_from((";", "|", "\n", "\r\n", " ; ", ";;")),
)
def test_several_codes_keep_their_order_once_each(labels: list[str], separator: str) -> None:
    said = _cells(kind="codes").judge(separator.join(labels))
    assert said.text == "; ".join(dict.fromkeys(labels))


@given(st.integers(-5, 300))
def test_ages_in_range_and_no_others(years: int) -> None:
    spec = FieldSpec(id="age", heading="Age", kind="age", minimum=0, maximum=25)
    said = age_judge(spec)(str(years))
    assert said.text == (str(years) if 0 <= years <= 25 else None)


@given(st.text(max_size=12))
def test_nothing_else_is_an_age_or_an_answer(text: str) -> None:
    age = age_judge(FieldSpec(id="age", heading="Age", kind="age"))(text)
    answer = answer_judge(not_known=True)(text)
    assert age.text is None or age.text in ("unborn", "under 1") or age.text.isdigit()
    assert answer.text in (None, "Yes", "No", "Not known")


def test_a_reference_without_a_pattern_is_one_line() -> None:
    judge = reference_judge(FieldSpec(id="a", heading="A", kind="reference"))
    assert (judge("any thing").text, judge("two\nlines").fault) == (
        "any thing", "reference.malformed",
    )  # fmt: skip
