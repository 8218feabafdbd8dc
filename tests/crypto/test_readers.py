"""Who can open a message, as its packets tell: the same as gpg's own listing."""

import contextlib
import io
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_ring import NOW, Ring

from gateway.crypto.gpg import gpg_program
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.readers import readers_of

ONE = "00112233445566AA"
KEY = b"\xc1\x0c\x03" + bytes.fromhex(ONE) + b"\x12\x00\x00"  # a session key for that key
DATA = b"\xd2\x05\x01data"


def read(message: bytes) -> list[str]:
    return readers_of(io.BytesIO(message))


@pytest.mark.parametrize("size", [0, 1, 5_000, 3_000_000])
def test_it_tells_what_gpg_lists(tmp_path: Path, ring: Ring, size: int) -> None:
    (tmp_path / "plain").write_bytes(b"x" * size)
    sealed = tmp_path / "sealed"
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        for to in ([ring.dfe.fingerprint], [ring.panel.fingerprint, ring.dfe.fingerprint]):
            openpgp.encrypt(tmp_path / "plain", sealed, to)
            asked = [gpg_program(), "--homedir", str(openpgp._home.path), "--list-packets"]
            told = subprocess.run(
                [*asked, "--list-only", str(sealed)], capture_output=True, text=True, check=False
            ).stdout
            with sealed.open("rb") as message:
                found = readers_of(message)
            assert found == re.findall(r"^:pubkey enc packet:.*keyid (\w{16})$", told, re.MULTILINE)
            assert len(found) == len(to)


OLD = b"\x84\x0c\x03" + bytes.fromhex(ONE) + b"\x12\x00\x00"
WHOLE = {
    "the new form": KEY + DATA,
    "the old form": OLD + DATA,
    "lengths of two octets": KEY + b"\xd2\xc0\x08" + b"\x01" + b"x" * 199,
    "lengths of five octets": KEY + b"\xd2\xff\x00\x00\x00\x05\x01data",
    "data in parts": KEY + b"\xd2\xe9" + b"x" * 512 + b"\xe0" + b"x" + b"\x03abc",
    "authenticated data": KEY + b"\xd4\x05\x01data",
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_form_of_a_length_is_read(name: str) -> None:
    assert read(WHOLE[name]) == [ONE]


BROKEN = {
    "nothing": b"",
    "text": b"Dear all,",
    "no reader and no data": b"\xcb\x00",
    "a reader without data": KEY,
    "data cut short": KEY + DATA[:-1],
    "data in parts cut short": KEY + b"\xd2\xe9" + b"x" * 512 + b"\x05abc",
    "a length cut short": KEY + b"\xd2\xff\x00",
    "something after it": KEY + DATA + b"\x00",
    "a second message after it": KEY + DATA + KEY + DATA,
    "a password too": KEY + b"\xc3\x04\x04\x09\x00\x08" + DATA,
    "another version": KEY.replace(b"\x0c\x03", b"\x0c\x06") + DATA,
    "a reader without an id": b"\xc1\x03\x03\x00\x11" + DATA,
    "unprotected data": KEY + b"\xc9\x05\x01data",
    "a compressed packet": b"\xc8\x05\x01data",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_one_whole_message_for_keys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"packet|message|key|encrypted"):
        read(BROKEN[name])


def test_data_for_nobody_has_no_readers() -> None:
    assert read(DATA) == []


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda more: KEY + more))
def test_whatever_it_is_it_is_read_or_refused(message: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert all(len(reader) == 16 for reader in read(message))
