import hashlib
import hmac

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.crypto.memory import KeyedMemory

MEMORY = KeyedMemory(b"k" * 32)
cells = st.lists(st.text(max_size=8), max_size=5)


def test_a_reference_is_known_however_it_is_typed() -> None:
    known = MEMORY.reference("notifications", "SCR 2016/017")
    assert len(known) == 32
    for typed in ("scr 2016/017", "  SCR\u00a02016/017 ", "Scr  2016/017"):
        assert MEMORY.reference("notifications", typed) == known
    assert MEMORY.reference("notifications", "SCR 2016/018") != known
    assert MEMORY.reference("scr-updates", "SCR 2016/017") != known


def test_a_row_is_known_exactly() -> None:
    known = MEMORY.row("notifications", ["A", "b"])
    assert MEMORY.row("notifications", ("A", "b")) == known
    for other in (["a", "b"], ["A", "b", ""], ["A b"], ["b", "A"]):
        assert MEMORY.row("notifications", other) != known
    assert MEMORY.row("scr-updates", ["A", "b"]) != known


@given(cells, cells)
def test_no_two_rows_look_alike(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert MEMORY.row("f", one) != MEMORY.row("f", other)


def test_a_row_and_a_reference_never_meet() -> None:
    assert MEMORY.row("f", ["abcd1"]) != MEMORY.reference("f", "abcd1")


def test_without_the_key_nothing_can_be_tried() -> None:
    digest = MEMORY.reference("f", "abcd1")
    assert digest != KeyedMemory(b"j" * 32).reference("f", "abcd1")
    assert digest != hashlib.sha256(b"abcd1").digest()


def test_the_encoding_never_changes_between_versions() -> None:
    """What was sent is remembered for years, so tomorrow's digests must equal today's."""
    told = b"3,1,1,0,2\x00rowfAbc"
    expected = hmac.digest(b"k" * 32, told, hashlib.sha256)
    assert MEMORY.row("f", ["A", "", "bc"]) == expected


def test_half_a_character_is_only_data() -> None:
    assert MEMORY.row("f", ["\ud800"]) != MEMORY.row("f", ["\ud801"])
