"""Comma, semicolon or tab separated text (RFC 4180, and what spreadsheet programs make of it).

The separator is the one under which a heading row is recognised best: counting characters would be
misled by narrative text.
"""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import polars as pl

from gateway.agreement.model import RuleBook
from gateway.intake.findings import finding
from gateway.intake.reading.encoding import (
    LONGEST_LINE,
    Encoding,
    decide,
    ends_its_last_line,
    line_blocks,
    open_text,
)
from gateway.intake.reading.headings import HEAD_ROWS, KnownHeadings, narrow_enough
from gateway.intake.reading.plainrecords import Records
from gateway.intake.reading.refused import Refused, refused
from gateway.intake.reading.source import Opened, Piece

SEPARATORS = (",", ";", "\t")
# A longer cell than any line may be must be quoted over several lines: its quote is not closed.
LONGEST_CELL = 2 * LONGEST_LINE  # characters


class DelimitedSource:
    """A text file as records. See `source.Source`."""

    sheet: str | None = None
    offset = 0
    ragged = True

    def __init__(self, stream: BinaryIO, encoding: Encoding, separator: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._separator = separator

    def rows(self) -> Iterator[list[str]]:
        """Every record; a blank line is an empty one. Raises Refused ``file.quotes``."""
        text: io.TextIOWrapper = open_text(self._stream, self._encoding)
        csv.field_size_limit(LONGEST_CELL)
        try:
            yield from csv.reader(text, delimiter=self._separator, strict=True)
        except csv.Error:
            raise refused("file.quotes") from None

    def pieces(self, after: int, width: int, size: int) -> Iterator[Piece]:
        """The records but for the first ``after``; a blank line is one. Raises Refused."""
        csv.field_size_limit(LONGEST_CELL)
        blocks = line_blocks(self._stream, self._encoding)
        return Records(blocks, self._separator, size).pieces(after, width)

    def text(self, cell: str) -> str:
        """The cell itself."""
        return cell

    def series(self, name: str, cells: Sequence[str]) -> pl.Series:
        """A column as a String series."""
        return pl.Series(name, cells, dtype=pl.String)

    def breaks_off(self) -> bool:
        """Whether the last line has no end."""
        return not ends_its_last_line(self._stream, self._encoding)


def open_delimited(stream: BinaryIO, book: RuleBook) -> Opened:
    """Decide the encoding and the separator, and find the heading row.

    Raises Refused: ``file.format-not-agreed``, those of `encoding.decide`, ``file.quotes``,
    ``file.no-headings``, ``file.too-wide``.
    """
    if "csv" not in book.flow.files.formats:
        raise refused("file.format-not-agreed")
    encoding = decide(stream)
    known = KnownHeadings(book)
    candidates = []
    broken = set()
    for separator in SEPARATORS:
        source = DelimitedSource(stream, encoding, separator)
        head, whole = _head(source)
        if not whole:
            broken.add(separator)
        if found := known.find(head):
            candidates.append((found.recognised, found, source))
    if not candidates:
        raise refused(
            "file.quotes" if _likeliest(stream, encoding) in broken else "file.no-headings"
        )
    _, heading, source = max(candidates, key=lambda candidate: candidate[0])
    queries = (finding("file.windows-1252"),) if encoding.is_doubtful_kind else ()
    return Opened(source, narrow_enough(heading), queries)


def _head(source: DelimitedSource) -> tuple[list[list[str]], bool]:
    """The first records, up to the first broken one; and whether none was broken."""
    head: list[list[str]] = []
    rows = source.rows()
    try:
        head.extend(itertools.islice(rows, HEAD_ROWS))
    except Refused:
        return head, False
    return head, True


def _likeliest(stream: BinaryIO, encoding: Encoding) -> str:
    """The separator that stands most often at the start: whose quotes the sender must mend."""
    start = open_text(stream, encoding).read(1 << 16)
    return max(SEPARATORS, key=start.count)
