"""What calamine does not tell of a sheet: hidden rows and columns, failed cells, its extent.

One pass of regular expressions over the sheet's XML as it is unpacked, whole rows at a time, in any
namespace prefix. Where XML leaves room for doubt (a comment, a CDATA section) it errs to seeing a
hidden row too many, never one too few. Elements: ECMA-376 part 1, 18.3.1.4 (c), .13 (col),
.73 (row), .81 (sheetFormatPr).
"""

import html
import re

from gateway.intake.reading.refused import refused

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of any sheet
NARROW = 64  # columns that need no closer look

_MOST_ROW = 32 * 1024 * 1024  # bytes of one row's XML
_PART = 4 * 1024 * 1024  # bytes without the end of a row, after which any tag will do
_PREFIX = rb"(?:[A-Za-z_][\w.\-]*:)?"
_ATTRIBUTES = rb"""([^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*)"""
_ROW_OR_COLUMN = re.compile(rb"<(row|col|sheetFormatPr)(?=[\s/>])" + _ATTRIBUTES + rb">")
_ANY = re.compile(rb"<" + _PREFIX + rb"(row|col|c|sheetFormatPr)(?=[\s/>])" + _ATTRIBUTES + rb">")
_ATTRIBUTE = re.compile(rb"""(?:^|\s)([\w:.\-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PREFIXED = re.compile(rb":(?:row|col|c|sheetFormatPr)[\s/>]")
_FORMULA = re.compile(rb"<" + _PREFIX + rb"f[\s/>]")
_CLOSER = (b'"e"', b"'e'", b"<f", b":f")  # an error cell, a formula
_FILLED = re.compile(rb"<" + _PREFIX + rb"v(?:\s[^>]*)?>[^<]")
_CELL = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_FAR_CELL = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"[^>]*>')
_ROW = re.compile(rb' r="([0-9]{1,7})"')
_NUMBER = re.compile(r"[0-9]{1,7}")
_TRUE = frozenset({"1", "true", "on"})
_STEP = 16  # columns by which the bound grows


class SheetScan:
    """What was seen of one sheet. Rows and columns count from 1; a range includes both ends.

    ``failed``: row → columns of its error cells, and of formulas saved without their result.
    ``last_row`` and ``last_column`` bound what has a value; up to `NARROW` columns are not counted.
    """

    def __init__(self) -> None:
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[tuple[int, int]] = []
        self.failed: dict[int, list[int]] = {}
        self.last_row = 0
        self.last_column = 0
        self._widths_hidden = False
        self._row = 0
        self._column = 0
        self._left = b""
        self._column_bound, self._row_bound = NARROW, NARROW
        self._beyond = _beyond(NARROW, NARROW)

    def feed(self, block: bytes) -> None:
        """Take the next block of the sheet's XML. Raises Refused ``file.damaged``: endless tag."""
        data = self._left + block
        cut = data.rfind(b"row>") + 4
        if cut < 4 and len(data) > _PART:
            cut = data.rfind(b"<")
        if cut < 1:
            if len(data) > _MOST_ROW:
                raise refused("file.damaged")
            self._left = data
            return
        self._scan(data[:cut])
        self._left = data[cut:]

    def close(self) -> None:
        """The sheet's XML has ended."""
        self._scan(self._left)
        self._left = b""

    def hidden(self, last_row: int, last_column: int) -> int:
        """How many rows and columns are hidden up to the last that hold anything."""
        rows = sum(row <= last_row for row in self.hidden_rows)
        columns = {
            column
            for first, last in self.hidden_columns
            for column in range(first, min(last, last_column) + 1)
        }
        return rows + (last_column if self._widths_hidden else len(columns))

    def _scan(self, data: bytes) -> None:
        # Only where one of these stands is it worth looking at each cell: that is slow.
        closer = any(mark in data for mark in _CLOSER) or _PREFIXED.search(data)
        tags = [] if closer else _ROW_OR_COLUMN.findall(data)
        if closer or not self._is_plain(data, tags):
            self._scan_cells(data)
            return
        for name, text in tags:
            self._take(name, text)

    def _is_plain(self, data: bytes, tags: list[tuple[bytes, bytes]]) -> bool:
        """Whether each cell is written ``<c r="A1"…`` and lies in no row beyond these.

        Notes how far to the right they reach, rounded up, so that few are looked at closely.
        """
        numbers = [_ROW.match(text) for name, text in tags if name == b"row"]
        last = max((int(number[1]) for number in numbers if number), default=0)
        if None in numbers or last > LAST_ROW:
            return False
        if last > self._row_bound:
            self._row_bound = min(last + last // 4, LAST_ROW)
            self._beyond = _beyond(self._column_bound, self._row_bound)
        at = 0
        while match := self._beyond.search(data, at):
            at = match.end()
            cell = _FAR_CELL.match(data, at)
            column = _column(cell[1].decode()) if cell else LAST_COLUMN + 1
            if cell is None or int(cell[2]) > self._row_bound or column > LAST_COLUMN:
                return False
            if not cell[0].endswith(b"/>"):
                self._column_bound = max(self._column_bound, min(column + _STEP, LAST_COLUMN))
                self._beyond = _beyond(self._column_bound, self._row_bound)
                self.last_column = self._column_bound
        return True

    def _scan_cells(self, data: bytes) -> None:
        tags = _ANY.finditer(data)
        tag = next(tags, None)
        while tag is not None:
            after = next(tags, None)
            if tag[1] == b"c":
                end = len(data) if after is None else after.start()
                self._take_cell(tag[2], data[tag.end() : end])
            else:
                self._take(tag[1], tag[2])
            tag = after

    def _take(self, name: bytes, text: bytes) -> None:
        attributes = _attributes(text)
        if name == b"row":
            self._row = _row(attributes.get("r"), self._row + 1)
            self._column = 0
            if not text.endswith(b"/"):
                self.last_row = max(self.last_row, self._row)
            if _is_hidden(attributes, "ht"):
                self.hidden_rows.append(self._row)
        elif name == b"col" and _is_hidden(attributes, "width"):
            first = _number(attributes.get("min"), 1)
            self.hidden_columns.append((first, _number(attributes.get("max"), first)))
        elif name == b"sheetFormatPr":
            self._widths_hidden = _is_zero(attributes.get("defaultColWidth"))

    def _take_cell(self, text: bytes, body: bytes) -> None:
        attributes = _attributes(text)
        row, self._column = _place(attributes.get("r"), self._row, self._column + 1)
        if text.endswith(b"/"):
            return
        self.last_row = max(self.last_row, row)
        self.last_column = max(self.last_column, self._column)
        kind = attributes.get("t")
        unsaved = kind != "str" and _FORMULA.search(body) and not _FILLED.search(body)
        if kind == "e" or unsaved:
            self.failed.setdefault(row, []).append(self._column)


def _row(text: str | None, otherwise: int) -> int:
    """A row's number. Raises Refused ``file.damaged`` for one that no sheet has."""
    if text is None:
        return otherwise
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= LAST_ROW:
        raise refused("file.damaged")
    return int(text)


def _place(text: str | None, row: int, column: int) -> tuple[int, int]:
    """Where a cell is. A parser would make room for a place that no sheet has: ``file.damaged``."""
    if text is not None:
        place = _CELL.fullmatch(text)
        if place is None:
            raise refused("file.damaged")
        row, column = _row(place[2], 0), _column(place[1].upper())
    if column > LAST_COLUMN:
        raise refused("file.damaged")
    return row, column


def _column(letters: str) -> int:
    """The number of a column by its capital letters: A is 1, XFD is 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _beyond(column: int, row: int) -> re.Pattern[bytes]:
    """Matches the start of any cell that is not plainly within A1 and this column and row."""
    columns, rows = _no_more(_letters(column), "A", "Z"), _no_more(str(row), "0", "9")
    return re.compile(rf'<c(?=[\s/>])(?! r="(?:{columns})(?:{rows})")'.encode())


def _no_more(last: str, low: str, high: str) -> str:
    """An expression for every text of these characters that sorts up to ``last``, shorter first."""
    texts = [last]
    for at in reversed(range(len(last))):
        if last[at] > low:
            less = f"[{low}-{chr(ord(last[at]) - 1)}]"
            texts.append(f"{last[:at]}{less}[{low}-{high}]{{{len(last) - at - 1}}}")
    if len(last) > 1:
        texts.append(f"[{low}-{high}]{{1,{len(last) - 1}}}")
    return "|".join(texts)


def _attributes(text: bytes) -> dict[str, str]:
    pairs = _ATTRIBUTE.findall(text)
    return {
        name.decode("ascii", "replace"): html.unescape(
            (double or single).decode("utf-8", "replace")
        )
        for name, double, single in pairs
    }


def _number(text: str | None, otherwise: int) -> int:
    """A row's or column's number; no sheet has more than seven digits of either."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 7):
        return otherwise
    return int(text)


def _is_zero(text: str | None) -> bool:
    return text is not None and text.strip(" +0") in (".", "") and "0" in text


def _is_hidden(attributes: dict[str, str], size: str) -> bool:
    """Hidden by name, or by a height or width of nothing."""
    flag = attributes.get("hidden", "").strip().lower()
    return flag in _TRUE or _is_zero(attributes.get(size))
