"""Examining a file, from its bytes to minimised rows and findings: design §5, steps 3 to 7.

It runs in the confined reader; the worker needs `gateway.intake.outcome` alone.
"""

from datetime import date
from io import BytesIO
from typing import BinaryIO

import polars as pl

from gateway.agreement.model import RuleBook
from gateway.intake.checking.checker import Checker
from gateway.intake.checking.headings import Plan, map_columns
from gateway.intake.findings import Finding, finding
from gateway.intake.outcome import Examined, Sink
from gateway.intake.reading import OpenedTable, Refused, open_table

__all__ = ["Examined", "Sink", "examine"]


def examine(stream: BinaryIO, book: RuleBook, today: date, sink: Sink) -> None:
    """Read, map, check, screen and minimise one file, telling the sink as it goes.

    ``stream`` is a seekable binary file; ``today`` the date in London. The sink is told every
    finding, every data row as it would be sent, and at the end the outcome. A refused file ends
    with ``refused``: rows told before then do not count.
    """
    try:
        opened = open_table(stream, book)
    except Refused as refusal:
        sink.findings(refusal.findings)
        sink.done(Examined(None, 0, (), (), (), refused=True))
        return
    plan = map_columns(opened.headings, book)
    sink.findings([*opened.findings, *plan.findings])
    refusals = list(plan.refusals) or _check_rows(opened, plan, book, today, sink)
    sink.findings(refusals)
    sink.done(_outcome(opened, plan, refused=bool(refusals)))


def _check_rows(
    opened: OpenedTable, plan: Plan, book: RuleBook, today: date, sink: Sink
) -> list[Finding]:
    """Check every row, telling the sink; what is returned refuses the file after all."""
    checker = Checker(plan, book, today)
    errors = 0
    try:
        for batch in opened.batches(plan.wanted):
            checked = checker.check(batch)
            errors += _tell(sink, checked.findings)
            sink.table(as_csv(checked.frame), checked.frame.height)
    except Refused as refusal:
        return list(refusal.findings)
    if plan.missing and opened.breaks_off_in_headings():
        return [finding("file.cut-short")]  # half a heading row must not pass for a nil day
    errors += _tell(sink, checker.finish())
    sink.findings(opened.closing_findings())
    if errors and book.flow.on_error == "refuse-drop":
        return [finding("file.rows-refused")]
    return []


def _tell(sink: Sink, findings: list[Finding]) -> int:
    """Tell the findings; how many of them are errors."""
    sink.findings(findings)
    return sum(item.severity == "error" for item in findings)


def as_csv(frame: pl.DataFrame) -> bytes:
    """A minimised table as CSV: a header line, then one record a row (RFC 4180, UTF-8)."""
    buffer = BytesIO()
    frame.write_csv(buffer, line_terminator="\r\n")
    return buffer.getvalue()


def _outcome(opened: OpenedTable, plan: Plan, refused: bool) -> Examined:
    return Examined(
        sheet=opened.sheet,
        rows=opened.rows,
        kept=plan.kept,
        dropped=plan.dropped,
        missing=plan.missing,
        refused=refused,
    )
