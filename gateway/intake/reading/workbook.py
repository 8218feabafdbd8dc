"""An XLSX workbook: inspected part by part, then one sheet of it read by calamine.

Everything that could make calamine fetch, expand or allocate without bound is refused first; a
fault of its own, panics included, is a damaged file and nothing else.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import polars as pl
from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError

from gateway.agreement.model import RuleBook
from gateway.intake.findings import Finding, finding
from gateway.intake.reading import archive as zips
from gateway.intake.reading import leftovers, parts
from gateway.intake.reading.cells import CONTROL, FAILED, cell_series, cell_text
from gateway.intake.reading.headings import HEAD_ROWS, HeadingRow, KnownHeadings, narrow_enough
from gateway.intake.reading.refused import Refused, refused
from gateway.intake.reading.sheetscan import LAST_ROW, NARROW, SheetScan
from gateway.intake.reading.source import Opened, Piece, Row
from gateway.intake.reading.xmlguard import guarded, is_xml

MOST_CELLS = 64 * 1024 * 1024  # of the rectangle that calamine allocates, about 30 bytes each


class SheetSource:
    """One sheet as rows. See `source.Source`."""

    ragged = False

    def __init__(self, name: str, sheet: CalamineSheet, scan: SheetScan) -> None:
        self.sheet: str | None = "".join(c if c.isprintable() else CONTROL for c in name)
        self.scan = scan
        self.offset = sheet.start[1] if sheet.start else 0
        self.last_row = sheet.end[0] + 1 if sheet.end else 0
        self.last_column = sheet.end[1] + 1 if sheet.end else 0
        self._cells = sheet

    def rows(self) -> Iterator[Row]:
        """Every row from the sheet's first, its failed cells marked. Raises Refused."""
        width = self.last_column - self.offset
        failed = self.scan.failed
        number = 0
        with _parsing():
            for number, row in enumerate(self._filled(), 1):
                if number in failed:
                    self._mark(row, failed[number])
                yield row
        # Rows of nothing but failed cells below the last value are outside calamine's rectangle.
        for below in range(number + 1, min(max(failed, default=0), LAST_ROW) + 1):
            row = [""] * width
            self._mark(row, failed.get(below, ()))
            yield row

    def pieces(self, after: int, _width: int, size: int) -> Iterator[Piece]:
        """The rows but for the first ``after``. Raises Refused."""
        numbered = itertools.islice(enumerate(self.rows(), 1), after, None)
        while piece := list(itertools.islice(numbered, size)):
            yield piece

    def text(self, cell: Any) -> str:
        """A cell as text."""
        return cell_text(cell)

    def series(self, name: str, cells: Sequence[Any]) -> pl.Series:
        """A column as a String series."""
        return cell_series(name, cells)

    def breaks_off(self) -> bool:
        """Never: a workbook that was cut cannot be opened."""
        return False

    def _filled(self) -> Iterator[Row]:
        return iter(()) if self._cells.start is None else iter(self._cells.iter_rows())

    def _mark(self, row: Row, columns: Sequence[int]) -> None:
        for column in columns:
            if 0 <= column - 1 - self.offset < len(row):
                row[column - 1 - self.offset] = FAILED


def open_workbook(stream: BinaryIO, book: RuleBook) -> Opened:
    """Inspect the workbook and choose its one visible sheet with the headings.

    Raises Refused: ``file.unknown-format`` (another kind of zip), ``file.format-not-agreed``,
    those of `archive`, `parts`, `leftovers` and `xmlguard`, ``file.over-limit``, ``file.damaged``,
    ``file.no-headings``, ``file.two-tables``, ``file.too-wide``, ``file.hidden-sheet-refused``,
    ``file.hidden-refused``.
    """
    archive = zips.open_archive(stream)
    if not parts.is_workbook(archive):
        raise refused("file.unknown-format")
    if "xlsx" not in book.flow.files.formats:
        raise refused("file.format-not-agreed")
    zips.inspect(archive)
    findings = leftovers.carried(archive, book.flow.files)
    _refuse_errors(findings)
    workbook = parts.workbook_part(archive)
    listed = parts.sheets(archive, workbook)
    findings += leftovers.left_over(archive, workbook, listed)
    scans = _sweep(archive, {sheet.part for sheet in listed if sheet.part})
    source, heading = _choose(stream, book, listed, scans)
    findings += _hidden(book, listed, source)
    _refuse_errors(findings)
    others = sum(sheet.visible for sheet in listed) - 1
    if others:
        findings.append(finding("file.other-sheets", count=others))
    return Opened(source, narrow_enough(heading), tuple(findings))


def _refuse_errors(findings: list[Finding]) -> None:
    errors = [item for item in findings if item.severity == "error"]
    if errors:
        raise Refused(*errors)


def _sweep(archive: zips.Archive, worksheets: set[str]) -> dict[str, SheetScan]:
    """Unpack every part once, judging it, and scan those that are worksheets."""
    scans = {part: SheetScan() for part in worksheets}
    for name, member in archive.members.items():
        blocks = archive.blocks(name)
        if name in scans or is_xml(name):
            blocks = guarded(blocks, member.unpacked)
        for block in blocks:
            if name in scans:
                scans[name].feed(block)
        if name in scans:
            scans[name].close()
    return scans


def _choose(
    stream: BinaryIO, book: RuleBook, listed: list[parts.SheetPart], scans: dict[str, SheetScan]
) -> tuple[SheetSource, HeadingRow]:
    """The sheet with the headings; where several have some, the one with the reference's."""
    known = KnownHeadings(book)
    stream.seek(0)
    found: list[tuple[SheetSource, HeadingRow]] = []
    with _parsing():
        workbook = CalamineWorkbook.from_filelike(stream)
    for sheet in listed:
        if sheet.visible and sheet.part:
            source = _load(workbook, sheet.name, scans[sheet.part])
            head = list(itertools.islice(source.rows(), HEAD_ROWS))
            heading = known.find([_texts(row, source.offset) for row in head])
            if heading:
                found.append((source, heading))
    if len(found) > 1:
        # A sheet of code lists has headings too, but no row of it has a reference.
        found = [item for item in found if item[1].reference is not None] or found
    if len(found) > 1:
        raise refused("file.two-tables")
    if not found:
        raise refused("file.no-headings")
    return found[0]


def _load(workbook: CalamineWorkbook, name: str, scan: SheetScan) -> SheetSource:
    if scan.last_row * max(NARROW, scan.last_column) > MOST_CELLS:
        raise refused("file.over-limit")
    with _parsing():
        return SheetSource(name, workbook.get_sheet_by_name(name), scan)


def _texts(row: Row, offset: int) -> list[str]:
    return [""] * offset + [cell_text(cell) for cell in row]


def _hidden(book: RuleBook, listed: list[parts.SheetPart], source: SheetSource) -> list[Finding]:
    word = "refused" if book.flow.files.hidden == "refuse" else "reported"
    counts = {
        f"file.hidden-sheet-{word}": sum(not sheet.visible for sheet in listed),
        f"file.hidden-{word}": source.scan.hidden(source.last_row, source.last_column),
    }
    return [finding(code, count=count) for code, count in counts.items() if count]


@contextmanager
def _parsing() -> Iterator[None]:
    """Turns any fault of calamine's into a refusal. A panic of its is no ``Exception``."""
    try:
        yield
    except (Refused, GeneratorExit):
        raise
    except MemoryError:
        raise refused("file.over-limit") from None
    except PasswordError:
        raise refused("file.encrypted") from None
    except BaseException as fault:
        if isinstance(fault, Exception) or type(fault).__name__ == "PanicException":
            raise refused("file.damaged") from None
        raise
