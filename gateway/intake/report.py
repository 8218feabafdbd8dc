"""The findings report for the sender: what was accepted, held and why, without any cell's value.

The same account as text for a terminal, as CSV, as a small HTML page, and as the JSON of `check`.
It names headings only where the agreement lists them, since an unknown heading is the sender's own
text; the file's name and the sheet's name stay out of anything that is written down.
"""

import csv
import html
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.agreement.model import FieldSpec, RuleBook
from gateway.agreement.windows import london_date
from gateway.intake.findings import Finding, words
from gateway.intake.judge import Judgement

CSV_HEADINGS = ("severity", "code", "row", "column", "what is wrong", "what to do")
SHOWN_ON_PAGE = 500
_LISTED_VALUES = 14
_STATES = {
    "accepted": "Accepted: every new row travels at the next window.",
    "partly-held": "Partly held: the rows named below stay back; the others travel.",
    "quarantined": "Quarantined: nothing of this file travels until it is corrected.",
    "refused": "Not taken: the file stays in the inbox until it is put right.",
    "duplicate": "Already here: this very file was dropped before.",
}


@dataclass(frozen=True)
class Received:
    """How the sender can tell which file is meant: when it came, its size, how its hash begins."""

    drop_id: str
    at: datetime
    size: int
    sha256: str


def report_name(flow: str, received_at: datetime, drop_id: str) -> str:
    """What a drop's report is called, without the ending of its file."""
    return f"{flow}-{london_date(received_at).isoformat()}-{drop_id}"


class Wording:
    """Turns findings into words for one flow, adding what the agreement takes in a column."""

    def __init__(self, book: RuleBook) -> None:
        self._fields = {spec.heading: spec for spec in book.flow.fields}
        self._lists = book.lists

    def of(self, item: Finding) -> tuple[str, str]:
        """Message and fix."""
        takes_values = item.code.startswith(("code.", "yes-no."))
        return words(item, self._takes if takes_values else None)

    def _takes(self, heading: str) -> str:
        spec = self._fields.get(heading)
        return "" if spec is None else self._values(spec)

    def _values(self, spec: FieldSpec) -> str:
        if spec.list is None or spec.list not in self._lists:
            return ""
        labels = list(dict.fromkeys(code.label for code in self._lists[spec.list].codes))
        if len(labels) > _LISTED_VALUES:
            return f"The list has {len(labels)} values: see `gateway template`."
        return f"The list: {'; '.join(labels)}."


def as_json(verdict: Judgement, wording: Wording) -> dict[str, Any]:
    """The account in the form of design §7; its schema is ``schemas/check.schema.json``."""
    return {
        "flow": verdict.flow,
        "sheet": verdict.sheet,
        "rows": verdict.rows,
        "accepted": verdict.accepted,
        "held": verdict.held,
        "repeats": verdict.repeats,
        "state": verdict.state,
        "columns": {
            "kept": list(verdict.kept),
            "dropped": list(verdict.dropped),
            "missing": list(verdict.missing),
        },
        "findings": [_finding_json(item, wording) for item in verdict.findings],
    }


def _finding_json(item: Finding, wording: Wording) -> dict[str, Any]:
    message, fix = wording.of(item)
    return {
        "code": item.code,
        "severity": item.severity,
        "row": item.row,
        "column": item.column,
        "message": message,
        "fix": fix,
    }


def as_text(verdict: Judgement, state: str, wording: Wording, limit: int = 40) -> Iterator[str]:
    """The account as lines for a terminal: the sum first, then the findings by kind."""
    yield _STATES[state]
    yield (
        f"{verdict.rows} rows: {verdict.accepted} accepted, {verdict.held} held, "
        f"{verdict.repeats} repeats. {len(verdict.dropped)} columns dropped, "
        f"{len(verdict.missing)} agreed columns absent."
    )
    for shown, (code, items) in enumerate(_by_kind(verdict), start=1):
        message, fix = wording.of(items[0])
        label = "" if items[0].row is None else f" ({_places(items)})"
        yield f"  {items[0].severity:5} {code}{label}"
        yield f"        {message} {fix}"
        if shown == limit:
            yield "  … and more kinds: see the report's CSV."
            return


def _by_kind(verdict: Judgement) -> Iterator[tuple[str, list[Finding]]]:
    def key(item: Finding) -> tuple[bool, bool, str, str]:
        return (item.severity != "error", item.row is not None, item.code, item.column or "")

    for (_, _, code, _), items in groupby(sorted(verdict.findings, key=key), key=key):
        yield code, list(items)


def _places(items: list[Finding], limit: int = 12) -> str:
    rows = [str(item.row) for item in items]
    more = f" and {len(rows) - limit} more" if len(rows) > limit else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(rows[:limit])}{more}"


def write_report(
    folder: Path,
    name: str,
    received: Received,
    verdict: Judgement,
    state: str,
    wording: Wording,
    attempt: Path | None = None,
) -> tuple[Path, Path]:
    """Write ``<name>.csv`` and ``<name>.html`` into the sender's reports folder, replacing both.

    ``attempt``: the folder they are first written in, where it is on the same file system. Raises
    OSError when a folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheet, page = folder / f"{name}.csv", folder / f"{name}.html"
    if attempt is not None and attempt.stat().st_dev != folder.stat().st_dev:
        attempt = None
    _write(sheet, _as_csv(verdict, wording), attempt)
    _write(page, _as_html(received, verdict, state, wording), attempt)
    return sheet, page


def _write(target: Path, text: str, attempt: Path | None) -> None:
    temporary = (attempt or target.parent) / f".{target.name}.part"
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def _as_csv(verdict: Judgement, wording: Wording) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_HEADINGS)
    for item in verdict.findings:
        place = ("" if item.row is None else item.row, item.column or "")
        writer.writerow((item.severity, item.code, *place, *wording.of(item)))
    return "\ufeff" + text.getvalue()


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Findings report {drop}</title>
<style>
body {{ font: 1.1rem/1.5 Arial, Helvetica, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #0b0c0c }}
table {{ border-collapse: collapse; width: 100% }} caption, th {{ text-align: left; font-weight: bold }}
th, td {{ padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #b1b4b6; vertical-align: top }}
.error {{ color: #942514; font-weight: bold }}
</style>
</head>
<body>
<h1>What happened to your file</h1>
<p><strong>{sentence}</strong></p>
<table>
<caption>The file</caption>
<tr><th scope="row">Flow</th><td>{flow}</td></tr>
<tr><th scope="row">Received</th><td>{at}</td></tr>
<tr><th scope="row">Drop</th><td>{drop}</td></tr>
<tr><th scope="row">Size</th><td>{size:,} bytes{sha}</td></tr>
<tr><th scope="row">Rows</th><td>{rows}: {accepted} accepted, {held} held, {repeats} repeats or sent before</td></tr>
<tr><th scope="row">Columns</th><td>{kept} kept, {dropped} dropped, {missing}</td></tr>
</table>
<h2>Findings</h2>
{findings}
<p>No value of any cell is shown here, so this page is safe to pass to whoever can correct the file.</p>
</body>
</html>
"""  # noqa: E501


def _as_html(received: Received, verdict: Judgement, state: str, wording: Wording) -> str:
    at = received.at.astimezone(ZoneInfo("Europe/London"))
    missing = f"absent: {', '.join(verdict.missing)}" if verdict.missing else "none absent"
    return _PAGE.format(
        sentence=_STATES[state],
        drop=received.drop_id,
        flow=verdict.flow,
        at=f"{at:%A} {at.day} {at:%B %Y, %H:%M}",
        size=received.size,
        sha=f", SHA-256 begins {received.sha256[:12]}" if received.sha256 else "",
        rows=verdict.rows,
        accepted=verdict.accepted,
        held=verdict.held,
        repeats=verdict.repeats,
        kept=len(verdict.kept),
        dropped=len(verdict.dropped),
        missing=html.escape(missing),
        findings=_findings_table(verdict, wording),
    )


def _findings_table(verdict: Judgement, wording: Wording) -> str:
    if not verdict.findings:
        return "<p>None. Nothing needs doing.</p>"
    lines = ["<table>", "<tr>"]
    heads = ("Severity", "Row", "Column", "What is wrong", "What to do")
    lines += [f'<th scope="col">{text}</th>' for text in heads]
    lines.append("</tr>")
    shown = sorted(verdict.findings, key=lambda item: item.severity != "error")[:SHOWN_ON_PAGE]
    for item in shown:
        message, fix = wording.of(item)
        row = "" if item.row is None else str(item.row)
        cells = (row, item.column or "", message, fix)
        lines.append(f'<tr><td class="{item.severity}">{item.severity}</td>')
        lines += [f"<td>{html.escape(cell)}</td>" for cell in cells]
        lines.append("</tr>")
    lines.append("</table>")
    if len(verdict.findings) > len(shown):
        lines.append(
            f"<p>{len(verdict.findings)} in all; the CSV beside this page has them all.</p>"
        )
    return "\n".join(lines)
