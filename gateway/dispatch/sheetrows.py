"""Staged rows as the XML of a sheet: true dates, and text that nothing takes for anything else.

Every text is an inline string in the ``@`` (text) format, so that no spreadsheet program takes it
for a formula, a link or a number, not even after it is edited. Format: ECMA-376 part 1, §18.3 and
§22.9.2.19 (``ST_Xstring``).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from itertools import islice
from typing import IO, Protocol
from xml.sax.saxutils import escape

from gateway.agreement.model import FieldSpec

MAXIMUM_ROWS = 1_048_575  # below the heading row; Excel's own limit
MAXIMUM_CHARACTERS = 32_767  # of one cell, in UTF-16 units; Excel's own limit
MAXIMUM_SHEET = 2_000_000_000  # bytes of one sheet; past 2 GiB zip64 makes Excel offer a repair
_EPOCH = date(1899, 12, 30).toordinal()
_FIRST_SERIAL_DAY = date(1900, 3, 1)  # before it Excel counts a 29 February that never was
_TEMPLATE_CELL = re.compile(r'<c r="([A-Z]+)([12])" s="(\d+)"/>')
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_FORBIDDEN = re.compile(_NOT_XML)
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_BLOCK = 1_000  # rows made and handed to the compressor at a time
_NUMBER, _BETWEEN = (
    "\x01",
    "\x02",
)  # stand for a row's number, and between cells: no cell holds them
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r"))
_SELDOM_REPEATED = ("text", "reference", "references")
_REMEMBERED = 20_000  # distinct cells of a column, so that memory stays flat


class UnwritableCell(Exception):
    """A value that no workbook can hold. Says where it is and why, never what it is."""

    def __init__(self, row: int, column: str, why: str) -> None:
        """``row`` is the row of the workbook, counted from 1 with the headings."""
        super().__init__(f"Row {row}, column {column}: {why}. Nothing was written.")
        self.row, self.column = row, column


class WorkbookTooLarge(Exception):
    """There is more than one sheet can hold: rows, or 2 GB of sheet, beyond which Excel warns."""

    def __init__(self) -> None:
        super().__init__(
            f"One workbook holds at most {MAXIMUM_ROWS} rows and 2 GB of cells. "
            "Nothing was written. Send the rows over several windows."
        )


class RowWriter:
    """Writes headings and rows into a sheet; knows each column's letters and style."""

    def __init__(self, fields: Sequence[FieldSpec], template: str) -> None:
        """``template``: a sheet whose blank row 1 has the style of headings, and row 2 of cells."""
        self._fields = fields
        cells = _TEMPLATE_CELL.findall(template)
        styles = {
            row: [(letters, style) for letters, at, style in cells if at == row] for row in "12"
        }
        self._headings = [_TextCells(*place) for place in styles["1"]]
        self._columns = [
            _cells_of(spec, *place) for spec, place in zip(fields, styles["2"], strict=True)
        ]

    def stream(self, rows: Iterable[Sequence[str]], sheet: IO[bytes]) -> int:
        """Write the headings and all rows, a thousand at a time; returns how many rows.

        Raises UnwritableCell, WorkbookTooLarge.
        """
        count = written = 0
        remaining = iter(rows)
        headings = tuple(spec.heading for spec in self._fields)
        sheet.write(self._xml(1, [headings], self._headings))
        while block := list(islice(remaining, _BLOCK)):
            xml = self._xml(count + 2, block, self._columns)
            count += len(block)
            written += len(xml)
            if count > MAXIMUM_ROWS or written > MAXIMUM_SHEET:
                raise WorkbookTooLarge
            sheet.write(xml)
        return count

    def _xml(self, first: int, rows: Sequence[Sequence[str]], columns: Sequence["Cells"]) -> bytes:
        """Rows from the number ``first`` on: each column's cells first, then cell beside cell."""
        for number, row in enumerate(rows, first):
            if len(row) != len(columns):
                raise ValueError(f"Row {number} has {len(row)} cells, not {len(columns)}.")
        by_column = zip(columns, zip(*rows, strict=True), strict=True)
        try:
            made = zip(*(column.xml(cells) for column, cells in by_column), strict=True)
        except _Unwritable:
            raise self._first_unwritable(first, rows, columns) from None
        return "".join(
            f'<row r="{_NUMBER}">{"".join(cells)}</row>'.replace(_NUMBER, str(number))
            for number, cells in enumerate(made, first)
        ).encode()

    def _first_unwritable(
        self, first: int, rows: Sequence[Sequence[str]], columns: Sequence["Cells"]
    ) -> UnwritableCell:
        for number, row in enumerate(rows, first):
            for spec, column, cell in zip(self._fields, columns, row, strict=True):
                try:
                    column.xml((cell,))
                except _Unwritable as fault:
                    return UnwritableCell(number, spec.heading, str(fault))
        raise AssertionError("A cell that could not be written can be written by itself.")


class _Unwritable(Exception):
    """Why no workbook can hold a cell; never what it is."""


class Cells(Protocol):
    """Makes a column's cells, with `_NUMBER` for the number of the row; of a blank one nothing."""

    def xml(self, cells: Sequence[str]) -> Sequence[str]:
        """The XML of each cell. Raises _Unwritable."""
        ...


def _cells_of(spec: FieldSpec, letters: str, style: str) -> Cells:
    text = _TextCells(letters, style)
    if spec.kind in _SELDOM_REPEATED:
        return text
    return _KnownCells(partial(_day, text) if spec.kind == "date" else text.one)


class _TextCells:
    """Cells of text that seldom repeats, made many at a time."""

    def __init__(self, letters: str, style: str) -> None:
        self.place = f'<c r="{letters}{_NUMBER}" s="{style}"'
        self._before = f'{self.place} t="inlineStr"><is><t xml:space="preserve">'
        self._after = "</t></is></c>"

    def xml(self, cells: Sequence[str]) -> Sequence[str]:
        joined = _BETWEEN.join(cells)
        if _needs_care(joined, len(cells)) or max(map(len, cells)) > MAXIMUM_CHARACTERS // 2:
            return [self.one(cell) for cell in cells]
        between = f"{self._after}{_BETWEEN}{self._before}"
        xml = f"{self._before}{escape(joined).replace(_BETWEEN, between)}{self._after}"
        return xml.replace(self._before + self._after, "").split(_BETWEEN)

    def one(self, value: str) -> str:
        """One cell, looked at closely."""
        if not value:
            return ""
        if _FORBIDDEN.search(value):
            raise _Unwritable("a character that no workbook can hold")
        plain = line_feeds(value)
        if len(plain.encode("utf-16-le")) > 2 * MAXIMUM_CHARACTERS:
            raise _Unwritable(f"more than {MAXIMUM_CHARACTERS} characters")
        # A text that reads `_x0041_` would be shown as `A`, so its underscore is escaped itself.
        return f"{self._before}{escape(_LOOKS_ESCAPED.sub('_x005F_', plain))}{self._after}"


class _KnownCells(dict[str, str]):
    """Cells of a column of few values: each value's cell is made once, and found again."""

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        made = self[value] = self._make(value)
        return made

    def xml(self, cells: Sequence[str]) -> Sequence[str]:
        return list(map(self.__getitem__, cells))


def _day(text: _TextCells, value: str) -> str:
    """A true date; before those that Excel can count, its text."""
    if not value:
        return ""
    try:
        serial = _serial_day(value)
    except ValueError:
        raise _Unwritable("not a date as staged rows write it") from None
    return f"{text.place}><v>{serial}</v></c>" if serial else text.one(value)


def _needs_care(joined: str, count: int) -> bool:
    """Whether any of so many cells joined holds more than XML's own three marks to escape."""
    if "\r" in joined or "_x" in joined or "\ufffe" in joined or "\uffff" in joined:
        return True
    try:
        told = joined.encode()
    except UnicodeEncodeError:
        return True
    marks = len(told) - len(told.translate(None, _CONTROLS))
    return marks != count - 1 or joined.count(_BETWEEN) != marks


def line_feeds(value: str) -> str:
    """A cell's text with every line break as a line feed, as a spreadsheet keeps it."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


def _serial_day(value: str) -> str:
    """Excel's number of a day, or "" for a day it cannot count. Raises ValueError."""
    day = date.fromisoformat(value)
    if day.isoformat() != value:
        raise ValueError
    return str(day.toordinal() - _EPOCH) if day >= _FIRST_SERIAL_DAY else ""
