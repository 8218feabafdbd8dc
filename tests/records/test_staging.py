"""Rows at rest: the same come back, an altered file is refused, nothing readable lies there."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.faults import CryptoFault
from gateway.records.chunk import Row
from gateway.records.staging import Draft, Part, Staging, pack, unpack

cells = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8", exclude_characters="\x00"),
        st.sampled_from("\",\n;'\t=+é’\u2028"),
    ),
    max_size=30,
)
row_lists = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.tuples(st.integers(1, 99_999_999), st.lists(cells, min_size=width, max_size=width)),
        max_size=20,
    )
)
TOKEN = "Zzyzwick of Quarrystone Mews"


def as_rows(drawn: list[tuple[int, list[str]]]) -> list[Row]:
    return [(number, tuple(texts)) for number, texts in drawn]


@given(drawn=row_lists)
def test_rows_round_trip(drawn: list[tuple[int, list[str]]]) -> None:
    rows = as_rows(drawn)
    assert unpack(pack(rows)) == rows


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "\r", '"\r\n"', "\ufeff", " lead", "\u0085"])
def test_line_ends_inside_a_cell_come_back_as_they_were(text: str) -> None:
    rows: list[Row] = [(2, (text, "", text)), (3, ("", "", ""))]
    assert unpack(pack(rows)) == rows


def test_a_long_cell_comes_back() -> None:
    """More than a workbook's cell can hold (32,767 characters)."""
    rows: list[Row] = [(2, ("é" * 100_000,))]
    assert unpack(pack(rows)) == rows


def staged(staging: Staging, part: Part, *chunks: list[Row]) -> Path:
    file = staging.open("20260302-0123456789ab", part)
    for chunk in chunks:
        file.add(chunk)
    file.keep()
    return staging.path("20260302-0123456789ab", part)


CHUNKS: tuple[list[Row], ...] = (
    [(2, ("SCN0001", TOKEN)), (3, ("SCN0002", "=1+1"))],
    [(9, ("SCN0003", 'a "quoted", text\nin two lines'))],
)


def test_staged_rows_come_back_chunk_by_chunk(staging: Staging) -> None:
    path = staged(staging, "accepted", *CHUNKS)
    assert list(staging.read("20260302-0123456789ab", "accepted")) == list(CHUNKS)
    assert [item.name for item in staging.folder.iterdir()] == [path.name]


def test_an_empty_part_is_a_file_without_rows(staging: Staging) -> None:
    path = staged(staging, "held", [])
    assert path.is_file()
    assert list(staging.read("20260302-0123456789ab", "held")) == []


def test_nothing_readable_lies_on_the_disk(staging: Staging) -> None:
    path = staged(staging, "accepted", *CHUNKS)
    content = path.read_bytes()
    for word in (TOKEN, "SCN0001", "quoted"):
        assert word.encode() not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(staging.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:10],
        lambda _: b"",
        lambda data: data + b"\x00",
        lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
        lambda data: data[:-3] + b"\x00\x00\x00",
    ],
    ids=["last byte cut", "half cut", "head cut", "empty", "added to", "flipped", "end altered"],
)
def test_an_altered_or_cut_file_is_refused(
    staging: Staging, harm: Callable[[bytes], bytes]
) -> None:
    path = staged(staging, "accepted", *CHUNKS)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(CryptoFault) as told:
        list(staging.read("20260302-0123456789ab", "accepted"))
    assert told.value.code == "sealed.damaged"
    assert TOKEN not in str(told.value)


def test_the_rows_of_one_drop_or_part_do_not_open_as_another_s(staging: Staging) -> None:
    path = staged(staging, "held", *CHUNKS)
    for other in (
        staging.path("20260302-0123456789ab", "accepted"),
        staging.path("20260302-ba9876543210", "held"),
    ):
        other.write_bytes(path.read_bytes())
    with pytest.raises(CryptoFault):
        list(staging.read("20260302-0123456789ab", "accepted"))
    with pytest.raises(CryptoFault):
        list(staging.read("20260302-ba9876543210", "held"))


def test_another_key_opens_nothing(staging: Staging) -> None:
    staged(staging, "accepted", *CHUNKS)
    with pytest.raises(CryptoFault):
        list(Staging(staging.folder, b"l" * 32).read("20260302-0123456789ab", "accepted"))


def test_rows_that_were_abandoned_leave_nothing(staging: Staging) -> None:
    file = staging.open("20260302-0123456789ab", "accepted")
    file.add(CHUNKS[0])
    file.abandon()
    assert list(staging.folder.iterdir()) == []


def test_abandoning_what_was_kept_keeps_it(staging: Staging) -> None:
    file = staging.open("20260302-0123456789ab", "accepted")
    file.add(CHUNKS[0])
    file.keep()
    file.abandon()
    assert list(staging.read("20260302-0123456789ab", "accepted")) == [CHUNKS[0]]


def test_the_same_drop_staged_again_replaces_what_was_there(staging: Staging) -> None:
    """As after a run that was cut short half way, whose part is still there."""
    staged(staging, "accepted", *CHUNKS)
    cut_short = staging.open("20260302-0123456789ab", "accepted")
    cut_short.add(CHUNKS[0])
    assert len(list(staging.folder.iterdir())) == 2
    staged(staging, "accepted", CHUNKS[1])
    assert list(staging.read("20260302-0123456789ab", "accepted")) == [CHUNKS[1]]
    assert len(list(staging.folder.iterdir())) == 1
    cut_short.abandon()


# --- the draft between reading and judgement ------------------------------------------------------


def test_a_draft_gives_its_rows_and_has_no_name(tmp_path: Path) -> None:
    with Draft(tmp_path) as draft:
        for chunk in CHUNKS:
            draft.add(chunk)
        assert list(draft.chunks()) == list(CHUNKS)
        assert list(tmp_path.iterdir()) == []


def test_what_a_draft_writes_is_sealed(tmp_path: Path) -> None:
    with Draft(tmp_path) as draft:
        draft.add(CHUNKS[0] * 200)
        list(draft.chunks())
        descriptors = [
            link for link in Path("/proc/self/fd").iterdir() if str(tmp_path) in _target(link)
        ]
        assert len(descriptors) == 1
        assert TOKEN.encode() not in descriptors[0].read_bytes()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_a_draft_without_rows_gives_none() -> None:
    with Draft() as draft:
        assert list(draft.chunks()) == []
