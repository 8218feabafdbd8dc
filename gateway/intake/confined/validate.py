"""The worker checks again everything that the confined child says, and makes its own values of it.

A child in a hostile file's hands can thus say no more than an honest one could: agreed codes at
places, cells of the agreed form, a sheet's name and headings within their lengths.
"""

import csv
import io
import json
import operator
import re
from collections.abc import Sequence
from typing import Any

from gateway.agreement.model import RuleBook
from gateway.intake.confined.cells import cell_check, few_values, has_control
from gateway.intake.confined.frames import (
    DoneFrame,
    Examined,
    FindingsFrame,
    Frame,
    TableFrame,
)
from gateway.intake.confined.wire import COUNT, AnswerFault, known_headings
from gateway.intake.findings import KINDS, Finding, Severity
from gateway.records.chunk import Chunk, Column

HIGHEST_ROW = 99_999_999
SHEET_NAME = 31  # characters: Excel's own limit
DROPPED_LENGTH = 120
DROPPED_COUNT = 500
_ROW_NUMBER = re.compile(r"[1-9][0-9]{0,7}")
REMEMBERED = 20_000  # passed values kept per column, so that memory stays flat


class Validator:
    """Turns the frames of one file into values, in order. Every fault raises AnswerFault."""

    def __init__(self, book: RuleBook) -> None:
        self._headings = known_headings(book)
        self._fields = tuple(spec.heading for spec in book.flow.fields)
        self._header = ["row", *(spec.id for spec in book.flow.fields)]
        self._checks = [cell_check(spec, book.lists) for spec in book.flow.fields]
        self._few = [few_values(spec) for spec in book.flow.fields]
        self._passed: list[set[str]] = [{""} for _ in book.flow.fields]
        self._last_row = 0
        self._rows = 0
        self._refusals: set[str] = set()
        self._done = False

    def frame(self, kind: bytes, payload: bytes) -> Frame:
        """The value of one frame. Nothing may follow the outcome."""
        if self._done:
            raise AnswerFault("the answer goes on after its end")
        if kind == b"F":
            return self._findings(payload)
        if kind == b"T":
            return self._table(payload)
        if kind == b"D":
            return self._outcome(payload)
        raise AnswerFault("the answer has a frame that does not belong there")

    def close(self) -> None:
        """Raises AnswerFault unless the outcome came."""
        if not self._done:
            raise AnswerFault("the answer has no outcome")

    def _findings(self, payload: bytes) -> FindingsFrame:
        items = _json(payload)
        if not isinstance(items, list):
            raise AnswerFault("the findings are not a list")
        return FindingsFrame(tuple(self._finding(item) for item in items))

    def _finding(self, item: Any) -> Finding:
        if not isinstance(item, list) or len(item) != 5:
            raise AnswerFault("a finding is not of five parts")
        code, severity, row, column, count = item
        kind = KINDS.get(code) if isinstance(code, str) else None
        if kind is None or kind.scope == "door":
            raise AnswerFault("a finding has a code that the reader may not give")
        if kind.scope == "row" and row is None:
            raise AnswerFault("a finding about a row has no row")
        if row is not None:
            _whole(row, 1, HIGHEST_ROW, "a finding's row")
        if count is not None:
            _whole(count, 0, HIGHEST_ROW, "a finding's count")
        heading = None
        if column is not None:
            heading = self._headings[
                _whole(column, 0, len(self._headings) - 1, "a finding's column")
            ]
        agreed = _severity(severity, code)
        if kind.scope == "file" and agreed == "error":
            self._refusals.add(code)
        return Finding(kind.code, agreed, row, heading, count)

    def _table(self, payload: bytes) -> TableFrame:
        if len(payload) < COUNT.size:
            raise AnswerFault("a part of the table has no count")
        (count,) = COUNT.unpack_from(payload)
        told = payload[COUNT.size :]
        if has_control(told):
            raise AnswerFault("the table has a control character")
        try:
            text = io.StringIO(told.decode("utf-8"), newline="")
            table = list(csv.reader(text, strict=True))
        except (UnicodeDecodeError, csv.Error):
            raise AnswerFault("a part of the table is not CSV in UTF-8") from None
        if not table or table[0] != self._header:
            raise AnswerFault("the table's header is not the field list")
        del table[0]
        if len(table) != count:
            raise AnswerFault("the table has more or fewer rows than it says")
        if not set(map(len, table)) <= {len(self._header)}:
            raise AnswerFault("the table has a row of the wrong width")
        return TableFrame(self._rows_of(table))

    def _rows_of(self, table: list[list[str]]) -> Chunk:
        if not table:
            return Chunk((), ())
        numbers, *columns = zip(*table, strict=True)
        told = Chunk(self._row_numbers(numbers), tuple(map(Column.of, columns)))
        for index, column in enumerate(told.columns):
            self._check_column(index, column.values)
        self._rows += len(table)
        return told

    def _row_numbers(self, texts: tuple[str, ...]) -> list[int]:
        if not all(map(_ROW_NUMBER.fullmatch, texts)):
            raise AnswerFault("a row's number is not a number")
        numbers = list(map(int, texts))
        if not all(map(operator.lt, [self._last_row, *numbers], numbers)):
            raise AnswerFault("the rows are not in rising order")
        self._last_row = numbers[-1]
        return numbers

    def _check_column(self, index: int, cells: Sequence[str]) -> None:
        passed, check = self._passed[index], self._checks[index]
        fresh = set(cells) - passed
        if not all(map(check, fresh)):
            raise AnswerFault("a cell of the table has not the form of its field")
        if self._few[index] and len(passed) < REMEMBERED:
            passed |= fresh

    def _outcome(self, payload: bytes) -> DoneFrame:
        said = _json(payload)
        parts = {"sheet", "rows", "kept", "dropped", "missing", "refused"}
        if not isinstance(said, dict) or said.keys() != parts:
            raise AnswerFault("the outcome has not the agreed parts")
        sheet, refused, dropped = said["sheet"], said["refused"], said["dropped"]
        if not isinstance(refused, bool):
            raise AnswerFault("the outcome does not say whether the drop is refused")
        if not isinstance(dropped, list) or len(dropped) > DROPPED_COUNT:
            raise AnswerFault("the outcome's dropped headings are not a list within its length")
        rows = _whole(said["rows"], 0, HIGHEST_ROW, "the outcome's count of rows")
        if bool(self._refusals) != refused and self._refusals != {"file.rows-refused"}:
            raise AnswerFault("the outcome and the findings differ on whether to refuse the drop")
        if not refused and rows != self._rows:
            raise AnswerFault("the outcome counts other rows than the table has")
        self._done = True
        return DoneFrame(
            Examined(
                sheet=None if sheet is None else _text(sheet, SHEET_NAME, "the sheet's name"),
                rows=rows,
                kept=self._agreed(said["kept"]),
                dropped=tuple(_text(item, DROPPED_LENGTH, "a dropped heading") for item in dropped),
                missing=self._agreed(said["missing"]),
                refused=refused,
            )
        )

    def _agreed(self, indexes: Any) -> tuple[str, ...]:
        last = len(self._fields) - 1
        if not isinstance(indexes, list) or len(indexes) > len(self._fields):
            raise AnswerFault("the outcome's kept or missing headings are not a list")
        numbers = [_whole(item, 0, last, "a kept or missing heading") for item in indexes]
        if len(set(numbers)) != len(numbers):
            raise AnswerFault("the outcome names a heading twice")
        return tuple(self._fields[number] for number in numbers)


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise AnswerFault("a frame is not JSON") from None


def _whole(value: Any, lowest: int, highest: int, what: str) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise AnswerFault(f"{what} is not a whole number within its range")
    return value


def _text(value: Any, length: int, what: str) -> str:
    if not isinstance(value, str) or len(value) > length or not value.isprintable():
        raise AnswerFault(f"{what} is not a printable text of at most {length} characters")
    return value


def _severity(value: Any, code: str) -> Severity:
    """A cross-field rule's severity is the agreement's to set; any other is the code's own."""
    if value == KINDS[code].severity or (code.startswith("rule.") and value in ("error", "query")):
        return "error" if value == "error" else "query"
    raise AnswerFault("a finding has a severity that its code does not take")
