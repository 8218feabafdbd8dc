"""Which key a detached signature says it was made with (RFC 4880 §5.2.3, subpacket 33)."""

import base64
import binascii

_ISSUER_FINGERPRINT = 33


def issuer_of(signature: bytes) -> str | None:
    """The full fingerprint that a signature names (40 capitals); None where it names none.

    It may be a subkey's. Nothing is verified here: gpg does that.
    """
    try:
        body = _packet(_binary(signature))
        if body[0] != 4:
            return None
        return _found(body[6 : 6 + int.from_bytes(body[4:6])])
    except (IndexError, ValueError, binascii.Error):
        return None


def _binary(signature: bytes) -> bytes:
    """The signature without its ASCII armour."""
    if not signature.startswith(b"-----BEGIN"):
        return signature
    lines = signature.splitlines()
    start = lines.index(b"") + 1
    told = [line for line in lines[start:] if line and line[:1] not in b"=-"]
    return base64.b64decode(b"".join(told), validate=True)


def _packet(raw: bytes) -> bytes:
    """The body of the first packet, of the old or the new form (§4.2)."""
    if raw[0] & 0x40:
        size, start = _length(raw, 1)
        return raw[start : start + size]
    width = 1 << (raw[0] & 3)
    size = int.from_bytes(raw[1 : 1 + width])
    return raw[1 + width : 1 + width + size]


def _found(area: bytes) -> str | None:
    at = 0
    while at < len(area):
        size, at = _length(area, at)
        kind, value = area[at] & 0x7F, area[at + 1 : at + size]
        if kind == _ISSUER_FINGERPRINT and len(value) == 21:
            return value[1:].hex().upper()
        at += size
    return None


def _length(raw: bytes, at: int) -> tuple[int, int]:
    """A length of one, two or five octets, and where what it measures begins (§5.2.3.1)."""
    first = raw[at]
    if first < 192:
        return first, at + 1
    if first < 255:
        return (first - 192 << 8) + raw[at + 1] + 192, at + 2
    return int.from_bytes(raw[at + 1 : at + 5]), at + 5
