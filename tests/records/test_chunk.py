"""Rows by column: the same come back, some of them can be taken, and any bytes are judged."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.records.chunk import MARK, Chunk, Column, Row, all_rows, pack, unpack

FEW = st.sampled_from(["", "Leeds", "York", "é’\u2028", 'a\r\n"b"'])
CELL = st.one_of(FEW, st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=20))
ROWS = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.tuples(st.integers(1, 99_999_999), st.lists(CELL, min_size=width, max_size=width)),
        max_size=30,
    )
)


def as_rows(drawn: list[tuple[int, list[str]]]) -> list[Row]:
    return [(number, tuple(cells)) for number, cells in drawn]


@given(ROWS)
def test_rows_come_back_by_column_and_packed(drawn: list[tuple[int, list[str]]]) -> None:
    rows = as_rows(drawn)
    chunk = Chunk.of(rows)
    assert list(chunk) == rows
    assert len(chunk) == len(rows)
    assert list(unpack(pack(chunk))) == rows
    assert list(all_rows([chunk, chunk])) == 2 * [cells for _, cells in rows]


@given(ROWS, st.lists(st.booleans(), min_size=30, max_size=30))
def test_some_of_the_rows_can_be_taken(
    drawn: list[tuple[int, list[str]]], flags: list[bool]
) -> None:
    rows = as_rows(drawn)
    wanted = flags[: len(rows)]
    expected = [row for row, flag in zip(rows, wanted, strict=True) if flag]
    taken = Chunk.of(rows).where(wanted)
    assert list(taken) == expected
    assert list(unpack(pack(taken))) == expected


def test_rows_that_are_taken_bring_no_value_of_the_others() -> None:
    """A held row's cell must not lie among those that travel, although no row would show it."""
    chunk = Chunk.of([(number, ("CANARY" if number == 4 else "Leeds",)) for number in range(2, 9)])
    assert chunk.columns[0].codes is not None
    assert b"CANARY" in pack(chunk)
    assert b"CANARY" not in pack(chunk.where([number != 4 for number in chunk.numbers]))


def test_what_a_column_repeats_is_kept_once() -> None:
    column = Column.of(["Leeds"] * 5_000 + ["York"] * 5_000)
    assert (list(column.values), column.codes and column.codes.typecode) == (["Leeds", "York"], "B")
    assert len(pack(Chunk(range(1, 10_001), (column,)))) < 51_000


def test_a_column_of_hundreds_of_values_takes_two_bytes_a_row() -> None:
    cells = [str(number % 300) for number in range(1_000)]
    column = Column.of(cells)
    assert column.codes is not None
    assert column.codes.typecode == "H"
    assert list(column.cells()) == cells


def test_columns_are_laid_out_as_they_are_agreed_now() -> None:
    chunk = Chunk.of([(2, ("a", "b")), (3, ("c", "d"))])
    assert list(chunk.laid_out((1, None, 0))) == [(2, ("b", "", "a")), (3, ("d", "", "c"))]


def test_the_mark_between_values_is_in_no_cell() -> None:
    with pytest.raises(ValueError, match="mark"):
        pack(Chunk.of([(2, ("a\x1fb",))]))


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_are_a_chunk_or_refused(data: bytes, place: int, byte: int) -> None:
    whole = bytearray(pack(Chunk.of([(2, ("a", "x")), (3, ("a", "y")), (4, ("a", "z"))])))
    whole[place % len(whole)] = byte
    for given_bytes in (MARK + data, bytes(whole)):
        try:
            found = unpack(given_bytes)
        except ValueError:
            continue
        assert len(list(found.rows())) == len(found)


def test_a_code_without_a_value_is_refused() -> None:
    wrong = Chunk([2, 3, 4], (Column(("a",), array("B", [0, 0, 1])),))
    with pytest.raises(ValueError, match="no chunk"):
        unpack(pack(wrong))
