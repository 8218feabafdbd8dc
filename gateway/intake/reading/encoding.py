"""Which encoding a text file is in, decided over all its bytes before any of it is used.

Two passes, both in blocks: a doubt may lie in the last line, and the file may be 500 MB. The second
pass gives text with every control character already replaced, so that no later reader can meet one.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from gateway.intake.reading.cells import CONTROL
from gateway.intake.reading.container import BLOCK
from gateway.intake.reading.refused import refused
from gateway.intake.reading.windows1252 import is_beyond_doubt

LONGEST_LINE = 8 * 1024 * 1024  # bytes between two line ends
_LINES_AT_ONCE = 8 * 1024 * 1024  # bytes of a block of lines

_UTF_8, _WINDOWS_1252 = "utf-8", "cp1252"
_MARKS = ((b"\xef\xbb\xbf", _UTF_8), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
# A codec is a file of Python's own, loaded when first asked for: the confined child can open none.
_CODECS = {name: codecs.lookup(name) for name in (_UTF_8, _WINDOWS_1252, "utf-16-le", "utf-16-be")}
_UNSEEN = bytes([*range(1, 9), 11, 12, *range(14, 32), 127])
_CLEAN = bytes.maketrans(_UNSEEN, CONTROL.encode() * len(_UNSEEN))


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec of Python's, and how many bytes of mark stand before the text."""

    codec: str
    skip: int = 0

    @property
    def is_doubtful_kind(self) -> bool:
        """Whether it had to be told from the text itself, and the sender should hear of it."""
        return self.codec == _WINDOWS_1252


def decide(stream: BinaryIO) -> Encoding:
    """The encoding of the whole file.

    Raises Refused: ``file.encoding``, ``file.nul-bytes``, ``file.empty`` (a mark alone) and
    ``file.damaged`` (a line of more than 8 MiB is no line of a table).
    """
    stream.seek(0)
    head = stream.read(4096)
    marked = [Encoding(codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)]
    if head.startswith(_UTF_32) or (not marked and _is_unmarked_wide(head)):
        raise refused("file.encoding")
    encoding = marked[0] if marked else Encoding(_UTF_8)
    try:
        _pass_over(stream, encoding)
    except UnicodeDecodeError:
        if encoding != Encoding(_UTF_8) or not is_beyond_doubt(_blocks(stream, 0)):
            raise refused("file.encoding") from None
        encoding = Encoding(_WINDOWS_1252)
        _pass_over(stream, encoding)
    return encoding


def open_text(stream: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """The file's text by lines, their ends (CRLF, LF, CR) as they are, without its mark.

    Control characters other than tab and line ends read as U+0003.
    """
    raw = _Blocks(_cleaned(stream, encoding))
    codec = _WINDOWS_1252 if encoding.codec == _WINDOWS_1252 else _UTF_8
    return io.TextIOWrapper(io.BufferedReader(raw, BLOCK), encoding=codec, newline="")


def line_blocks(stream: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """The same text in large blocks, each ending where a line ends (the file's end is one too)."""
    codec = _WINDOWS_1252 if encoding.codec == _WINDOWS_1252 else _UTF_8
    held = bytearray()
    for block in _cleaned(stream, encoding):
        held += block
        if len(held) >= _LINES_AT_ONCE:
            feed, carriage = held.rfind(b"\n"), held.rfind(b"\r", 0, len(held) - 1)
            if end := max(feed, carriage) + 1:
                yield held[:end].decode(codec)
                del held[:end]
    if held:
        yield held.decode(codec)


def ends_its_last_line(stream: BinaryIO, encoding: Encoding) -> bool:
    """Whether the file's last line has its end, as every program that finished writing gives it."""
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(encoding.skip, end - 2))
    tail = stream.read()
    text, _ = _CODECS[encoding.codec].decode(tail, "replace")
    return text.endswith(("\n", "\r"))


class _Blocks(io.RawIOBase):
    """A raw stream over blocks of bytes."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._left = memoryview(block)
        target = memoryview(buffer)
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _blocks(stream: BinaryIO, at: int) -> Iterator[bytes]:
    """The file's bytes from ``at``; several such readings may go on side by side."""
    stream.seek(at)
    while block := stream.read(BLOCK):
        at += len(block)
        yield block
        stream.seek(at)


def _cleaned(stream: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    if not encoding.codec.startswith("utf-16"):
        for block in _blocks(stream, encoding.skip):
            yield block.translate(_CLEAN)
        return
    decoder = _CODECS[encoding.codec].incrementaldecoder()
    for block in _blocks(stream, encoding.skip):
        yield decoder.decode(block).encode(_UTF_8).translate(_CLEAN)


def _pass_over(stream: BinaryIO, encoding: Encoding) -> None:
    """Decode all and keep nothing. Raises UnicodeDecodeError, or Refused as `decide` says."""
    decoder = _CODECS[encoding.codec].incrementaldecoder()
    line, filled = 0, False
    for block in _blocks(stream, encoding.skip):
        text = decoder.decode(block)
        if "\0" in text:
            raise refused("file.nul-bytes")
        end = max(text.rfind("\n"), text.rfind("\r"))
        line = line + len(text) if end < 0 else len(text) - end
        if line > LONGEST_LINE:
            raise refused("file.damaged")
        filled = filled or not text.isspace()
    decoder.decode(b"", True)
    if not filled:
        raise refused("file.empty")


def _is_unmarked_wide(head: bytes) -> bool:
    """UTF-16 without its mark: every other byte of Latin text is NUL."""
    half = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    return half > 1 and max(even, odd) > half // 2 and min(even, odd) < half // 10 + 1
