"""A findings report read back from its CSV: it is the only place where a drop's findings are kept.

It lies in an outbox, where its party may do as it likes with it, so it is read as what it is: a
file of somebody else's. What is not as the gateway writes it is told of, and never shown.
"""

import csv
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gateway.intake.findings import KINDS
from gateway.intake.report import CSV_HEADINGS, report_name
from gateway.store.drops import DropRow

_MOST_LINES = 5_000_000
# Ours, since csv's own bound belongs to the whole process, and the reader of extracts moves it.
_LONGEST_FIELD = 10_000


class ReportUnreadable(Exception):
    """The report is not there, or not as it was written. Codes: report.gone, report.altered"""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = "Send the file again: it is then checked anew. Nothing is taken twice."


@dataclass(frozen=True, slots=True)
class Line:
    """A finding as the report has it, with its words. ``row`` and ``column``: None, the file."""

    severity: str
    code: str
    row: int | None
    column: str | None
    message: str
    fix: str


def report_lines(folder: Path, drop: DropRow) -> Iterator[Line]:
    """The findings of a drop, in the report's order, from the reports folder of its party.

    Opens at once, and raises ReportUnreadable; also later, where a line is not as it should be.
    """
    file = _opened(folder / f"{report_name(drop.flow, drop.received_at, drop.id)}.csv")
    return _read(file)


def _opened(path: Path) -> IO[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ReportUnreadable(
            "report.gone", "The report of this drop no longer lies in the outbox."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _altered()
    return os.fdopen(descriptor, encoding="utf-8-sig", newline="")


def _read(file: IO[str]) -> Iterator[Line]:
    with file:
        try:
            records = csv.reader(file, strict=True)
            if tuple(next(records, ())) != CSV_HEADINGS:
                raise _altered()
            for number, record in enumerate(records):
                if number >= _MOST_LINES:
                    raise _altered()
                yield _line(record)
        except (csv.Error, UnicodeDecodeError) as error:
            raise _altered() from error


def _line(record: list[str]) -> Line:
    with suppress(ValueError):
        if any(len(field) > _LONGEST_FIELD for field in record):
            raise _altered()
        severity, code, row, column, message, fix = record
        if code in KINDS and severity in ("error", "query"):
            return Line(severity, code, int(row) if row else None, column or None, message, fix)
    raise _altered()


def _altered() -> ReportUnreadable:
    return ReportUnreadable(
        "report.altered", "The report of this drop is not as the gateway wrote it."
    )
