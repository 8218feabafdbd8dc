"""Signed notes: the gateway's Ed25519 signature under a checkpoint of its log.

A note (C2SP signed-note) is a text, an empty line, and signature lines. A verifier key ("vkey") is
``<name>+<8 hex digits>+<base64 of 0x01 and the 32-byte public key>``; the digits are the key's id,
the first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key).
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

_ED25519 = b"\x01"
_ABOUT_KEYS = """\
# The public keys that sign the ledger's checkpoints, the newest last: give this file to everyone
# who is to verify them. An old key stays: it proves what was signed with it.
"""
_LARGEST = 1_000_000  # bytes of a note
_MANY = 16  # signature lines; C2SP asks a verifier to bear at least so many


@dataclass(frozen=True)
class NoteKey:
    """A public key under a name. ``id``: 4 bytes that name it in signature lines."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the key's hash."""
        said = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(said).digest()[:4]

    def written(self) -> str:
        """As a vkey."""
        told = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{told}"

    @classmethod
    def read(cls, vkey: str) -> "NoteKey":
        """Read a vkey. Raises CryptoFault note.bad-key."""
        try:
            name, key_id, told = vkey.strip().split("+", 2)
            raw = _decoded(told)
            key = cls(name, raw[1:])
            if raw[:1] != _ED25519 or len(key.public) != 32 or key.id.hex() != key_id or not name:
                raise ValueError
        except ValueError:
            raise CryptoFault(
                "note.bad-key",
                "A line of config/ledger-keys is no key of a signed note.",
                "Restore the file from its backup; docs/ledger.md shows its form.",
            ) from None
        return key


@dataclass(frozen=True)
class NoteSigner:
    """A private key under a name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> NoteKey:
        """Its public half."""
        return NoteKey(self.name, self.private.public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        """The signature line of a text."""
        told = base64.b64encode(self.key.id + self.private.sign(text.encode())).decode()
        return f"\u2014 {self.name} {told}\n"

    @classmethod
    def load(cls, path: Path, name: str) -> "NoteSigner":
        """The key in a file of 32 bytes. Raises CryptoFault note.no-key."""
        try:
            return cls(name, Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
        except (OSError, ValueError):
            raise CryptoFault(
                "note.no-key",
                f"keys/{path.name}, which signs the ledger's checkpoints, cannot be used.",
                "Restore it from its backup; or have both parties approve `ledger recover`.",
            ) from None


def read_keys(path: Path) -> tuple[NoteKey, ...]:
    """The keys in a file, a vkey a line, the newest last; lines with # before them say things.

    An absent file holds none. Raises CryptoFault note.bad-key.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError):
        lines = ["unreadable"]
    return tuple(NoteKey.read(line) for line in lines if line.strip() and line[0] != "#")


def add_key(path: Path, key: NoteKey) -> None:
    """Write a key behind those of a file, unless it is there."""
    if key in read_keys(path):
        return
    text = path.read_text(encoding="utf-8") if path.exists() else _ABOUT_KEYS
    with kept_if_whole(path) as part:
        part.write_text(f"{text}{key.written()}\n", encoding="utf-8")
    path.chmod(0o644)


def make_log_key(path: Path) -> None:
    """Make a key in a file, readable by its owner alone, unless one is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with kept_if_whole(path) as part:
            part.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())


def sign_note(text: str, signers: Iterable[NoteSigner]) -> str:
    """A note over a text, which ends in a line feed, with a line by each signer."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a line feed")
    return f"{text}\n" + "".join(signer.line(text) for signer in signers)


def open_note(note: str, known: Iterable[NoteKey]) -> tuple[str, tuple[NoteKey, ...]]:
    """The text of a note, and which known keys signed it: one or more.

    Raises CryptoFault note.malformed, note.bad-signature (a known key's line is false), or
    note.unsigned (no known key signed it).
    """
    text, lines = _parted(note)
    keys = {(key.name, key.id): key for key in known}
    signed = []
    for line in lines:
        name, key_id, signature = _read_line(line)
        key = keys.get((name, key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except InvalidSignature:
            raise CryptoFault(
                "note.bad-signature",
                "A checkpoint's signature does not fit it: it is not as it was signed.",
                "Do not rely on it. Keep it, and tell the administrators of both parties.",
            ) from None
        signed.append(key)
    if not signed:
        raise CryptoFault(
            "note.unsigned",
            "No key that is known has signed the checkpoint.",
            "Compare its key with config/ledger-keys; get that file from the gateway anew.",
        )
    return text, tuple(signed)


def text_of(note: str) -> str:
    """The text of a note, unverified. Raises CryptoFault note.malformed."""
    return _parted(note)[0]


def _parted(note: str) -> tuple[str, list[str]]:
    text, found, tail = note.rpartition("\n\n")
    lines = tail.splitlines()
    whole = found and tail.endswith("\n") and 0 < len(lines) <= _MANY and len(note) <= _LARGEST
    if not whole or any(ord(char) < 0x20 and char != "\n" for char in note):
        raise _malformed()
    return f"{text}\n", lines


def _read_line(line: str) -> tuple[str, bytes, bytes]:
    try:
        dash, name, told = line.split(" ")
        raw = _decoded(told)
    except ValueError:
        raise _malformed() from None
    if dash != "\u2014" or not name or len(raw) < 5:
        raise _malformed()
    return name, raw[:4], raw[4:]


def _decoded(told: str) -> bytes:
    """Bytes from base64, in the one way that it is written. Raises ValueError."""
    raw = base64.b64decode(told, validate=True)
    if base64.b64encode(raw).decode() != told:
        raise ValueError("not canonical base64")
    return raw


def _malformed() -> CryptoFault:
    return CryptoFault(
        "note.malformed",
        "That is no signed note.",
        "Get the checkpoint anew: it may have been cut or altered on its way.",
    )
