"""Encryption at rest: AES-256-GCM for a value, and a chunked stream for a table (design §5 step 8).

Every use has its own key, derived from ``keys/home.key``, and a context (which drop, which part)
that is authenticated with it, so that no sealed value can be moved to another's place.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.credentials import secret_file
from gateway.crypto.faults import CryptoFault

KEY_BYTES = 32
LARGEST_CHUNK = 64 * 1024 * 1024
_VALUE = b"\x01"
_STREAM = b"\x02"
_NONCE_BYTES = 12
_SALT_BYTES = 32
_TAG_BYTES = 16
_LENGTH = struct.Struct(">I")


class HomeKey:
    """The home's one key at rest. It never seals anything itself: ``derive`` a key for each use."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise CryptoFault(
                "home-key.damaged",
                "The home key is not 32 bytes long.",
                "Restore keys/home.key from its backup: nothing sealed here opens without it.",
            )
        self._secret = secret

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key; ``$CREDENTIALS_DIRECTORY/home.key`` (systemd) wins where it exists.

        Raises ``home-key.missing``, ``home-key.unsafe`` (others may read it), ``home-key.damaged``.
        """
        found, forbidden = secret_file(path)
        if not found.exists():
            raise CryptoFault(
                "home-key.missing",
                "The home key is missing.",
                "Restore keys/home.key from its backup, or run `gateway init` for a new home.",
            )
        if found.stat().st_mode & forbidden:
            raise CryptoFault(
                "home-key.unsafe",
                "The home key can be read by others than its owner.",
                "Run: chmod 600 keys/home.key, and judge who may have read it.",
            )
        return cls(found.read_bytes())

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one named purpose (HKDF-SHA256, RFC 5869)."""
        return _hkdf(self._secret, None, b"gateway at rest\x00" + purpose.encode())


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


def damaged() -> CryptoFault:
    """The fault of every sealed thing that does not open."""
    return CryptoFault(
        "sealed.damaged",
        "Something sealed at rest does not open: it is cut, altered, or out of its place.",
        "Restore it from the backup, and look at who could write to the home.",
    )


class Sealer:
    """Seals single values: version byte, random 96-bit nonce, AES-256-GCM ciphertext and tag.

    Random nonces are safe for 2^32 values under one key (NIST SP 800-38D §8.3).
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, context: str) -> bytes:
        """Seal ``data`` so that it opens under ``context`` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VALUE + nonce + self._cipher.encrypt(nonce, data, _VALUE + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Open what ``seal`` made. Raises ``sealed.damaged``."""
        if sealed[:1] != _VALUE or len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise damaged()
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, _VALUE + context.encode())
        except InvalidTag as error:
            raise damaged() from error


class _Chunks:
    """The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).

    A chunk's nonce is its number and whether it is the last, so a chunk that is cut off, moved,
    repeated or added does not open. The key is this stream's own, derived from a random 256-bit
    salt: with a mere random nonce prefix two of many streams could come to share nonces, and a
    chunk of one stream would be a good chunk of the other.
    """

    def __init__(self, key: bytes, salt: bytes, context: str) -> None:
        place = hashlib.sha256(context.encode()).digest()
        self._cipher = AESGCM(_hkdf(key, salt, b"gateway stream\x00" + place))
        self._count = 0

    def seal(self, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), chunk, _STREAM)

    def open(self, body: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(last=last), body, _STREAM)

    def _nonce(self, *, last: bool) -> bytes:
        self._count += 1
        return self._count.to_bytes(_NONCE_BYTES - 1, "big") + bytes([last])


class SealedWriter:
    """Writes a sealed stream: version byte, salt, then (length, ciphertext) for each chunk.

    ``close()`` seals the end; a stream that was never closed does not open. As a context manager
    it closes when the block ends well and leaves the stream unended when it does not. The file
    itself stays the caller's to fsync and close.
    """

    def __init__(self, file: BinaryIO, key: bytes, context: str) -> None:
        salt = os.urandom(_SALT_BYTES)
        self._file = file
        self._chunks = _Chunks(key, salt, context)
        self._closed = False
        file.write(_STREAM + salt)

    def write(self, chunk: bytes) -> None:
        """Seal one chunk (at most 64 MB), which ``read_sealed`` gives back as it is."""
        if self._closed:
            raise ValueError("The sealed stream is closed.")
        if len(chunk) > LARGEST_CHUNK:
            raise ValueError("A chunk of a sealed stream has at most 64 MB.")
        self._put(self._chunks.seal(chunk, last=False))

    def close(self) -> None:
        """Seal the end. Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            self._put(self._chunks.seal(b"", last=True))

    def _put(self, body: bytes) -> None:
        self._file.write(_LENGTH.pack(len(body)) + body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        self._closed = True


def read_sealed(file: BinaryIO, key: bytes, context: str) -> Iterator[bytes]:
    """The chunks of a sealed stream, each verified before it is given.

    The stream is known to be whole only when the iterator ends: act on it (rename, commit) then.
    Raises ``sealed.damaged`` for a cut, reordered, repeated, foreign or altered chunk, for another
    key or context, and for anything after the end.
    """
    head = file.read(1 + _SALT_BYTES)
    if len(head) != 1 + _SALT_BYTES or head[:1] != _STREAM:
        raise damaged()
    chunks = _Chunks(key, head[1:], context)
    body = _next(file)
    while body is not None:
        following = _next(file)
        try:
            chunk = chunks.open(body, last=following is None)
        except InvalidTag as error:
            raise damaged() from error
        if following is not None:
            yield chunk
        elif chunk:
            raise damaged()
        body = following
        if following is None:
            return
    raise damaged()


def _next(file: BinaryIO) -> bytes | None:
    head = file.read(_LENGTH.size)
    if not head:
        return None
    if len(head) != _LENGTH.size:
        raise damaged()
    (length,) = _LENGTH.unpack(head)
    if not _TAG_BYTES <= length <= LARGEST_CHUNK + _TAG_BYTES:
        raise damaged()
    body = file.read(length)
    if len(body) != length:
        raise damaged()
    return body
