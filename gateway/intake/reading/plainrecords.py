"""Many records of a text file at once, where each is as RFC 4180 has it; the others one by one.

A block of whole lines is parted into records by its quotation marks. Only where every record fits
the grammar below, under which polars and Python's reader cannot differ, does polars read the block:
in a tenth of the time. Any other block goes through Python's reader, which has the last word.
"""

import csv
import io
from collections.abc import Iterator
from itertools import islice

import polars as pl

from gateway.intake.reading.refused import refused
from gateway.intake.reading.source import Piece, Plain

WIDEST = 200  # columns for which the grammar stays small
_LONGEST = 16 * 1024 * 1024  # characters that are held for the end of one record
_PART = 1 << 18  # characters read as lines at a time
_BOM = "\ufeff"  # polars would take it from the start of a block


class Records:
    """The records of a text, given in blocks that end where a line ends. Read it once."""

    def __init__(self, blocks: Iterator[str], separator: str, size: int) -> None:
        self._lines = _Lines(blocks)
        self._separator = separator
        self._size = size  # rows of a piece at most
        self._number = 1  # of the next record

    def pieces(self, after: int, width: int) -> Iterator[Piece]:
        """The records but for the first ``after``; those read at once have ``width`` cells.

        Raises Refused ``file.quotes``.
        """
        for _ in islice(self._rows(), after):
            self._number += 1
        plain = _Grammar(self._separator, width)
        text = self._lines.rest()
        while text or (text := self._lines.block()):
            records, left = _parted(text)
            frame = plain.read(records)
            if frame is None or len(left) > _LONGEST:
                yield from self._one_by_one(text)
                text = ""
                continue
            yield from self._numbered(frame, records)
            more = self._lines.block() if left else ""
            text = left + more
            if left and not more:
                yield from self._one_by_one(left)
                text = ""

    def _rows(self) -> Iterator[list[str]]:
        try:
            yield from csv.reader(self._lines, delimiter=self._separator, strict=True)
        except csv.Error:
            raise refused("file.quotes") from None

    def _one_by_one(self, text: str) -> Iterator[Piece]:
        """The records that begin in ``text``, however far the last of them goes."""
        self._lines.give(text)
        rows: list[list[str]] = []
        for row in self._rows():
            rows.append(row)
            if self._lines.dry or len(rows) == self._size:
                yield list(enumerate(rows, self._number))
                self._number += len(rows)
                rows = []
            if self._lines.dry:
                return

    def _numbered(self, frame: pl.DataFrame, records: list[str]) -> Iterator[Piece]:
        filled = [number for number, text in enumerate(records, self._number) if text]
        numbers = pl.Series("row", filled, dtype=pl.UInt32)
        self._number += len(records)
        for at in range(0, frame.height, self._size):
            yield Plain(numbers.slice(at, self._size), frame.slice(at, self._size))


class _Lines:
    """The lines of the blocks, their ends as they are; a line ends with CRLF, LF or CR."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self.give("")

    def give(self, text: str) -> None:
        """Go on with this text, and then with the next block. Nothing may be held."""
        self._text, self._at = text, 0
        self._lines, self._end = (
            io.StringIO(),
            0,
        )  # a part of the text: it takes four bytes a character

    def rest(self) -> str:
        """Take what is held and was not read."""
        rest = self._lines.read() + self._text[self._at :]
        self.give("")
        return rest

    def block(self) -> str:
        """Take the next block; none is left when it is empty."""
        return next(self._blocks, "")

    @property
    def dry(self) -> bool:
        """Whether nothing is held."""
        return self._at == len(self._text) and self._lines.tell() == self._end

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if line := self._lines.readline():
            return line
        if self._at == len(self._text):
            self.give(self.block())
        part = self._text[self._at : self._text.find("\n", self._at + _PART) + 1 or None]
        self._at += len(part)
        self._lines, self._end = io.StringIO(part, newline=""), len(part)
        if line := self._lines.readline():
            return line
        raise StopIteration


class _Grammar:
    """Records of so many cells, each without a quotation mark or wholly within two."""

    def __init__(self, separator: str, width: int) -> None:
        cell = rf'(?:[^{separator}"\r\n]*|"(?:[^"]|"")*")'
        self._whole = rf"\A{cell}(?:{separator}{cell}){{{width - 1}}}\z"
        self._separator = separator
        self._narrow = 2 <= width <= WIDEST
        self._names = [f"c{place}" for place in range(width)]

    def read(self, records: list[str]) -> pl.DataFrame | None:
        """The cells of those records that are not blank; None where one is no such record."""
        if not self._narrow:
            return None
        texts = pl.Series(records, dtype=pl.String)
        texts = texts.filter(texts != "")
        if not len(texts):
            return pl.DataFrame(schema=dict.fromkeys(self._names, pl.String))
        if texts[0].startswith(_BOM) or not texts.str.contains(self._whole).all():
            return None
        frame = pl.read_csv(
            io.BytesIO(texts.str.join("\n").item().encode()),
            has_header=False,
            separator=self._separator,
            schema=dict.fromkeys(self._names, pl.String),
            empty_string_is_null=False,
        )
        return frame if frame.height == len(texts) else None


def _parted(text: str) -> tuple[list[str], str]:
    """The records of a text without their line ends, and what is left of one that goes on."""
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    if '"' not in text:
        return [line.removesuffix("\r") for line in lines], ""
    records: list[str] = []
    parts: list[str] = []
    within = False
    for line in lines:
        odd = line.count('"') % 2
        if parts or odd:
            parts.append(line)
            within ^= bool(odd)
            if within:
                continue
            line = "\n".join(parts)
            parts = []
        records.append(line.removesuffix("\r"))
    left = "\n".join(parts)
    return records, left + "\n" if left and text.endswith("\n") else left
