"""Findings as a page shows them: by kind, or row by row; and as a file that spreadsheets open."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from urllib.parse import urlencode

from gateway.intake.report import CSV_HEADINGS
from gateway.intake.reported import Line

ROWS_NAMED = 12  # of one kind; the download has them all
KINDS_SHOWN = 100
ROWS_A_PAGE = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet take a cell for a formula


@dataclass
class Kind:
    """The findings of one rule about one column. ``rows``: the first of them."""

    severity: str
    code: str
    column: str | None
    message: str
    fix: str
    count: int = 0
    rows: list[int] = field(default_factory=list)

    @property
    def places(self) -> str:
        """The rows in words; empty for the file as a whole."""
        if not self.rows:
            return ""
        more = self.count - len(self.rows)
        return ", ".join(map(str, self.rows)) + (f" and {more:,} more" if more else "")


@dataclass(frozen=True)
class HeldRow:
    """A row that is held: its number, and the rules that hold it, each with its column."""

    number: int
    rules: tuple[tuple[str, str | None, str], ...]  # code, column, message
    attestable: bool

    def release(self, drop: str) -> str:
        """Where its release is asked for: the form of that act, filled in as far as this goes."""
        codes = dict.fromkeys(code for code, _, _ in self.rules)
        asked = [("subject", drop), ("rows", self.number), *(("codes", code) for code in codes)]
        return f"/approvals/new/release-held?{urlencode(asked)}"


def by_kind(lines: Iterable[Line]) -> list[Kind]:
    """The findings by rule and column: errors first, the file as a whole before its rows."""
    found: dict[tuple[str, str, str | None], Kind] = {}
    for line in lines:
        key = (line.severity, line.code, line.column)
        if key not in found:
            found[key] = Kind(*key, line.message, line.fix)
        kind = found[key]
        kind.count += 1
        if line.row is not None and len(kind.rows) < ROWS_NAMED:
            kind.rows.append(line.row)
    return sorted(found.values(), key=_order)


def _order(kind: Kind) -> tuple[bool, bool, str, str]:
    return (kind.severity != "error", bool(kind.rows), kind.code, kind.column or "")


def held_rows(
    lines: Iterable[Line], attestable: frozenset[str], after: int, limit: int = ROWS_A_PAGE
) -> list[HeldRow]:
    """The held rows after the one of that number. They stand in the report in order."""
    errors = (
        line
        for line in lines
        if line.severity == "error" and line.row is not None and line.row > after
    )
    return [
        _held(number, tuple(items), attestable)
        for number, items in islice(groupby(errors, lambda line: line.row or 0), limit)
    ]


def _held(number: int, lines: tuple[Line, ...], attestable: frozenset[str]) -> HeldRow:
    rules = tuple((line.code, line.column, line.message) for line in lines)
    return HeldRow(number, rules, {line.code for line in lines} <= attestable)


def csv_blocks(lines: Iterable[Line]) -> Iterator[str]:
    """The findings as CSV, block by block, no cell of which a spreadsheet takes for a formula."""
    yield "\ufeff" + _rows([CSV_HEADINGS])
    rest = iter(lines)
    while block := list(islice(rest, 1_000)):
        yield _rows(
            (it.severity, it.code, it.row or "", it.column or "", it.message, it.fix)
            for it in block
        )


def _rows(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_plain(str(cell)) for cell in row] for row in rows)
    return text.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
