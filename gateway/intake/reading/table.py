"""The table of a file: its headings, then its data rows in batches.

Blank rows, totals rows and repeats of the heading row are passed over; every other row below the
headings is a data row and is given, with its own number, whatever is wrong with it.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from gateway.agreement.model import RuleBook
from gateway.agreement.normalise import fold_heading
from gateway.intake.findings import Finding, finding
from gateway.intake.reading.source import MOST_ROWS, Opened, Plain, Row

LONGEST_TOTALS = 40  # characters of a word for totals
_DIGIT = re.compile("[0-9]")
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
        self._repeats: list[int] = []
        self._totals = 0
        self._totals_words = {fold_heading(word) for word in book.flow.files.totals_words}
        self._initials = {word[:1] for word in self._totals_words}
        self._reference = opened.heading.reference
        self._first = next(cell for cell in self.headings if cell)
        self._skip_preamble(opened.heading.index)

    def batches(self, wanted: Sequence[int], size: int = MOST_ROWS) -> Iterator[Batch]:
        """The data rows, at most ``size`` at a time.

        ``wanted`` are positions in ``headings``. Raises Refused ``file.quotes`` when the text
        breaks further down: what was given before then does not count.
        """
        held: Batch | None = None
        last = 0
        for piece in self._source.pieces(self._above, self._breadth, size):
            if held is not None:
                yield from self._given(held)
            held = None
            if isinstance(piece, Plain):
                yield from self._given(self._plain(piece, wanted))
            else:
                held, last = self._odd(piece, wanted), piece[-1][0]
        if held is not None:
            self._tell_cut(last, held.findings)
            yield from self._given(held)

    def _given(self, batch: Batch) -> Iterator[Batch]:
        self.rows += batch.frame.height
        if batch.frame.height:
            yield batch

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

    def _tell_cut(self, last: int, findings: list[Finding]) -> None:
        """A short record at the very end, without a line end, was cut while it was written."""
        if findings[-1:] == [finding("row.short", row=last)] and self._source.breaks_off():
            findings[-1] = finding("row.cut-short", row=last)

    def _skip_preamble(self, above: int) -> None:
        rows = list(itertools.islice(self._source.rows(), above + 1))
        self._above, self._breadth = above + 1, len(rows[-1])
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
        if len(text) > LONGEST_TOTALS or fold_heading(text) not in self._totals_words:
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

    def _odd(self, piece: list[tuple[int, Row]], wanted: Sequence[int]) -> Batch:
        """A batch of rows that are looked at one by one."""
        findings: list[Finding] = []
        data = [(number, row) for number, row in piece if self._is_data(row, number)]
        rows = [self._fit(row, number, findings) for number, row in data]
        columns = list(zip(*rows, strict=True))
        series = [pl.Series("row", [number for number, _ in data], dtype=pl.UInt32)]
        for position in wanted:
            place = position - self._source.offset
            name = f"c{position}"
            if place < 0 or not rows:
                series.append(pl.Series(name, [None] * len(rows), dtype=pl.String))
            else:
                series.append(self._source.series(name, columns[place]))
        return Batch(_blanks_out(pl.DataFrame(series)), findings)

    def _plain(self, piece: Plain, wanted: Sequence[int]) -> Batch:
        """A batch of records read at once: those alone are looked at that may be no data."""
        first = _first_cells(piece.frame)
        data = first.is_not_null()
        for at in self._suspects(first):
            row = list(piece.frame.row(at))
            data[at] = self._is_data(row, piece.numbers[at])
        numbers, frame = piece.numbers.filter(data), piece.frame.filter(data)
        findings = []
        if beyond := frame.columns[self._width :]:
            filled = _first_cells(frame.select(beyond)).is_not_null()
            findings = [finding("row.long", row=number) for number in numbers.filter(filled)]
        columns = [numbers, *(frame[f"c{position}"] for position in wanted)]
        return Batch(_blanks_out(pl.DataFrame(columns)), findings)

    def _suspects(self, first: pl.Series) -> pl.Series:
        """Where the first filled cell reads as a heading row's does, or as a totals row's may."""
        words = [word for word in self._totals_words if word]
        marks = "".join(map(re.escape, sorted(self._initials - {""}))) or "$^"
        may_total = first.str.contains(rf"^(?:(?i:[{marks}])|[^\x00-\x7f])")
        if not any(map(_DIGIT.search, words)):
            may_total &= ~first.str.contains("[0-9]")
        may_total &= first.str.len_chars() <= LONGEST_TOTALS
        return ((first == self._first) | may_total).arg_true()


def _first_cells(frame: pl.DataFrame) -> pl.Series:
    """The first filled cell of each row, trimmed; null where the row is blank."""
    found = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    for column in frame.iter_columns():
        if not found.null_count():
            break
        text = column.str.strip_chars()
        found = found.zip_with(found.is_not_null() | (text == ""), text)
    return found


def _blanks_out(frame: pl.DataFrame) -> pl.DataFrame:
    text = pl.col(pl.String)
    blank = text.str.strip_chars() == ""
    return frame.with_columns(pl.when(~blank).then(text))
