"""Resolving what a sender wrote: exact after folding, dated, and never by a part of a value."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.codes import CodeIndex, Resolved
from gateway.agreement.model import Code, CodeList
from gateway.agreement.normalise import fold

GENDER = CodeList(
    id="gender",
    codes=(
        Code(code="1", label="Male", synonyms=("Man & boy",)),
        Code(code="2", label="Female"),
        Code(code="9", label="Not known", synonyms=("N/K",)),
    ),
)


@pytest.fixture
def areas(small_home: Any) -> CodeIndex:
    return CodeIndex(small_home.load().lists["areas"])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Male", "Male"),
        ("  fe\u00a0male", None),
        ("FEMALE", "Female"),
        ("not\u00a0 known", "Not known"),
        ("n/k", "Not known"),
        ("2", "Female"),
        ("man and boy", "Male"),
        ("no", None),
        ("know", None),
        ("mal", None),
        ("male ", "Male"),
        ("Not male", None),
        ("12", None),
        ("", None),
    ],
)
def test_matching_is_exact_after_folding(text: str, label: str | None) -> None:
    expected = Resolved(label) if label else Resolved(problem="code.unknown")
    assert CodeIndex(GENDER).resolve(text, ()) == expected


def test_a_code_must_be_in_being_on_one_of_the_days(areas: CodeIndex) -> None:
    before, after = date(2019, 3, 31), date(2019, 4, 1)
    assert areas.resolve("N1", [before]).label == "Northshire"
    assert areas.resolve("N1", [after]).problem == "code.not-in-being"
    assert areas.resolve("N1", [after, before]).label == "Northshire"
    assert areas.resolve("The North", [after]).problem == "code.not-in-being"
    assert areas.resolve("N1", []).label == "Northshire"
    assert areas.resolve("Nowhere", [before]).problem == "code.unknown"


def test_two_codes_of_one_label_are_no_ambiguity(areas: CodeIndex) -> None:
    days = [date(2019, 3, 31), date(2019, 4, 1)]
    assert areas.resolve("Northshire", days).label == "Northshire"
    assert areas.resolve("Northshire", []).label == "Northshire"


def test_a_text_that_means_two_labels_is_ambiguous_only_while_both_are_in_being(
    areas: CodeIndex,
) -> None:
    assert areas.resolve("South", [date(2020, 6, 1)]).problem == "code.ambiguous"
    assert areas.resolve("South", []).problem == "code.ambiguous"
    assert areas.resolve("South", [date(2021, 6, 1)]).label == "Southshire"


texts = st.text(alphabet="abAB é'&-0 \u00a0’", min_size=1, max_size=6).filter(
    lambda t: bool(fold(t))
)


@given(st.lists(texts, min_size=1, max_size=6, unique_by=fold), texts)
def test_a_text_is_found_exactly_when_its_folded_form_is_listed(
    labels: list[str], text: str
) -> None:
    codes = tuple(Code(code=label, label=label) for label in labels)
    resolved = CodeIndex(CodeList(id="x", codes=codes)).resolve(text, ())
    matching = [label for label in labels if fold(label) == fold(text)]
    assert ([resolved.label] if resolved.label else []) == matching
    assert (resolved.problem == "code.unknown") is not bool(matching)


@given(st.sampled_from(["Male", "Female", "Not known"]), st.data())
def test_case_and_space_count_for_nothing(label: str, data: st.DataObject) -> None:
    cased = "".join(data.draw(st.sampled_from([c.upper(), c.lower()])) for c in label)
    spaced = cased.replace(" ", data.draw(st.sampled_from([" ", "  ", "\u00a0", " \t "])))
    padded = (
        data.draw(st.sampled_from(["", " ", "\n"])) + spaced + data.draw(st.sampled_from(["", " "]))
    )
    assert CodeIndex(GENDER).resolve(padded, ()).label == label


@given(st.sampled_from([c.label for c in GENDER.codes]), st.integers(0, 8), st.integers(1, 9))
def test_a_part_of_a_label_is_never_enough(label: str, start: int, length: int) -> None:
    part = label[start : start + length]
    resolved = CodeIndex(GENDER).resolve(part, ())
    whole = {fold(text) for c in GENDER.codes for text in (c.code, c.label, *c.synonyms)}
    assert (resolved.label is not None) is (fold(part) in whole)


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(0, 3000),
    st.integers(-2, 3002),
)
def test_both_ends_of_a_validity_count(start: date, length: int, at: int) -> None:
    end = start + timedelta(days=length)
    day = start + timedelta(days=at)
    index = CodeIndex(
        CodeList(id="x", codes=(Code(code="A", label="A", valid_from=start, valid_to=end),))
    )
    assert (index.resolve("a", [day]).label == "A") is (0 <= at <= length)
