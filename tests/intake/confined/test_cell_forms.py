"""The form of each kind of cell in the minimised table."""

import pytest

from gateway.agreement.model import Code, CodeList, FieldSpec, Kind
from gateway.intake.confined.cells import cell_check, has_control

LISTS = {
    "things": CodeList(
        id="things", codes=(Code(code="C1", label="One"), Code(code="C2", label="Two"))
    )
}


def field(kind: Kind, **more: object) -> FieldSpec:
    listed = {"list": "things"} if kind in ("code", "codes") else {}
    return FieldSpec.model_validate(
        {"id": "thing", "heading": "Thing", "kind": kind, **listed, **more}
    )


@pytest.mark.parametrize(
    ("kind", "more", "good", "bad"),
    [
        (
            "date",
            {},
            ["2016-03-01", "2016-02-29", "0001-01-01"],
            ["2015-02-29", "01/03/2016", "20160301", "2016-3-1", "2016-03-01\n", "\u0662016-03-01"],
        ),
        (
            "age",
            {"minimum": 0, "maximum": 25},
            ["0", "25", "under 1", "unborn"],
            ["26", "-1", "007", "12 yrs", "1.0", "Unborn", "12\n"],
        ),
        ("age", {}, ["150"], ["151"]),
        ("yes-no", {}, ["Yes", "No"], ["yes", "Not known", "Y"]),
        ("yes-no-unknown", {}, ["Yes", "No", "Not known"], ["Unknown"]),
        ("code", {}, ["One", "Two"], ["C1", "one", "One; Two", "Other", "Other: text", "One\n"]),
        (
            "code",
            {"other": True, "other_max_length": 5},
            ["Other", "Other: a, b", "One"],
            ["Other: ", "Other:", "Other: longer", "Other: a\nb", "other", "Three"],
        ),
        ("codes", {}, ["One", "One; Two"], ["One;Two", "One; ", "One; Three", "; One"]),
        ("codes", {"other": True}, ["Two; Other: text; Other"], ["Two; Text"]),
        (
            "initials",
            {},
            ["A", "AB", "A.B.", "A B C", "\u00c9-L", "ABCDE", "O'N"],
            ["Amy Pond", "ABCDEF", "A1", ".A", "A\nB", "A;B"],
        ),
        (
            "reference",
            {"pattern": "[A-Z]{2}[0-9]+"},
            ["AB1", "AB123456"],
            ["ab1", "AB", "AB1\n", "AB1; AB2"],
        ),
        ("reference", {}, ["anything"], ["any\nthing"]),
        ("references", {"pattern": "[A-Z][0-9]"}, ["A1", "A1; B2"], ["A1;B2", "A1; ", "a1"]),
        (
            "text",
            {"max_length": 5},
            ["a\nb", "12345", "\u00e9\u00e9\u00e9\u00e9\u00e9"],
            ["123456"],
        ),
        ("reference", {"max_length": 3}, ["123"], ["1234"]),
    ],
)
def test_each_kind_takes_its_own_form_alone(
    kind: Kind, more: dict[str, object], good: list[str], bad: list[str]
) -> None:
    check = cell_check(field(kind, **more), LISTS)
    assert [cell for cell in good if not check(cell)] == []
    assert [cell for cell in bad if check(cell)] == []


def test_labels_may_be_longer_than_the_codes_they_stand_for() -> None:
    check = cell_check(field("codes", max_length=3), LISTS)
    assert check("One; Two")


@pytest.mark.parametrize("mark", [*range(32), 127])
def test_control_characters_are_seen(mark: int) -> None:
    assert has_control(b"text" + bytes([mark])) == (mark not in b"\t\r\n")


def test_other_languages_are_not_control_characters() -> None:
    assert not has_control("\u00c9\u4e2d\u0639\U0001f600".encode())
