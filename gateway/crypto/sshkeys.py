"""SSH keys: the host key that SFTP shows, and the public keys that parties log in with.

A party's keys lie in ``config/sftp/<party>.pub``, one authorized_keys line each, without options.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

HOST_KEY = "sftp_host_ed25519"
_SMALLEST_RSA = 3072


def make_host_key(home: Path) -> Path:
    """Make ``keys/sftp_host_ed25519`` unless it is there: parties have noted its fingerprint."""
    path = host_key_file(home)
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        path.parent.mkdir(parents=True, exist_ok=True)
        with kept_if_whole(path) as part:
            part.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        path.with_name(f"{HOST_KEY}.pub").write_bytes(public + b"\n")
    return path


def host_key_file(home: Path) -> Path:
    """Where the host key lies; its public half beside it, with ``.pub`` behind."""
    return home / "keys" / HOST_KEY


def host_fingerprint(home: Path) -> str | None:
    """The host key's fingerprint as OpenSSH shows it (``SHA256:…``), None before it is made."""
    public = host_key_file(home).with_name(f"{HOST_KEY}.pub")
    if not public.is_file():
        return None
    kind, blob = public.read_text(encoding="ascii").split()[:2]
    return _fingerprint(kind, blob)


def party_keys(folder: Path, party: str) -> frozenset[str]:
    """The fingerprints (``SHA256:…``) of the keys that a party may log in with; none: no file.

    Raises CryptoFault for a line that is not one plain, strong public key.
    """
    path = folder / f"{party}.pub"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return frozenset()
    except UnicodeDecodeError as error:
        raise _bad(path, 1, "is not text") from error
    return frozenset(_fingerprints(path, text))


def all_party_keys(folder: Path, parties: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """The fingerprints of each party. Raises CryptoFault where two parties share a key as well."""
    found: dict[str, frozenset[str]] = {}
    for party in parties:
        keys = party_keys(folder, party)
        for other, theirs in found.items():
            if keys & theirs:
                raise CryptoFault(
                    "sftp.shared-key",
                    f"config/sftp/{party}.pub and {other}.pub hold the same key.",
                    "Each party logs in with keys of its own: take it out of one of them.",
                )
        found[party] = keys
    return found


def _fingerprints(path: Path, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split(maxsplit=2)
        try:
            key = load_ssh_public_key(" ".join(words[:2]).encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _bad(path, number, "is not a plain public key") from error
        weak = isinstance(key, RSAPublicKey) and key.key_size < _SMALLEST_RSA
        if weak or not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
            raise _bad(path, number, "is of a kind that is too weak")
        yield _fingerprint(words[0], words[1])


def _fingerprint(kind: str, blob: str) -> str:
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except binascii.Error as error:
        raise CryptoFault("sftp.bad-key", f"A {kind} key is damaged.", "Write it anew.") from error
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _bad(path: Path, number: int, what: str) -> CryptoFault:
    return CryptoFault(
        "sftp.bad-key",
        f"config/sftp/{path.name}: line {number} {what}.",
        "Write one line per key: ssh-ed25519, ecdsa-sha2-nistp256 (384, 521), or ssh-rsa of at "
        "least 3072 bits, then the key and a comment; no options before it.",
    )
