"""What a table is read from: a text file or one sheet, row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from gateway.intake.findings import Finding
from gateway.intake.reading.headings import HeadingRow

MOST_ROWS = 20_000  # of a batch
Row = list[Any]  # cells: text alone in a text file; text, numbers and dates of a sheet


@dataclass(frozen=True, slots=True)
class Plain:
    """Records read at once: their numbers, and columns of text ``c0`` on, a blank cell being ""."""

    numbers: pl.Series
    frame: pl.DataFrame


Piece = list[tuple[int, Row]] | Plain


class Source(Protocol):
    """Rows from the file's first, blank ones included, so that counting them gives their numbers.

    ``offset``: columns to the left of a row's first cell. ``ragged``: whether a row's length is the
    sender's doing (a sheet is a rectangle, so a row of it is never short).
    """

    sheet: str | None
    offset: int
    ragged: bool

    def rows(self) -> Iterator[Row]:
        """All rows, from the first, anew at each call. Raises Refused."""
        ...

    def pieces(self, after: int, width: int, size: int, /) -> Iterator[Piece]:
        """All rows but the first ``after``, with their numbers, at most ``size`` at a time.

        Rows of ``width`` cells may come at once, and blank ones be left out. Raises Refused.
        """
        ...

    def text(self, cell: Any) -> str:
        """One cell as text."""
        ...

    def series(self, name: str, cells: Sequence[Any]) -> pl.Series:
        """A column of cells as a String series."""
        ...

    def breaks_off(self) -> bool:
        """Whether the file stops without ending its last line, as when its writing was cut."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, its heading row, and what was noticed on the way."""

    source: Source
    heading: HeadingRow
    findings: tuple[Finding, ...]
