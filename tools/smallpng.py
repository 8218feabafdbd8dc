"""Makes a browser's picture of a page small: few colours are on it, so a palette does for them.

Chromium writes three or four bytes for each pixel. Of a page's colours nearly all are the greys of
letters' edges; the 256 that are met most stay, and each of the others becomes the nearest of them.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_COLOURS = 256
_CHANNELS = {2: 3, 6: 4}  # by PNG's colour type: RGB, and RGB with opacity


def smaller(picture: bytes) -> bytes:
    """The same picture with a palette. Raises ValueError where it is not of a browser's kind."""
    chunks = list(_chunks(picture))
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    if depth != 8 or kind not in _CHANNELS or any(rest):
        raise ValueError("this PNG is not one that a browser makes")
    packed = b"".join(content for name, content in chunks if name == b"IDAT")
    size = _CHANNELS[kind]
    rows = [
        [row[at : at + 3] for at in range(0, len(row), size)]
        for row in _rows(zlib.decompress(packed), width * size, height, size)
    ]
    counted = Counter(pixel for row in rows for pixel in row)
    palette = [colour for colour, _ in counted.most_common(_MOST_COLOURS)]
    place = {colour: number for number, colour in enumerate(palette)}
    for colour in counted:
        if colour not in place:
            place[colour] = place[min(palette, key=lambda other: _apart(colour, other))]
    drawn = b"".join(b"\0" + bytes([place[pixel] for pixel in row]) for row in rows)
    made = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(drawn, 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in made)


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not picture.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    at = len(_SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        yield name, picture[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, content: bytes) -> bytes:
    ends = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + ends


def _rows(raw: bytes, length: int, height: int, size: int) -> Iterator[bytes]:
    """The rows, each with what PNG's filters took from it (PNG specification, 9.2)."""
    above = bytearray(length)
    for number in range(height):
        start = number * (length + 1)
        filtered, row = raw[start], bytearray(raw[start + 1 : start + 1 + length])
        if filtered == 2:
            row = bytearray((one + other) & 255 for one, other in zip(row, above, strict=True))
        elif filtered:
            for at in range(length):
                left = row[at - size] if at >= size else 0
                corner = above[at - size] if at >= size else 0
                row[at] = (row[at] + _guessed(filtered, left, above[at], corner)) & 255
        yield bytes(row)
        above = row


def _guessed(filtered: int, left: int, up: int, corner: int) -> int:
    """What a filter took a byte to be, from those beside it: left, the mean, or Paeth's."""
    if filtered == 1:
        return left
    if filtered == 3:
        return (left + up) // 2
    sum_of = left + up - corner
    return min((left, up, corner), key=lambda value: abs(sum_of - value))


def _apart(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
