"""What a table is read from: a text file or one sheet, row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from gateway.intake.findings import Finding
from gateway.intake.reading.headings import HeadingRow

Row = list[Any]  # cells: text alone in a text file; text, numbers and dates of a sheet


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

    def text(self, cell: Any) -> str:
        """One cell as text."""
        ...

    def series(self, name: str, cells: Sequence[Any]) -> pl.Series:
        """A column of cells as a String series."""
        ...

    def breaks_off(self) -> bool:
        """Whether the file stops without ending its last line, as when its writing was cut."""
        ...

    def position(self) -> int:
        """How far into the file the reading is, in bytes: what a batch may weigh."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, its heading row, and what was noticed on the way."""

    source: Source
    heading: HeadingRow
    findings: tuple[Finding, ...]
