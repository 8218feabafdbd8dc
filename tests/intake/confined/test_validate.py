"""What the worker believes of a child's answer: only what an honest child could say."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.agreement.model import RuleBook
from gateway.intake.confined.frames import DoneFrame, FindingsFrame, TableFrame
from gateway.intake.confined.validate import Validator
from gateway.intake.confined.wire import COUNT, AnswerFault, Unpacker, pack
from gateway.intake.findings import KINDS, Finding
from gateway.records.chunk import Chunk

GOOD = ("2", "SCN00000001", "Leeds", "AB", "2016-03-01", "12", "Yes", "Police", "Some text")
OUTCOME: dict[str, Any] = {
    "sheet": "Extract",
    "rows": 0,
    "kept": [0, 1],
    "dropped": ["Pupil name"],
    "missing": [2],
    "refused": False,
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def compact(value: object) -> bytes:
    return json.dumps(value).encode()


def part(book: RuleBook, *rows: Sequence[str], count: int | None = None) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(["row", *(spec.id for spec in book.flow.fields)])
    csv.writer(text).writerows(rows)
    return COUNT.pack(len(rows) if count is None else count) + text.getvalue().encode()


def answer(book: RuleBook) -> bytes:
    """A whole honest answer, as it travels."""
    more = [(str(row), *GOOD[1:]) for row in range(3, 9)]
    return b"".join(
        (
            pack(b"F", compact([["date.future", "error", 3, 3, None]])),
            pack(b"T", part(book, GOOD)),
            pack(b"T", part(book, *more)),
            pack(b"F", compact([["file.totals", "query", None, None, 1]])),
            pack(b"D", compact({**OUTCOME, "rows": 7})),
        )
    )


def heard(book: RuleBook, data: bytes) -> list[object]:
    unpacker, validator = Unpacker(1_000_000), Validator(book)
    said: list[object] = [validator.frame(*frame) for frame in unpacker.feed(data)]
    unpacker.close()
    validator.close()
    return said


def test_an_honest_answer_is_believed(book: RuleBook) -> None:
    said = heard(book, answer(book))
    assert [type(frame) for frame in said] == [
        FindingsFrame,
        TableFrame,
        TableFrame,
        FindingsFrame,
        DoneFrame,
    ]
    assert said[0] == FindingsFrame((Finding("date.future", "error", 3, "Date of incident"),))
    assert said[1] == TableFrame(Chunk.of(((2, GOOD[1:]),)))
    outcome = said[-1].outcome  # type: ignore[attr-defined]
    assert outcome.kept == ("Reference number", "Local authority")
    assert outcome.missing == ("Child's initials",)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 10_000),
    st.binary(max_size=6),
)
def test_a_mutated_answer_is_believed_only_in_its_agreed_form(
    book: RuleBook, changes: list[tuple[int, int]], place: int, slipped_in: bytes
) -> None:
    data = bytearray(answer(book))
    for where, byte in changes:
        data[where % len(data)] = byte
    place %= len(data)
    data[place:place] = slipped_in
    try:
        said = heard(book, bytes(data))
    except AnswerFault as fault:
        assert fault.code in ("file.reader-failed", "file.over-limit")
        return
    headings = {spec.heading for spec in book.flow.fields} | {"Pupil name", None}
    for frame in said:
        if isinstance(frame, FindingsFrame):
            assert all(item.code in KINDS and item.column in headings for item in frame.items)
        elif isinstance(frame, TableFrame):
            assert all(cells[1] in ("Leeds", "York", "") for _, cells in frame.rows)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"F", b"D"]), ANY_JSON)
def test_any_json_is_believed_or_a_fault(book: RuleBook, kind: bytes, value: object) -> None:
    try:
        frame = Validator(book).frame(kind, compact(value))
    except AnswerFault:
        return
    assert frame == FindingsFrame(())


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_JSON, min_size=5, max_size=5))
def test_a_finding_of_any_parts_is_honest_or_a_fault(book: RuleBook, parts: list[object]) -> None:
    with pytest.raises(AnswerFault):
        Validator(book).frame(b"F", compact([parts]))


@pytest.mark.parametrize(
    "item",
    [
        ["date.future", "error", 2, 99, None],
        ["date.future", "error", 2, -1, None],
        ["date.future", "error", 2, True, None],
        ["date.future", "error", 2, None, 1.5],
        ["date.future", "error", 1e3, None, None],
        ["date.future", "error", 10**9, None, None],
        ["date.future", "warning", 2, None, None],
        ["rule.late", "fatal", 2, None, None],
        ["date.future", ["error"], 2, None, None],
        [["date.future"], "error", 2, None, None],
        ["date.future", "error", 2, None],
        "date.future",
        None,
    ],
)
def test_a_dishonest_finding_is_a_fault(book: RuleBook, item: object) -> None:
    with pytest.raises(AnswerFault):
        Validator(book).frame(b"F", compact([item]))


def test_a_finding_may_name_a_known_source_column_and_a_rule_its_own_severity(
    book: RuleBook,
) -> None:
    said = [["file.heading-twice", "error", None, 8, None], ["rule.late", "error", 2, 3, None]]
    frame = Validator(book).frame(b"F", compact(said))
    assert frame == FindingsFrame(
        (
            Finding("file.heading-twice", "error", None, "Pupil name"),
            Finding("rule.late", "error", 2, "Date of incident"),
        )
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sheet": "x" * 32}, "sheet"),
        ({"sheet": "a\nb"}, "sheet"),
        ({"sheet": 3}, "sheet"),
        ({"rows": -1}, "rows"),
        ({"rows": True}, "rows"),
        ({"rows": 5}, "other rows"),
        ({"kept": [0, 0]}, "twice"),
        ({"kept": [8]}, "kept"),
        ({"kept": ["Reference number"]}, "kept"),
        ({"kept": None}, "kept"),
        ({"missing": list(range(9))}, "missing"),
        ({"dropped": ["x" * 121]}, "dropped"),
        ({"dropped": ["\ud800"]}, "dropped"),
        ({"dropped": ["x"] * 501}, "dropped"),
        ({"dropped": "x"}, "dropped"),
        ({"refused": 1}, "refused"),
        ({"refused": True}, "differ"),
        ({"more": 1}, "agreed parts"),
    ],
)
def test_a_dishonest_outcome_is_a_fault(book: RuleBook, change: dict[str, Any], why: str) -> None:
    with pytest.raises(AnswerFault, match=why):
        Validator(book).frame(b"D", compact({**OUTCOME, **change}))


def test_rows_refused_may_come_with_or_without_a_refusal(book: RuleBook) -> None:
    for refused in (True, False):
        validator = Validator(book)
        validator.frame(b"F", compact([["file.rows-refused", "error", None, None, None]]))
        assert validator.frame(b"D", compact({**OUTCOME, "refused": refused}))


def test_a_refused_file_need_not_count_its_rows(book: RuleBook) -> None:
    validator = Validator(book)
    validator.frame(b"T", part(book, GOOD))
    validator.frame(b"F", compact([["file.damaged", "error", None, None, None]]))
    done = validator.frame(b"D", compact({**OUTCOME, "refused": True}))
    assert isinstance(done, DoneFrame)


def test_rows_rise_from_part_to_part(book: RuleBook) -> None:
    validator = Validator(book)
    validator.frame(b"T", part(book, ("7", *GOOD[1:])))
    with pytest.raises(AnswerFault, match="rising"):
        validator.frame(b"T", part(book, ("7", *GOOD[1:])))


@pytest.mark.parametrize("row", ["0", "07", "-1", "+2", "2.0", "1e3", "\u0662", "", "999999999"])
def test_a_row_number_is_a_plain_whole_number(book: RuleBook, row: str) -> None:
    with pytest.raises(AnswerFault, match="number"):
        Validator(book).frame(b"T", part(book, (row, *GOOD[1:])))


def test_an_empty_part_of_the_table_is_fine(book: RuleBook) -> None:
    assert Validator(book).frame(b"T", part(book)) == TableFrame(Chunk((), ()))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00\x00",
        COUNT.pack(0),
        COUNT.pack(0) + b"\n",
        COUNT.pack(0) + b"row,name\n",
        COUNT.pack(0) + b'row,"refer',
        COUNT.pack(0) + "row\u0000".encode(),
    ],
)
def test_a_malformed_part_of_the_table_is_a_fault(book: RuleBook, payload: bytes) -> None:
    with pytest.raises(AnswerFault):
        Validator(book).frame(b"T", payload)


def test_a_miscounted_part_is_a_fault(book: RuleBook) -> None:
    with pytest.raises(AnswerFault, match="more or fewer"):
        Validator(book).frame(b"T", part(book, GOOD, count=2))


def test_no_outcome_and_two_are_faults(book: RuleBook) -> None:
    validator = Validator(book)
    with pytest.raises(AnswerFault, match="no outcome"):
        validator.close()
    validator.frame(b"D", compact(OUTCOME))
    validator.close()
    with pytest.raises(AnswerFault, match="after its end"):
        validator.frame(b"D", compact(OUTCOME))
