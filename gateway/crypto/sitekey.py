"""The site's own key, ``keys/web.key``: it opens what proves who people are, and nothing stored.

The web process holds it, and no other key. From it come the key that seals the secrets of
authenticator apps, the one that hashes recovery codes, and the one that signs forms.
"""

import secrets
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

KEY_BYTES = 32


def site_key_file(home: Path) -> Path:
    """Where the site's key of the home at ``home`` lies."""
    return home / "keys" / "web.key"


def make_site_key(home: Path) -> Path:
    """Make the site's key unless it is there. Without it everybody enrols anew: back it up."""
    path = site_key_file(home)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with kept_if_whole(path) as part:
            part.write_bytes(secrets.token_bytes(KEY_BYTES))
    return path


class SiteKey:
    """The site's key. It is never used itself: ``derive`` a key for each use."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise CryptoFault(
                "site-key.damaged",
                "The site's key is not 32 bytes long.",
                "Restore keys/web.key from its backup, or delete it, run `init`, and invite "
                "everybody anew.",
            )
        self._secret = secret

    @classmethod
    def load(cls, home: Path) -> Self:
        """Read the key. Raises ``site-key.missing``, ``.unsafe`` or ``.damaged``."""
        path = site_key_file(home)
        if not path.exists():
            raise CryptoFault(
                "site-key.missing",
                "The site's key is missing.",
                "Restore keys/web.key from its backup, or run `init` for a new home.",
            )
        if path.stat().st_mode & 0o077:
            raise CryptoFault(
                "site-key.unsafe",
                "The site's key can be read by others than its owner.",
                "Run: chmod 600 keys/web.key, and judge who may have read it.",
            )
        return cls(path.read_bytes())

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one named purpose (HKDF-SHA256, RFC 5869)."""
        info = b"gateway site\x00" + purpose.encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._secret)
