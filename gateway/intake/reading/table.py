"""The table of a file: its headings, then its data rows in batches.

Blank rows, totals rows and repeats of the heading row are passed over; every other row below the
headings is a data row and is given, with its own number, whatever is wrong with it.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from gateway.agreement.model import RuleBook
from gateway.agreement.normalise import fold_heading
from gateway.intake.findings import Finding, finding
from gateway.intake.reading.source import Opened, Row

_STEP = 64  # rows taken between two looks at the batch's weight
_BATCH_BYTES = 32 * 1024 * 1024
_MOST_REPEATS = 20  # repeated heading rows that are told one by one


@dataclass(frozen=True, slots=True)
class Batch:
    """Data rows in order, none left out.

    ``frame``: ``row`` (UInt32, the sheet's row or CSV record number, from 1) and one String column
    ``c<position>`` for each position asked for; a blank cell is null. ``findings``: ``row.short``,
    ``row.cut-short`` and ``row.long`` of these rows.
    """

    frame: pl.DataFrame
    findings: list[Finding]


class OpenedTable:
    """A file opened at its heading row. Read its batches once, to the end, then close it.

    ``sheet``: the sheet's name, or None of a text file. ``headings``: the heading row's cells,
    trimmed, from the first column on; a blank one heads no column. ``findings``: file-level queries
    so far. ``rows``: data rows given so far.
    """

    def __init__(self, opened: Opened, book: RuleBook) -> None:
        self.sheet = opened.source.sheet
        self.headings = opened.heading.cells
        self.findings = list(opened.findings)
        self.rows = 0
        self._source = opened.source
        self._width = max(0, len(self.headings) - opened.source.offset)
        self._numbered = enumerate(opened.source.rows(), 1)
        self._repeats: list[int] = []
        self._totals = 0
        self._totals_words = {fold_heading(word) for word in book.flow.files.totals_words}
        self._initials = {word[:1] for word in self._totals_words}
        self._reference = opened.heading.reference
        self._first = next(cell for cell in self.headings if cell)
        self._skip_preamble(opened.heading.index)

    def batches(self, wanted: Sequence[int], size: int = 20_000) -> Iterator[Batch]:
        """The data rows, about ``size`` at a time: fewer where cells are long.

        ``wanted`` are positions in ``headings``. Raises Refused ``file.quotes`` when the text
        breaks further down: what was given before then does not count.
        """
        numbers: list[int] = []
        rows: list[Row] = []
        findings: list[Finding] = []
        began = self._source.position()
        step = self._step()
        while step:
            following = self._step()
            for number, row in step:
                if self._is_data(row, number):
                    numbers.append(number)
                    rows.append(self._fit(row, number, findings))
            if not following:
                self._tell_cut(step[-1][0], findings)
            if len(rows) >= size or self._source.position() - began > _BATCH_BYTES:
                yield self._batch(numbers, rows, wanted, findings)
                numbers, rows, findings = [], [], []
                began = self._source.position()
            step = following
        if rows:
            yield self._batch(numbers, rows, wanted, findings)

    def closing_findings(self) -> list[Finding]:
        """What was passed over: repeated heading rows (by row, the first 20) and totals rows."""
        repeats = self._repeats[:_MOST_REPEATS]
        closing = [finding("file.headings-repeated", count=number) for number in repeats]
        if self._totals:
            closing.append(finding("file.totals", count=self._totals))
        return closing

    def breaks_off_in_headings(self) -> bool:
        """Whether the file ends with its headings, without a line end. Ask when all is read."""
        return not self.rows and self._source.breaks_off()

    def _step(self) -> list[tuple[int, Row]]:
        return list(itertools.islice(self._numbered, _STEP))

    def _tell_cut(self, last: int, findings: list[Finding]) -> None:
        """A short record at the very end, without a line end, was cut while it was written."""
        if findings[-1:] == [finding("row.short", row=last)] and self._source.breaks_off():
            findings[-1] = finding("row.cut-short", row=last)

    def _skip_preamble(self, above: int) -> None:
        rows = [row for _, row in itertools.islice(self._numbered, above + 1)]
        lines = sum(self._first_filled(row) is not None for row in rows[:-1])
        if lines:
            self.findings.append(finding("file.preamble", count=lines))

    def _first_filled(self, row: Row) -> int | None:
        for place, cell in enumerate(row):
            if cell != "" and not (isinstance(cell, str) and cell.isspace()):
                return place
        return None

    def _is_data(self, row: Row, number: int) -> bool:
        place = self._first_filled(row)
        if place is None:
            return False
        cell = row[place]
        if not isinstance(cell, str):
            return True
        text = cell.strip()
        if text == self._first and self._is_heading(row):
            self._repeats.append(number)
            return False
        if text[:1].casefold() in self._initials and self._is_totals(row, place, text):
            self._totals += 1
            return False
        return True

    def _is_heading(self, row: Row) -> bool:
        cells = [self._source.text(cell).strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        return ("",) * self._source.offset + tuple(cells) == self.headings

    def _is_totals(self, row: Row, place: int, text: str) -> bool:
        """A totals word first, and no reference that would make it an incident's row."""
        if len(text) > 40 or fold_heading(text) not in self._totals_words:
            return False
        if self._reference is None:
            return True
        reference = self._reference - self._source.offset
        blank = reference >= len(row) or not self._source.text(row[reference]).strip()
        return blank or reference == place

    def _fit(self, row: Row, number: int, findings: list[Finding]) -> Row:
        """The row at the headings' width, with a finding where that changes what it says."""
        length, width = len(row), self._width
        if length == width:
            return row
        if length > width:
            if self._first_filled(row[width:]) is not None:
                findings.append(finding("row.long", row=number))
            return row[:width]
        if self._source.ragged:
            findings.append(finding("row.short", row=number))
        return row + [""] * (width - length)

    def _batch(
        self, numbers: list[int], rows: list[Row], wanted: Sequence[int], findings: list[Finding]
    ) -> Batch:
        self.rows += len(rows)
        columns = list(zip(*rows, strict=True))
        series = [pl.Series("row", numbers, dtype=pl.UInt32)]
        for position in wanted:
            place = position - self._source.offset
            name = f"c{position}"
            if place < 0:
                series.append(pl.Series(name, [None] * len(rows), dtype=pl.String))
            else:
                series.append(self._source.series(name, columns[place]))
        frame = pl.DataFrame(series)
        text = pl.col(pl.String)
        blank = text.str.strip_chars() == ""
        return Batch(frame.with_columns(pl.when(~blank).then(text)), findings)
