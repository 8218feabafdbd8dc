"""Frames and pieces, whatever way the bytes are cut."""

import csv
import io
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.confined.wire import CAPS, HEAD, AnswerFault, Unpacker, pack, pieces, records

KINDS = st.sampled_from(sorted(CAPS))
CELL = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def fed(unpacker: Unpacker, data: bytes, cuts: list[int]) -> list[tuple[bytes, bytes]]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(places)]
    return [frame for part in parts for frame in unpacker.feed(part)]


@given(st.lists(st.tuples(KINDS, st.binary(max_size=50))), st.lists(st.integers(0, 999)))
def test_frames_come_back_however_they_are_cut(
    sent: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    unpacker = Unpacker(10_000_000)
    assert fed(unpacker, b"".join(pack(*frame) for frame in sent), cuts) == sent
    unpacker.close()


@given(st.binary(max_size=300), st.lists(st.integers(0, 999)))
def test_any_bytes_are_frames_or_a_fault(data: bytes, cuts: list[int]) -> None:
    unpacker = Unpacker(10_000)
    try:
        got = fed(unpacker, data, cuts)
        unpacker.close()
    except AnswerFault as fault:
        assert fault.code == "file.reader-failed"
    else:
        assert b"".join(pack(*frame) for frame in got) == data


@pytest.mark.parametrize("kind", sorted(CAPS))
def test_a_frame_over_its_cap_is_refused_before_it_is_read(kind: bytes) -> None:
    with pytest.raises(AnswerFault, match="size"):
        list(Unpacker(1 << 40).feed(HEAD.pack(kind, CAPS[kind] + 1)))
    with pytest.raises(ValueError, match="at most"):
        pack(kind, bytes(CAPS[kind] + 1))


def test_the_total_is_capped() -> None:
    unpacker = Unpacker(100)
    assert list(unpacker.feed(pack(b"F", bytes(90)))) == [(b"F", bytes(90))]
    with pytest.raises(AnswerFault) as fault:
        list(unpacker.feed(bytes(20)))
    assert fault.value.code == "file.over-limit"


def written(rows: list[list[str]], quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=quoting).writerows(rows)
    return text.getvalue().encode()


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=30),
    st.integers(1, 200),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_pieces_hold_whole_records_in_order(rows: list[list[str]], size: int, quoting: int) -> None:
    header = ["row", "text"]
    got: list[list[str]] = []
    for count, piece in pieces(written([header, *rows], quoting), len(rows), size):
        table = list(csv.reader(io.StringIO(piece.decode(), newline=""), strict=True))
        assert table[0] == header
        assert len(table) == count + 1
        got += table[1:]
    assert got == rows


@given(st.integers(0, 40), st.integers(-3, 3), st.integers(1, 50))
def test_a_wrong_count_is_not_mended(rows: int, wrong: int, size: int) -> None:
    data = written([["row", "text"], *[[str(n), "x"] for n in range(rows)]])
    told = list(pieces(data, rows + wrong, size))
    honest = all(records(piece) == count + 1 for count, piece in told)
    assert honest == (wrong == 0 or (rows + wrong < 0 and rows == 0))


def test_a_record_without_its_last_line_end_counts() -> None:
    assert records(b"") == 0
    assert records(b"row,text\r\n2,a") == 2
    assert records(b'row,text\r\n2,"a\nb"\r\n') == 2


def test_an_unclosed_quote_is_one_piece() -> None:
    data = b'row,text\n2,"' + b"x\n" * 50
    assert re.fullmatch(rb"(?s)row,text\n.*", next(pieces(data, 1, 10))[1])
    assert len(list(pieces(data, 1, 10))) == 1
