"""The site's own key, ``keys/web.secret``: it opens what proves who people are, and nothing else.

The web process holds it, and no other key. From it come the key that seals the secrets of
authenticator apps, the one by which recovery codes are kept, and the one that signs forms.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BYTES = 32


def derive(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one named purpose (HKDF-SHA256, RFC 5869)."""
    info = b"gateway site\x00" + purpose.encode()
    return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=info).derive(secret)
