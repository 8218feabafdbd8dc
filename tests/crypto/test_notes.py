"""Signed notes: as C2SP has them, and refused when anything of them changes."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import NoteKey, NoteSigner, make_log_key, open_note, sign_note, text_of

NAME = "gateway/0123456789abcdef"
SIGNER = NoteSigner(NAME, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = NoteSigner(NAME, Ed25519PrivateKey.from_private_bytes(bytes(32)))
TEXT = f"{NAME}/1\n21\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
NOTE = sign_note(TEXT, [SIGNER])

# From the C2SP specification of signed notes: an example of Go's sumdb/note.
PUBLIC_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLIC_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
    "fqdngotpRZb6KE6RyyBwJnAM=\n"
)


def code_of(note: str, *known: NoteKey) -> str:
    """The code by which a note is refused."""
    with pytest.raises(CryptoFault) as caught:
        open_note(note, known)
    assert caught.value.hint
    return caught.value.code


def test_a_note_signed_by_somebody_elses_program_opens() -> None:
    key = NoteKey.read(PUBLIC_VKEY)
    text, signed = open_note(PUBLIC_NOTE, [key])
    assert text.endswith("your problem is.\n")
    assert signed == (key,)
    assert key.written() == PUBLIC_VKEY


def test_a_note_opens_with_the_key_that_signed_it() -> None:
    assert open_note(NOTE, [OTHER.key, SIGNER.key]) == (TEXT, (SIGNER.key,))
    assert text_of(NOTE) == TEXT


def test_two_keys_sign_where_one_follows_the_other() -> None:
    note = sign_note(TEXT, [SIGNER, OTHER])
    assert open_note(note, [OTHER.key])[1] == (OTHER.key,)
    assert open_note(note, [SIGNER.key, OTHER.key])[1] == (SIGNER.key, OTHER.key)


def test_a_note_by_an_unknown_key() -> None:
    assert code_of(NOTE, OTHER.key) == "note.unsigned"
    assert code_of(NOTE) == "note.unsigned"


@given(at=st.integers(0, len(NOTE.encode()) - 1), bit=st.integers(0, 7))
def test_no_altered_note_opens(at: int, bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[at] ^= 1 << bit
    altered = raw.decode("utf-8", errors="replace")
    assert code_of(altered, SIGNER.key).startswith("note.")


def test_a_note_is_written_in_one_way_only() -> None:
    """The last letter before the padding has two bits that say nothing: they must be zero."""
    told = NOTE.rstrip("\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(told[-2]) + 1]
    assert code_of(f"{told[:-2]}{last}=\n", SIGNER.key) == "note.malformed"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE.replace("\u2014", "-"),
        NOTE + "x\n",
        "\x00" + NOTE,
    ],
)
def test_what_is_no_note(note: str) -> None:
    assert code_of(note, SIGNER.key) == "note.malformed"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        PUBLIC_VKEY.replace("c74f20a3", "c74f20a4"),
        PUBLIC_VKEY.replace("+AR", "+AS"),
        PUBLIC_VKEY[:-4],
        "+" + PUBLIC_VKEY.split("+", 1)[1],
    ],
)
def test_what_is_no_key(vkey: str) -> None:
    with pytest.raises(CryptoFault) as caught:
        NoteKey.read(vkey)
    assert caught.value.code == "note.bad-key"


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.key"
    make_log_key(path)
    first = path.read_bytes()
    make_log_key(path)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert NoteSigner.load(path, NAME).key.name == NAME


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_a_key_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ledger.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CryptoFault) as caught:
        NoteSigner.load(path, NAME)
    assert caught.value.code == "note.no-key"
