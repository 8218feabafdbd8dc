"""One workbook, built fresh from staged rows: the same rows always make the same bytes.

XlsxWriter makes everything that does not depend on the rows (styles, widths, frozen headings,
filter); the rows are then streamed into its sheet as they come. So memory stays flat, and no
plaintext touches a temporary folder.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import cast

import xlsxwriter

from gateway.agreement.model import FieldSpec
from gateway.dispatch.private import create_private
from gateway.dispatch.reread import WorkbookMismatch, sheet_rows
from gateway.dispatch.sheetrows import RowWriter, line_feeds

_BOOK = "xl/workbook.xml"
_SHEET = "xl/worksheets/sheet1.xml"
_FIXED = (1980, 1, 1, 0, 0, 0)
_FAST = 1  # of zlib: a third larger than its usual 6, in a third of the time
_TEXT_FORMAT = 49  # the built-in number format `@`
_DATE_FORMAT = "dd/mm/yyyy"
_SHEET_NAME_FORBIDS = re.compile(r"[\[\]:*?/\\]")


def write_workbook(
    target: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]], title: str
) -> int:
    """Write the rows as a new XLSX file, readable by its owner alone; return how many there were.

    ``rows`` are staged rows in the order of ``fields``: dates as ``YYYY-MM-DD``, blank as "".
    ``title`` becomes the sheet's name and the document's title. A line break inside a cell is
    written as a line feed; a date before March 1900, which Excel cannot count, as its ISO text.
    The bytes depend on the arguments alone: no clock, time zone, user or path goes in.
    Raises UnwritableCell, WorkbookTooLarge, FileExistsError; on an error a part may remain.
    """
    empty = _skeleton(fields, title, 0)
    with (
        create_private(target) as stream,
        zipfile.ZipFile(stream, "w") as book,
    ):
        for name, content in empty.items():
            if name not in (_BOOK, _SHEET):
                book.writestr(_member(name), content)
        with book.open(_member(_SHEET), "w") as sheet:
            sheet.write(_head(empty[_SHEET]))
            count = RowWriter(fields, empty[_SHEET].decode()).stream(rows, sheet)
            filled = _skeleton(fields, title, count)  # only now is the extent of the filter known
            sheet.write(_tail(filled[_SHEET]))
        book.writestr(_member(_BOOK), filled[_BOOK])
    return count


def read_back(path: Path, fields: Sequence[FieldSpec]) -> Iterator[tuple[str, ...]]:
    """The rows of a workbook in staged form, by a reader that shares no code with the writer.

    Raises WorkbookMismatch where a heading differs or a cell is not of its field's type.
    """
    cells = sheet_rows(path)
    for found, spec in zip_longest(next(cells, ()), fields):
        if spec is None or found != spec.heading:
            raise WorkbookMismatch(1, spec.heading if spec else None)
    days = [at for at, spec in enumerate(fields) if spec.kind == "date"]
    for number, row in enumerate(cells, 2):
        for at in days:
            if isinstance(cell := row[at], date):
                row[at] = _iso(cell)
        if set(map(type, row)) - {str}:
            at = next(at for at, cell in enumerate(row) if isinstance(cell, date))
            raise WorkbookMismatch(number, fields[at].heading)
        yield tuple(cast("list[str]", row))


def compare(path: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]]) -> None:
    """Read the workbook back and hold it against the rows it was made of.

    Raises WorkbookMismatch with the first row and column that differ, and no value.
    """
    pairs = zip_longest(read_back(path, fields), rows)
    for number, (found, wanted) in enumerate(pairs, 2):
        if found is None or wanted is None or len(found) != len(wanted):
            raise WorkbookMismatch(number)
        if found == tuple(wanted):
            continue
        for cell, value, spec in zip(found, wanted, fields, strict=True):
            if cell != line_feeds(value):
                raise WorkbookMismatch(number, spec.heading)


def headings_and_rows(path: Path) -> tuple[tuple[str, ...], int]:
    """The headings of a workbook and the number of rows below them, for who has no field list.

    Raises WorkbookMismatch when the file is not a workbook as we write them.
    """
    cells = sheet_rows(path)
    headings = tuple(str(cell) for cell in next(cells, ()))
    return headings, sum(1 for _ in cells)


@lru_cache(maxsize=65_536)
def _iso(day: date) -> str:
    return day.isoformat()


def _skeleton(fields: Sequence[FieldSpec], title: str, rows: int) -> dict[str, bytes]:
    """Every member of the workbook; its two blank rows show the styles of headings and cells."""
    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": title, "created": datetime(*_FIXED)})
    sheet = book.add_worksheet(_sheet_name(title))
    bold = {"bold": True, "text_wrap": True, "valign": "top", "num_format": _TEXT_FORMAT}
    heading, text, day = (
        book.add_format(form)
        for form in (bold, {"num_format": _TEXT_FORMAT}, {"num_format": _DATE_FORMAT})
    )
    for column, spec in enumerate(fields):
        style = day if spec.kind == "date" else text
        sheet.set_column(column, column, spec.width, style)
        sheet.write_blank(0, column, None, heading)
        sheet.write_blank(1, column, None, style)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows, len(fields) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A2:XFD{max(rows, 1) + 1}"})
    book.close()
    with zipfile.ZipFile(buffer) as made:
        return {name: made.read(name) for name in made.namelist()}


def _sheet_name(title: str) -> str:
    return _SHEET_NAME_FORBIDS.sub(" ", title).strip("' ")[:31].strip("' ") or "Data"


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED)
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = _FAST  # type: ignore[attr-defined]
    return info


def _head(sheet: bytes) -> bytes:
    """The sheet up to its first row, without the extent, which is not known until the end."""
    head = sheet[: sheet.index(b"<row ")]
    return re.sub(rb"<dimension [^>]*/>", b"", head)


def _tail(sheet: bytes) -> bytes:
    return sheet[sheet.index(b"</sheetData>") :]
