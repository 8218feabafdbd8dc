"""Who can open a message: the packets that it is made of, read without opening it (RFC 4880 §4).

Nothing is verified or decrypted here. After sealing, what gpg wrote is compared with what it was
asked for; a second gpg to list the packets would take nearly as long as the sealing itself.
"""

from collections.abc import Iterator
from typing import BinaryIO

_FOR_A_KEY = 1  # a session key for somebody's key (§5.1)
_PROTECTED = frozenset({18, 20})  # encrypted data, with a check of its wholeness (§5.13)
_VERSION = 3
_KEYID = 8  # octets


def readers_of(message: BinaryIO) -> list[str]:
    """The 64-bit ids (16 capitals) of the keys that open a message, in its order.

    ``message``: a seekable binary file. Raises ValueError for what is not one message, protected
    whole, for keys alone: for a password too, cut short, or with anything before or after it.
    """
    size = message.seek(0, 2)
    message.seek(0)
    readers: list[str] = []
    for tag, body in _packets(message, size):
        if tag in _PROTECTED:
            if message.tell() != size:
                raise ValueError("something follows the message")
            return readers
        if tag != _FOR_A_KEY or body[:1] != bytes([_VERSION]) or len(body) < 1 + _KEYID:
            raise ValueError("something else than a session key for a key")
        readers.append(body[1 : 1 + _KEYID].hex().upper())
    raise ValueError("nothing is encrypted")


def _packets(message: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Each packet's tag and the first octets of its body; the file then stands at its end."""
    while head := message.read(1):
        if not head[0] & 0x80:
            raise ValueError("no packet begins here")
        if head[0] & 0x40:
            tag, length, partial = head[0] & 0x3F, *_new_length(message)
        else:
            tag, length, partial = head[0] >> 2 & 0x0F, _old_length(message, head[0], size), False
        body = message.read(min(length, 1 + _KEYID))
        message.seek(length - len(body), 1)
        while partial:
            length, partial = _new_length(message)
            message.seek(length, 1)
        if message.tell() > size:
            raise ValueError("a packet is cut short")
        yield tag, body


def _new_length(message: BinaryIO) -> tuple[int, bool]:
    """The length that comes next, and whether more of the body follows after it (§4.2.2)."""
    first = _number(message, 1)
    if first < 192:
        return first, False
    if first < 224:
        return (first - 192 << 8) + _number(message, 1) + 192, False
    if first < 255:
        return 1 << (first & 0x1F), True
    return _number(message, 4), False


def _old_length(message: BinaryIO, head: int, size: int) -> int:
    """The length of a packet of the old form; where it tells none, all that is left (§4.2.1)."""
    if head & 3 == 3:
        return size - message.tell()
    return _number(message, 1 << (head & 3))


def _number(message: BinaryIO, octets: int) -> int:
    told = message.read(octets)
    if len(told) != octets:
        raise ValueError("a packet is cut short")
    return int.from_bytes(told)
