"""The CSV copy of a package's rows, for flows whose agreement asks for one.

A CSV has no cell types, and a spreadsheet program acts on a cell that begins like a formula. Such
a cell gets one apostrophe in front. So does one that begins with an apostrophe: whoever takes one
leading apostrophe off every cell has the very values back.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from gateway.agreement.model import FieldSpec
from gateway.dispatch.private import create_private
from gateway.dispatch.reread import WorkbookMismatch
from gateway.dispatch.sheetrows import line_feeds

_BLOCK = 1_000  # rows written at a time
_REMEMBERED = 50_000  # distinct values, so that memory stays flat
_QUOTED = (",", '"', "\n")
_ACTIVE = ("=", "+", "-", "@", "\t", "\n", "'", "＝", "＋", "－", "＠")


def write_csv(target: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]]) -> int:
    """Write the rows as a new CSV file, readable by its owner alone; return how many there were.

    RFC 4180, UTF-8 with a byte order mark, so that Excel reads accents; dates ``YYYY-MM-DD``; line
    breaks in a cell are line feeds. Raises FileExistsError.
    """
    count, remaining, known = 0, iter(rows), _Written()
    with create_private(target) as stream:
        stream.write(b"\xef\xbb\xbf" + known.records([[spec.heading for spec in fields]]))
        while block := list(islice(remaining, _BLOCK)):
            stream.write(known.records(block))
            count += len(block)
    return count


class _Written(dict[str, str]):
    """Each value as the file has it: made once, and found again."""

    def __missing__(self, value: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        plain = _inert(value)
        if any(mark in plain for mark in _QUOTED):
            plain = '"' + plain.replace('"', '""') + '"'
        self[value] = plain
        return plain

    def records(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Rows as RFC 4180 has them."""
        lines = [",".join(map(self.__getitem__, row)) for row in rows]
        return ("\r\n".join(lines) + "\r\n").encode()


def compare_csv(path: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]]) -> None:
    """Read the copy back and hold it against the rows. Raises WorkbookMismatch, without a value."""
    records = _records(path)
    if next(records, None) != [line_feeds(spec.heading) for spec in fields]:
        raise WorkbookMismatch(1)
    for number, (found, wanted) in enumerate(zip_longest(records, rows), 2):
        if found is None or wanted is None:
            raise WorkbookMismatch(number)
        if found != list(wanted) and found != [line_feeds(value) for value in wanted]:
            raise WorkbookMismatch(number)


def csv_headings_and_rows(path: Path) -> tuple[tuple[str, ...], int]:
    """The headings of a CSV copy and the number of rows. Raises WorkbookMismatch if it is none."""
    records = _records(path)
    return tuple(next(records, ())), sum(1 for _ in records)


def _records(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for record in csv.reader(text, strict=True):
                yield [cell.removeprefix("'") for cell in record]
    except (csv.Error, UnicodeDecodeError):
        raise WorkbookMismatch(1) from None


def _inert(value: str) -> str:
    plain = line_feeds(value)
    return f"'{plain}" if plain.startswith(_ACTIVE) else plain
