"""Screening whole rows: values of dropped columns in every kept text, and what may stay."""

from typing import Any

import pytest

from gateway.agreement.model import RuleBook

CASE, AUTHOR, CONTACT = "Case information", "Report author", "Local authority contact"
SETTINGS = "Any other settings attended and their name"
AGENCIES, CAUSE = "Involvement of agencies", "Main cause"
TEXTS = (CASE, AUTHOR, CONTACT, SETTINGS)

# What a dropped column holds, and a text in which it stands: always found.
LEAKS: list[tuple[str, str, str, str]] = [
    ("Child's full name", "Aisha Begum Clarke", "Seen with aisha.", "screen.name"),
    ("Child's full name", "Aisha Begum Clarke", "Seen at the CLARKE's.", "screen.name"),
    ("Child's full name", "Anne-Marie Dee", "annemarie was seen.", "screen.name"),
    ("Child's full name", "Jo Ng", "It was jo ng.", "screen.name"),
    ("Child known as", "Zo\u00eb", "Then Zoe left.", "screen.name"),
    ("Child known as", "Zoe", "Then Zo\u00eb\u2019s bag.", "screen.name"),
    ("Mother's name", "Priya O'Neill", "He met ONeill.", "screen.name"),
    ("Father's name", "Mark Hill", "He met Mark there.", "screen.name"),
    ("Sibling names", "Kezia; Tabitha", "With Tabitha-Jane.", "screen.name"),
    ("Carer 2", "Olga Petrova", "The carer Petrova left.", "screen.name"),
    ("Mother's partner", "Dmitri", "dmitri left.", "screen.name"),
    ("Address line 1", "12 High Street", "Lives at 12, high-street.", "screen.value"),
    ("Address", "12 High Street, Ambleton", "Seen in 12 High Street.", "screen.value"),
    ("Address", "Flat 2\n12 High Street", "Seen in 12 High Street.", "screen.value"),
    ("Town", "Ambleton", "moved to ambleton", "screen.value"),
    ("Town", "Bath", "They moved to Bath.", "screen.value"),
    ("Carer address", "Rose Cottage", "Went to rose cottage.", "screen.value"),
    ("Postcode", "ZZ9 9ZZ", "code ZZ99ZZ here", "screen.value"),
    ("Postcode", "ZZ99ZZ", "code zz9 9zz here", "screen.value"),
    ("NHS number", "999 000 0000", "no. 9990000000.", "screen.value"),
    ("NHS number", "9990000000", "no. 99 90 00 00 00.", "screen.value"),
    ("UPN", "A12345", "upn a12345", "screen.value"),
    ("Social worker phone", "0114 960", "on 0114-960", "screen.value"),
    ("Mother's phone", "07700 900123 or 07700 900456", "x 07700900456", "screen.value"),
    ("Mother's phone", "+44 7700 900123", "x 07700900123", "screen.value"),
    ("Mother's phone", "07700900123", "x +44 (0)7700 900 123", "screen.value"),
    ("Mother's phone", "7700900123", "x 07700 900123", "screen.value"),
    ("E-mail", "jane@home.example", "write JANE@home.example", "screen.value"),
    ("Mother's date of birth", "01/02/1980", "born 1 February 1980", "screen.value"),
    ("Mother's date of birth", "1980-02-01", "born 1/2/1980", "screen.value"),
    ("Mother's DOB", "01/02/1980", "born 01.02.1980", "screen.value"),
    ("Carer", "0770 0900", "on 07700900", "screen.value"),
    ("Police reference", "CR/00000123", "see cr 00000123", "screen.value"),
    ("Police reference", "CR/123; CR/456", "see CR/456", "screen.value"),
]
# The same columns, and a text in which nothing of theirs stands.
NO_LEAKS: list[tuple[str, str, str]] = [
    ("Child's full name", "Ann Lee", "Planning for Leeds was asleep."),
    ("Child's full name", "Will Young", "He will see a young person. Will they?"),
    ("Child's full name", "May March", "Seen in May and on 3 March 2024."),
    ("Child's full name", "Not known", "It is Not known."),
    ("Child's full name", "A B", "A plan B."),
    ("Father's name", "unknown", "The father is Unknown to us."),
    ("Father's name", "3", "He has 3."),
    ("Town", "Bath", "after a bath. Bath time was missed"),
    ("Town", "n/a", "n/a"),
    ("Town", "Ambleton", "Ambletons"),
    ("Address line 1", "12 High Street", "112 High Street, or 12 High Streets"),
    ("Address line 1", "12", "12"),
    ("Postcode", "unknown", "unknown"),
    ("Postcode", "ZZ9 9ZZ", "ZZ9 9ZZZ or XZZ9 9ZZ"),
    ("NHS number", "9990000000", "19990000000"),
    ("Religion", "Christian", "A Christian school"),
    ("First language", "Polish", "He speaks Polish."),
    ("Narrative", "A referral was received", "A referral was received"),
    ("Colour", "Aisha", "Aisha was seen."),
    ("Mother's date of birth", "01/02/1980", "born 1/2/1981"),
]


def test_every_leak_is_found_and_nothing_else(examined: Any) -> None:
    result = examined([{heading: value, CASE: text} for heading, value, text, _ in LEAKS])
    found = [
        [code for code, _ in result.of_row(row) if code in ("screen.name", "screen.value")]
        for row in range(2, len(LEAKS) + 2)
    ]
    assert dict(zip(LEAKS, found, strict=True)) == {leak: [leak[3]] for leak in LEAKS}
    assert {column for row in range(2, len(LEAKS) + 2) for _, column in result.of_row(row)} == {
        CASE
    }


def test_what_only_resembles_a_value_stays(examined: Any) -> None:
    result = examined([{heading: value, CASE: text} for heading, value, text in NO_LEAKS])
    assert {NO_LEAKS[row - 2]: code for row, code in result.of_rows} == {}


def test_a_value_of_another_row_is_no_leak(examined: Any) -> None:
    rows = [
        {"Child's full name": "Aisha Clarke", "Postcode": "ZZ9 9ZZ", CASE: "Seen with Noah."},
        {"Child's full name": "Noah Iqbal", "Postcode": "ZZ8 8ZZ", CASE: "With Aisha Clarke."},
    ]
    assert examined(rows).of_rows == []


@pytest.mark.parametrize("heading", TEXTS)
def test_every_text_field_is_screened(heading: str, examined: Any) -> None:
    more = {"Child's full name": "Aisha Clarke", "Postcode": "ZZ9 9ZZ"}
    result = examined([{**more, heading: "Aisha of M1 1AA, ZZ99ZZ"}])
    assert result.of_row() == [
        ("screen.name", heading), ("screen.postcode", heading), ("screen.value", heading),
    ]  # fmt: skip
    assert result.rows[2]["reference"] == "SCN00000001"


def test_what_follows_other_is_screened(examined: Any) -> None:
    name = {"Child's full name": "Aisha Clarke"}
    result = examined(
        [
            {**name, AGENCIES: "Police;Other: friends of Aisha"},
            {**name, CAUSE: "Other: fell at M1 1AA"},
            {**name, AGENCIES: "Police;Other: scouts"},
        ]
    )
    assert result.of_row(2) == [("screen.name", AGENCIES)]
    assert result.of_row(3) == [("screen.postcode", CAUSE)]
    assert result.of_row(4) == []
    assert result.rows[2]["agencies"] == "Police; Other: friends of Aisha"


def test_the_contact_keeps_its_own_telephone_and_email(examined: Any) -> None:
    worker = {
        "Social worker": "Olga Petrova",
        "Social worker phone": "07700 900123",
        "Social worker e-mail": "olga@la.example",
        "Mother's phone": "07700 900456",
    }
    result = examined(
        [
            {CONTACT: "Duty desk, 020 7946 0000, duty@la.example"},
            {**worker, CONTACT: "Olga Petrova, 07700 900123, olga@la.example"},
            {**worker, CONTACT: "Olga, 07700 900456"},
            {**worker, CASE: "Olga Petrova saw them."},
            {CONTACT: "NHS 943 476 5919"},
            {AUTHOR: "020 7946 0000"},
        ]
    )
    assert result.of_rows == [
        (4, "screen.value"), (5, "screen.name"), (6, "screen.nhs-number"), (7, "screen.phone"),
    ]  # fmt: skip


def test_every_pattern_in_case_information(examined: Any) -> None:
    texts = {
        "nhs-number": "943 476 5919", "nino": "QQ 12 34 56 C", "postcode": "M1 1AA",
        "phone": "07700 900123", "email": "a@b.example", "upn": "H801200001001",
    }  # fmt: skip
    result = examined([{CASE: f"Seen. {text}."} for text in texts.values()])
    assert [code for _, code in result.of_rows] == [f"screen.{name}" for name in texts]


def test_references_and_codes_are_not_screened_by_pattern(examined: Any) -> None:
    result = examined([{"Linked cases": "9434765919;QQ123456C", "Reference number": "07700900123"}])
    assert result.of_rows == []


def test_an_agreement_without_patterns_or_sources(examined: Any, book: RuleBook) -> None:
    screening = book.flow.screening.model_copy(update={"patterns": (), "person_words": ()})
    flow = book.flow.model_copy(update={"screening": screening, "source_columns": ()})
    rules = book.model_copy(update={"flow": flow})
    rows = [{"Social worker": "Olga Petrova", CASE: "Olga Petrova, M1 1AA"}]
    assert examined(rows, rules=rules).of_rows == []


def test_a_longer_minimum_length(examined: Any, book: RuleBook) -> None:
    screening = book.flow.screening.model_copy(update={"minimum_length": 6})
    flow = book.flow.model_copy(update={"screening": screening})
    rules = book.model_copy(update={"flow": flow})
    rows = [
        {"Child's full name": "Aisha Petrova", CASE: "Aisha was seen."},
        {"Child's full name": "Aisha Petrova", CASE: "Petrova was seen."},
        {"Child's full name": "Aisha Khan", CASE: "Aisha Khan was seen."},
        {"Child's full name": "Aisha Khan", CASE: "Aisha was seen."},
        {"Town": "Hove", CASE: "In Hove."},
    ]
    assert examined(rows, rules=rules).of_rows == [(3, "screen.name"), (4, "screen.name")]


def test_no_text_at_all(examined: Any) -> None:
    assert examined([dict.fromkeys(TEXTS)]).of_rows == []
