"""Reading our own workbook back, row by row, in memory that does not grow with the rows.

The grammar below is the whole of what a sheet of ours may hold, and every byte must fit it: plain
text cells and true dates. A formula, a link, a number or anything else does not read. It shares no
code with the writer. (A general reader holds the whole sheet: 0.6 GB for 200,000 rows, measured.)
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import IO

_CHUNK = 1 << 18  # bytes read at a time
_DATE_FORMAT = "dd/mm/yyyy"
_TEXT_FORMAT = "@"
_BUILT_IN = {"49": _TEXT_FORMAT}  # number formats that need no definition, ECMA-376 §18.8.30
_EPOCH = date(1899, 12, 30).toordinal()
_ROW = re.compile(r'<row r="(\d+)">')
_NUMBER = "\x01"  # stands for the row's number in a cell's place; no XML holds it
_TEXT, _TEXT_END = '<t xml:space="preserve">', "</t></is>"
_CELL = re.compile(  # but for its closing tag, at which a row is parted
    rf'<c r="(?P<letters>[A-Z]+){_NUMBER}" s="(?P<style>\d+)"'
    rf'(?: t="inlineStr"><is>{_TEXT}(?P<text>[^<>]+){_TEXT_END}|><v>(?P<serial>\d+)</v>)'
)
_REMEMBERED = 2_000  # distinct cells of a column: those that repeat are among the first
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
    known = _Cells(styles)
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
        if opening is None or opening[1] != str(number) or _NUMBER in piece:
            raise ValueError
        cells = _parted(piece[opening.end() :], opening[1])
        if number == 1:
            known.learn(cells)
        row = known.blank[:]
        for place, value in map(known.__getitem__, cells):
            row[place] = value
        yield row
    raise ValueError


def _parted(cells: str, number: str) -> list[str]:
    """The cells of one row, `_NUMBER` for the row's own: so what repeats below looks the same."""
    place, marked = f'{number}" s="', f'{_NUMBER}" s="'
    parts = cells.replace(place, marked).split("</c>")
    if parts.pop():
        raise ValueError
    if cells.count(place) != len(parts):
        # Some text reads like the place of a cell: in each cell the first alone is one.
        return [part.replace(place, marked, 1) for part in cells.split("</c>")[:-1]]
    return parts


class _Cells(dict[str, tuple[int, str | date]]):
    """What each cell says, its place in the row first; the cells that repeat are read once."""

    def __init__(self, styles: list[str]) -> None:
        super().__init__()
        self.blank: list[str | date] = []
        self._styles = styles
        self._columns: dict[str, int] = {}  # the letters of a column -> its place
        self._remembered: list[int] = []
        self._texts: dict[str, int] = {}  # what stands before a text -> the place of its column

    def learn(self, headings: Iterable[str]) -> None:
        """The first row says what columns there are. Raises ValueError."""
        for cell in headings:
            found = _CELL.fullmatch(cell)
            if found is None:
                raise ValueError
            self._columns[found["letters"]] = len(self.blank)
            self.blank.append("")
        self._remembered = [0] * len(self.blank)

    def __missing__(self, cell: str) -> tuple[int, str | date]:
        """Raises ValueError, or LookupError, at anything that we never write."""
        before, opened, rest = cell.partition(_TEXT)
        text = rest.removesuffix(_TEXT_END)
        place = self._texts.get(before) if opened else None
        if place is None or not text or text == rest or "<" in text or ">" in text:
            place, value = self._closely(cell)
            if opened:
                self._texts[before] = place
        else:
            value = _plain(text) if "&" in text or "_x" in text else text
        if self._remembered[place] < _REMEMBERED:
            self._remembered[place] += 1
            self[cell] = place, value
        return place, value

    def _closely(self, cell: str) -> tuple[int, str | date]:
        found = _CELL.fullmatch(cell)
        if found is None:
            raise ValueError
        place, form = self._columns[found["letters"]], self._styles[int(found["style"])]
        text, serial = found["text"], found["serial"]
        if text is not None and form in (_TEXT_FORMAT, _DATE_FORMAT):
            return place, _plain(text)
        if serial is not None and form == _DATE_FORMAT:
            return place, date.fromordinal(int(serial) + _EPOCH)
        raise ValueError


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


def _styles(xml: str) -> list[str]:
    """The number format of each cell style, by the style's index; "" for one we never use."""
    formats = _BUILT_IN | dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]*)"/>', xml))
    cells = xml.partition("<cellXfs")[2].partition("</cellXfs>")[0]
    return [formats.get(number, "") for number in re.findall(r'<xf numFmtId="(\d+)"', cells)]
