"""A picture with a palette shows what it showed before."""

import struct
import sys
import zlib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.append(str(CHECKOUT / "tools"))

from smallpng import smaller  # noqa: E402

WIDTH = 4
RED, BLUE, GREY, WHITE = b"\xff\0\0", b"\0\x80\xff", b"\x7f\x7f\x80", b"\xff\xff\xff"
ROWS = [
    [RED, BLUE, GREY, WHITE],
    [BLUE, BLUE, GREY, RED],
    [WHITE, GREY, RED, BLUE],
    [GREY, RED, RED, WHITE],
    [RED, WHITE, BLUE, GREY],
]


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(lines: list[bytes], kind: int) -> bytes:
    """A picture of those filtered lines."""
    head = struct.pack(">IIBBBBB", WIDTH, len(lines), 8, kind, 0, 0, 0)
    packed = zlib.compress(b"".join(lines))
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", packed[:9]), chunk(b"IDAT", packed[9:])]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def filtered(size: int, opaque: bytes = b"") -> list[bytes]:
    """The rows, each taken by another of PNG's five filters."""
    lines, above = [], bytes(WIDTH * size)
    for kind, row in enumerate(ROWS):
        raw = b"".join(pixel + opaque for pixel in row)
        left = bytes(size) + raw[:-size]
        corner = bytes(size) + above[:-size]
        guesses = {
            0: bytes(len(raw)),
            1: left,
            2: above,
            3: bytes((a + b) // 2 for a, b in zip(left, above, strict=True)),
            4: bytes(paeth(*item) for item in zip(left, above, corner, strict=True)),
        }
        taken = bytes((a - b) & 255 for a, b in zip(raw, guesses[kind], strict=True))
        lines.append(bytes([kind]) + taken)
        above = raw
    return lines


def paeth(a: int, b: int, c: int) -> int:
    """As the PNG specification has it."""
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    if pa <= pb and pa <= pc:
        return a
    return b if pb <= pc else c


def pixels(picture: bytes) -> list[list[bytes]]:
    """What a picture with a palette shows."""
    palette, packed = b"", b""
    at = 8
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        content = picture[at + 8 : at + 8 + length]
        palette, packed = (content, packed) if name == b"PLTE" else (palette, packed)
        packed = content if name == b"IDAT" else packed
        at += length + 12
    raw = zlib.decompress(packed)
    rows = [raw[start + 1 : start + 1 + WIDTH] for start in range(0, len(raw), WIDTH + 1)]
    return [[palette[3 * place : 3 * place + 3] for place in row] for row in rows]


@pytest.mark.parametrize(("kind", "size", "opaque"), [(2, 3, b""), (6, 4, b"\xff")])
def test_every_filter_is_read(kind: int, size: int, opaque: bytes) -> None:
    assert pixels(smaller(png(filtered(size, opaque), kind))) == ROWS


def test_what_no_browser_makes_is_refused() -> None:
    with pytest.raises(ValueError, match="no PNG"):
        smaller(b"GIF89a")
    with pytest.raises(ValueError, match="a browser"):
        smaller(png([b"\0" + bytes(WIDTH)], 0))
