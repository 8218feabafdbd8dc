"""The CSV copy of a package's rows, for flows whose agreement asks for one.

A CSV has no cell types, and a spreadsheet program acts on a cell that begins like a formula. Such
a cell gets one apostrophe in front. So does one that begins with an apostrophe: whoever takes one
leading apostrophe off every cell has the very values back.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import zip_longest
from pathlib import Path

from gateway.agreement.model import FieldSpec
from gateway.dispatch.private import create_private
from gateway.dispatch.reread import WorkbookMismatch
from gateway.dispatch.sheetrows import line_feeds

_ACTIVE = ("=", "+", "-", "@", "\t", "\n", "'", "＝", "＋", "－", "＠")


def write_csv(target: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]]) -> int:
    """Write the rows as a new CSV file, readable by its owner alone; return how many there were.

    RFC 4180, UTF-8 with a byte order mark, so that Excel reads accents; dates ``YYYY-MM-DD``; line
    breaks in a cell are line feeds. Raises FileExistsError.
    """
    count = 0
    with (
        create_private(target) as stream,
        TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text,
    ):
        out = csv.writer(text)
        out.writerow([_inert(spec.heading) for spec in fields])
        for row in rows:
            out.writerow([_inert(value) for value in row])
            count += 1
    return count


def compare_csv(path: Path, fields: Sequence[FieldSpec], rows: Iterable[Sequence[str]]) -> None:
    """Read the copy back and hold it against the rows. Raises WorkbookMismatch, without a value."""
    records = _records(path)
    if next(records, None) != [line_feeds(spec.heading) for spec in fields]:
        raise WorkbookMismatch(1)
    for number, (found, wanted) in enumerate(zip_longest(records, rows), 2):
        if found is None or wanted is None or found != [line_feeds(value) for value in wanted]:
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
