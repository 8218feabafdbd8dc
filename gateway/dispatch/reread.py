"""Reading our own workbook back, row by row, in memory that does not grow with the rows.

The grammar below is the whole of what a sheet of ours may hold, and every byte must fit it: plain
text cells and true dates. A formula, a link, a number or anything else does not read. It shares no
code with the writer. (A general reader holds the whole sheet: 0.6 GB for 200,000 rows, measured.)
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import IO

_CHUNK = 1 << 18  # bytes read at a time
_DATE_FORMAT = "dd/mm/yyyy"
_TEXT_FORMAT = "@"
_BUILT_IN = {"49": _TEXT_FORMAT}  # number formats that need no definition, ECMA-376 §18.8.30
_EPOCH = date(1899, 12, 30).toordinal()
_ROW = re.compile(r'<row r="(\d+)">')
_CELL = re.compile(
    r'<c r="([A-Z]+)(\d+)" s="(\d+)"'
    r'(?: t="inlineStr"><is><t xml:space="preserve">([^<>]+)</t></is>|><v>(\d+)</v>)</c>'
)
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_ENTITY = re.compile("&(?:[a-z]+;)?")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_AROUND = re.compile(  # the elements that stand around the rows
    r"(?:\n|<[?/]?(?:xml|worksheet|sheetViews?|pane|selection|sheetFormatPr|cols?|sheetData"
    r"|autoFilter|pageMargins|ignoredErrors?)\b[^<>]*>)*"
)


class WorkbookMismatch(Exception):
    """The workbook does not say what it should. ``column`` None: the row itself, or the file.

    Holds the row (counted from 1 with the headings) and the column's heading, and no value.
    """

    def __init__(self, row: int, column: str | None = None) -> None:
        where = f"row {row}" if column is None else f"row {row}, column {column}"
        super().__init__(f"The workbook does not read back as it was written: {where} differs.")
        self.row, self.column = row, column


def sheet_rows(path: Path) -> Iterator[list[str | date]]:
    """Every row of the workbook's one sheet, headings first; a true date cell comes as a date.

    All rows are as wide as the first. Raises WorkbookMismatch at anything that we never write.
    """
    number = 0
    try:
        with zipfile.ZipFile(path) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
            if sheets != ["xl/worksheets/sheet1.xml"]:
                raise WorkbookMismatch(1)
            styles = _styles(book.read("xl/styles.xml").decode())
            with book.open(sheets[0]) as sheet:
                for number, row in enumerate(_rows(sheet, styles), 1):  # noqa: B007
                    yield row
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, ValueError):
        # Not chained: a decoder's own words could carry a piece of a cell.
        raise WorkbookMismatch(number + 1) from None


def _rows(sheet: IO[bytes], styles: list[str]) -> Iterator[list[str | date]]:
    columns: dict[str, int] = {}  # the letters of a column -> its place, as the headings stand
    number = 0
    for number, piece in enumerate(_pieces(sheet, b"</row>"), 1):
        if number == 1:
            head, found, piece = piece.partition("<sheetData>")
            _only_known_elements(head)
            if not found:
                raise ValueError
        if piece.startswith("</sheetData>"):
            _only_known_elements(piece)
            return
        opening = _ROW.match(piece)
        if opening is None or opening[1] != str(number):
            raise ValueError
        yield _cells(piece, opening.end(), opening[1], columns, styles)
    raise ValueError


def _cells(
    piece: str, at: int, number: str, columns: dict[str, int], styles: list[str]
) -> list[str | date]:
    """The cells of one row, from ``at`` on, blanks as "". The first row says what columns are."""
    row: list[str | date] = [""] * len(columns)
    for found in _CELL.finditer(piece, at):
        letters, cell_number, style, text, serial = found.groups()
        if found.start() != at or cell_number != number:
            raise ValueError
        at = found.end()
        if number == "1":
            columns[letters] = len(row)
            row.append("")
        form = styles[int(style)]
        if text is not None and form in (_TEXT_FORMAT, _DATE_FORMAT):
            row[columns[letters]] = _plain(text) if "&" in text or "_x" in text else text
        elif serial is not None and form == _DATE_FORMAT:
            row[columns[letters]] = _day(serial)
        else:
            raise ValueError
    if at != len(piece):
        raise ValueError
    return row


def _pieces(stream: IO[bytes], separator: bytes) -> Iterator[str]:
    """The stream's text, parted at the separator."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(separator)
        for piece in whole:
            yield piece.decode()
    yield rest.decode()


def _only_known_elements(xml: str) -> None:
    if _AROUND.fullmatch(xml) is None:
        raise ValueError


def _plain(text: str) -> str:
    """The text without XML's and then Excel's escapes. Raises LookupError for an unknown one."""
    unescaped = _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), unescaped)


@lru_cache(maxsize=65_536)
def _day(serial: str) -> date:
    return date.fromordinal(int(serial) + _EPOCH)


def _styles(xml: str) -> list[str]:
    """The number format of each cell style, by the style's index; "" for one we never use."""
    formats = _BUILT_IN | dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]*)"/>', xml))
    cells = xml.partition("<cellXfs")[2].partition("</cellXfs>")[0]
    return [formats.get(number, "") for number in re.findall(r'<xf numFmtId="(\d+)"', cells)]
