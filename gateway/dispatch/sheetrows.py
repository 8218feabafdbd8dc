"""Staged rows as the XML of a sheet: true dates, and text that nothing takes for anything else.

Every text is an inline string in the ``@`` (text) format, so that no spreadsheet program takes it
for a formula, a link or a number, not even after it is edited. Format: ECMA-376 part 1, §18.3 and
§22.9.2.19 (``ST_Xstring``).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import IO
from xml.sax.saxutils import escape

from gateway.agreement.model import FieldSpec

MAXIMUM_ROWS = 1_048_575  # below the heading row; Excel's own limit
MAXIMUM_CHARACTERS = 32_767  # of one cell, in UTF-16 units; Excel's own limit
MAXIMUM_SHEET = 2_000_000_000  # bytes of one sheet; past 2 GiB zip64 makes Excel offer a repair
_EPOCH = date(1899, 12, 30).toordinal()
_FIRST_SERIAL_DAY = date(1900, 3, 1)  # before it Excel counts a 29 February that never was
_TEMPLATE_CELL = re.compile(r'<c r="([A-Z]+)([12])" s="(\d+)"/>')
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_NEEDS_CARE = re.compile(f"[&<>\r]|_x|{_NOT_XML}")
_FORBIDDEN = re.compile(_NOT_XML)
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_BLOCK = 500  # rows handed to the compressor at a time


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
        self._dates = [spec.kind == "date" for spec in fields]
        text = '" s="{}" t="inlineStr"><is><t xml:space="preserve">'
        cells = _TEMPLATE_CELL.findall(template)
        below = [(f'<c r="{letters}', style) for letters, row, style in cells if row == "2"]
        self._heading = text.format(next(style for _, row, style in cells if row == "1"))
        self._text_cells = [(before, text.format(style)) for before, style in below]
        self._date_cells = [(before, f'" s="{style}"><v>') for before, style in below]

    def stream(self, rows: Iterable[Sequence[str]], sheet: IO[bytes]) -> int:
        """Write the headings and all rows, some hundreds at a time; returns how many rows.

        Raises UnwritableCell, WorkbookTooLarge.
        """
        count = written = 0
        remaining = iter(rows)
        sheet.write(self._headings().encode())
        while block := list(islice(remaining, _BLOCK)):
            xml = "".join(self._row(n, row) for n, row in enumerate(block, count + 2)).encode()
            count += len(block)
            written += len(xml)
            if count > MAXIMUM_ROWS or written > MAXIMUM_SHEET:
                raise WorkbookTooLarge
            sheet.write(xml)
        return count

    def _headings(self) -> str:
        cells = (
            f"{before}1{self._heading}{self._careful(1, column, spec.heading)}</t></is></c>"
            for column, (spec, (before, _)) in enumerate(
                zip(self._fields, self._text_cells, strict=True)
            )
        )
        return f'<row r="1">{"".join(cells)}</row>'

    def _row(self, number: int, values: Sequence[str]) -> str:
        if len(values) != len(self._fields):
            raise ValueError(f"Row {number} has {len(values)} cells, not {len(self._fields)}.")
        n = str(number)
        parts = [f'<row r="{n}">']
        for column, value in enumerate(values):
            if not value:
                continue
            if self._dates[column] and (serial := self._serial(number, column, value)):
                before, after = self._date_cells[column]
                parts += (before, n, after, serial, "</v></c>")
                continue
            if _NEEDS_CARE.search(value) or len(value) > MAXIMUM_CHARACTERS // 2:
                value = self._careful(number, column, value)
            before, after = self._text_cells[column]
            parts += (before, n, after, value, "</t></is></c>")
        parts.append("</row>")
        return "".join(parts)

    def _serial(self, number: int, column: int, value: str) -> str:
        try:
            return _serial_day(value)
        except ValueError:
            why = "not a date as staged rows write it"
            raise UnwritableCell(number, self._fields[column].heading, why) from None

    def _careful(self, number: int, column: int, value: str) -> str:
        heading = self._fields[column].heading
        if _FORBIDDEN.search(value):
            raise UnwritableCell(number, heading, "a character that no workbook can hold")
        plain = line_feeds(value)
        if len(plain.encode("utf-16-le")) > 2 * MAXIMUM_CHARACTERS:
            raise UnwritableCell(number, heading, f"more than {MAXIMUM_CHARACTERS} characters")
        # A text that reads `_x0041_` would be shown as `A`, so its underscore is escaped itself.
        return escape(_LOOKS_ESCAPED.sub("_x005F_", plain))


def line_feeds(value: str) -> str:
    """A cell's text with every line break as a line feed, as a spreadsheet keeps it."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


@lru_cache(maxsize=65_536)
def _serial_day(value: str) -> str:
    """Excel's number of a day, or "" for a day it cannot count. Raises ValueError."""
    day = date.fromisoformat(value)
    if day.isoformat() != value:
        raise ValueError
    return str(day.toordinal() - _EPOCH) if day >= _FIRST_SERIAL_DAY else ""
