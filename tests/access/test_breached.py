"""Breached passwords: found in a sorted file of hashes however it was written, and in no other."""

import hashlib
import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.breached import BreachedFault, examine, is_breached
from gateway.access.passwords import password_faults

STOLEN = "teapot umbrella galaxy"


def digest(password: str) -> str:
    """A password's SHA-1, as the lists have it."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def write(path: Path, passwords: Collection[str], end: str = "\n", last: bool = True) -> Path:
    """A list as "Have I Been Pwned" gives it out, of made-up passwords."""
    lines = [f"{found}:{number * 7919 + 1}" for number, found in enumerate(map(digest, passwords))]
    text = end.join(sorted(lines))
    path.write_text(text + (end if last and lines else ""), encoding="ascii", newline="")
    return path


@given(
    st.sets(st.text(max_size=12), max_size=60),
    st.text(max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_what_is_in_the_file_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    passwords: set[str],
    other: str,
    end: str,
    last: bool,
) -> None:
    path = write(tmp_path_factory.getbasetemp() / f"some-{os.getpid()}", passwords, end, last)
    assert all(is_breached(path, password) for password in passwords)
    assert is_breached(path, other) == (other in passwords)
    if passwords:
        assert examine(path)


def test_hashes_alone_and_in_small_letters_will_do(tmp_path: Path) -> None:
    path = tmp_path / "hashes"
    path.write_text("\n".join(sorted(digest(str(number)).lower() for number in range(300))))
    assert all(is_breached(path, str(number)) for number in range(300))
    assert not is_breached(path, "300")


def test_when_the_list_was_made_is_told(tmp_path: Path) -> None:
    path, at = write(tmp_path / "list", {STOLEN}), datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    os.utime(path, (at.timestamp(), at.timestamp()))
    assert examine(path) == at


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"teapot\n" * 100,
        b"\x00" * 5000,
        b"0" * 5000,
        "\n".join(sorted(map(digest, "abcdefgh"), reverse=True)).encode(),
        "\n".join(sorted(map(digest, "abcdefgh"))).encode() + b"\n\n",
        b"A" * 40 + b":many\n",
    ],
)
def test_what_is_no_such_list_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(BreachedFault) as told:
        examine(path)
    assert told.value.code == "breached.malformed"


@pytest.mark.parametrize("place", ["absent", "."])
def test_a_list_that_cannot_be_read_is_told(tmp_path: Path, place: str) -> None:
    for look in (examine, lambda path: is_breached(path, STOLEN)):
        with pytest.raises(BreachedFault) as told:
            look(tmp_path / place)
        assert told.value.code == "breached.absent"


def test_no_stolen_password_is_taken_and_none_at_all_without_the_list(tmp_path: Path) -> None:
    path = write(tmp_path / "list", {STOLEN, "another one of them"})
    assert "stolen from other services" in password_faults(STOLEN, (), path)[0]
    assert password_faults("velvet otter quartz", (), path) == []
    path.unlink()
    assert "cannot be checked now" in password_faults("velvet otter quartz", (), path)[0]
    path.write_bytes(b"nonsense" * 1000)
    assert "cannot be checked now" in password_faults("velvet otter quartz", (), path)[0]
