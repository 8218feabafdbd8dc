"""Records read at once and one by one are the same records, whatever the text and its blocks."""

import csv
import io
from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.intake.reading.plainrecords import Records
from gateway.intake.reading.refused import Refused
from gateway.intake.reading.source import Plain

WIDTH = 3
PLAIN = st.text(st.sampled_from("ab é’1\t"), max_size=4)
QUOTED = st.text(st.sampled_from('ab,\r\n"; é'), max_size=6).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)
RECORD = st.lists(PLAIN | QUOTED, min_size=WIDTH, max_size=WIDTH).map(",".join)
ODD = st.text(st.sampled_from('a,"\r\n\ufeff'), max_size=8)
END = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n", "\r"])
TEXT = st.lists(st.tuples(RECORD | ODD, END), max_size=8).flatmap(
    lambda parts: st.sampled_from(
        ["".join(map("".join, parts)), "".join(map("".join, parts)).rstrip("\r\n")]
    )
)


def one_by_one(text: str) -> list[list[str]] | None:
    """What Python's reader makes of it; None where it refuses."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None


def cut(text: str, wanted: list[int]) -> list[str]:
    """The text in blocks that end where a line ends."""
    ends = [
        place
        for place in range(1, len(text))
        if text[place - 1] == "\n" or (text[place - 1] == "\r" and text[place] != "\n")
    ]
    places = sorted({ends[at % len(ends)] for at in wanted} if ends else set())
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True) if text[a:b]]


def read(blocks: list[str], after: int, size: int) -> list[tuple[int, list[str]]] | None:
    found: list[tuple[int, list[str]]] = []
    try:
        for piece in Records(iter(blocks), ",", size).pieces(after, WIDTH):
            if isinstance(piece, Plain):
                assert 0 < piece.frame.height <= size
                rows = [list(row) for row in piece.frame.rows()]
                found += zip(piece.numbers.to_list(), rows, strict=True)
            else:
                assert 0 < len(piece) <= size
                found += piece
    except Refused as refusal:
        assert [item.code for item in refusal.findings] == ["file.quotes"]
        return None
    return found


@settings(max_examples=500, deadline=None)
@given(TEXT, st.lists(st.integers(0, 20), max_size=3), st.integers(0, 2), st.integers(1, 4))
@example("a,b,c\n\ufeffa,b,c\nd,e,f\n", [0], 1, 4)
@example('a,b,"c\n', [], 0, 4)
@example('a,b,"c\r\nd"\r\ne,f,g', [0], 0, 4)
@example("a\rb\rc", [0], 0, 4)
def test_records_are_the_same_at_once_and_one_by_one(
    text: str, cuts: list[int], after: int, size: int
) -> None:
    expected = one_by_one(text)
    if expected is None or len(expected) < after:
        if expected is None:
            assert read(cut(text, cuts), 0, size) is None
        return
    numbered = list(islice(enumerate(expected, 1), after, None))
    found = read(cut(text, cuts), after, size)
    assert found is not None
    blank = [(number, row) for number, row in numbered if not row]
    assert sorted([*found, *(item for item in blank if item not in found)]) == numbered


def test_records_that_fit_are_read_at_once() -> None:
    """Or the whole of it would be slow, and nothing would tell."""
    blocks = ['head,head,head\r\na,"b ""x"", y",c\r\n\r\nd,"e\r\nf",g\r\n']
    (piece,) = Records(iter(blocks), ",", 100).pieces(1, WIDTH)
    assert isinstance(piece, Plain)
    assert piece.numbers.to_list() == [2, 4]
    assert piece.frame.rows() == [("a", 'b "x", y', "c"), ("d", "e\r\nf", "g")]


@pytest.mark.parametrize("width", [1, 201])
def test_a_table_of_one_column_or_very_many_is_read_one_by_one(width: int) -> None:
    row = ",".join("x" * width)
    (piece,) = Records(iter([f"{row}\n"]), ",", 100).pieces(0, width)
    assert piece == [(1, ["x"] * width)]
