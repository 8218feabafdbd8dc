"""Every fault that a drop can have: a stable code, and words that never quote a cell.

A finding crosses from the confined reader as code, place and count alone; its words are made here,
in the worker, so that nothing a hostile file makes the reader say can reach a page (design §5).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "query"]
Scope = Literal["file", "row", "door"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where it is and what to do, by code. Rows count from 1, as the sheet shows them."""

    code: str
    severity: Severity
    row: int | None = None
    column: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class FindingKind:
    """What a code means. ``message`` and ``fix`` may use ``{column}`` and ``{count}`` alone.

    Scope ``file`` errors quarantine the drop; ``row`` errors hold the row; ``door`` refusals leave
    the file where it lies.
    """

    code: str
    scope: Scope
    severity: Severity
    message: str
    fix: str


def _kind(code: str, scope: Scope, severity: Severity, message: str, fix: str) -> FindingKind:
    return FindingKind(code, scope, severity, message, fix)


_KINDS = (
    # --- at the door: the file is not taken, and stays where it is -------------------------------
    _kind("door.symlink", "door", "error", "This is a link to another file, not a file.",
          "Copy the file itself into the folder."),
    _kind("door.not-a-file", "door", "error", "This is not an ordinary file.",
          "Remove it and copy an ordinary CSV or XLSX file into the folder."),
    _kind("door.hard-link", "door", "error", "This file has more than one name on the disk, so it could change after it is read.",
          "Copy the file into the folder instead of linking it."),
    _kind("door.owner", "door", "error", "This file belongs to a user who may not drop files here.",
          "Drop it as a user that the gateway's settings allow."),
    _kind("door.too-large", "door", "error", "This file is larger than the flow allows.",
          "Split the extract, or ask the administrator what size is allowed."),
    _kind("door.unknown-folder", "door", "error", "Files lie in a folder that belongs to no flow of any agreement.",
          "Move them to inbox/<party>/<flow>/ of a flow that the agreement names."),
    _kind("door.unreadable", "door", "error", "The gateway may not read this file.",
          "Give the gateway's user the right to read and move it."),
    # --- the file as a whole -----------------------------------------------------------------------
    _kind("file.empty", "file", "error", "The file is empty.",
          "Export the extract again. For a day with no notifications, send the headings alone."),
    _kind("file.unknown-format", "file", "error", "The file is neither a CSV nor an XLSX workbook, whatever its name says.",
          "Save the extract as CSV (UTF-8) or as an Excel workbook (.xlsx)."),
    _kind("file.format-not-agreed", "file", "error", "The agreement does not take this kind of file for this flow.",
          "Save the extract in a format that the agreement names."),
    _kind("file.encrypted", "file", "error", "The workbook is protected by a password.",
          "Save it without a password: the gateway protects what it sends."),
    _kind("file.legacy-workbook", "file", "error", "The file is in the old Excel format (.xls).",
          "Save it as an Excel workbook (.xlsx)."),
    _kind("file.macros", "file", "error", "The workbook holds macros.",
          "Save it as an Excel workbook without macros (.xlsx)."),
    _kind("file.damaged", "file", "error", "The file could not be read as the kind of file that it is.",
          "Open it, save it anew and drop it again."),
    _kind("file.unsafe-xml", "file", "error", "The workbook holds XML that could make a reader fetch or expand something (a DTD, or an unusual encoding).",
          "Open it in a spreadsheet program, save it as .xlsx and drop it again."),
    _kind("file.zip-bomb", "file", "error", "The workbook unpacks to far more than its size.",
          "Save the extract anew; if it really is that large, send it as CSV."),
    _kind("file.unsafe-zip", "file", "error", "The workbook's parts are not put together as a workbook's should be.",
          "Open it in a spreadsheet program, save it as .xlsx and drop it again."),
    _kind("file.encoding", "file", "error", "The text is in an encoding that cannot be told without a doubt.",
          "Save the file as CSV UTF-8."),
    _kind("file.nul-bytes", "file", "error", "The text holds NUL bytes, which no CSV file should.",
          "Export the extract again as CSV UTF-8."),
    _kind("file.quotes", "file", "error", "A quoted cell is not closed, or goes on after its closing quote.",
          "Export the extract again; double every quotation mark inside a quoted cell."),
    _kind("file.no-headings", "file", "error", "No row was recognised as the heading row.",
          "Put the agreed headings in one row above the data (see `gateway template`)."),
    _kind("file.two-tables", "file", "error", "Two sheets both hold the agreed headings.",
          "Leave one sheet with the extract and remove the other."),
    _kind("file.cut-short", "file", "error", "The file breaks off in its heading row, before all agreed headings: it was cut while it was written.",
          "Export the extract again and drop the whole file. For a day with no notifications, end the line of headings."),
    _kind("file.heading-twice", "file", "error", "{column} stands twice among the headings.",
          "Remove or rename one of the two columns."),
    _kind("file.heading-missing", "file", "error", "The required column {column} is missing.",
          "Add the column with its agreed heading."),
    _kind("file.hidden-sheet-refused", "file", "error", "The workbook has {count} hidden sheets.",
          "Unhide or remove them: what cannot be seen cannot be checked by the person who sends it."),
    _kind("file.hidden-refused", "file", "error", "The sheet has {count} hidden rows or columns.",
          "Unhide or remove them: what cannot be seen cannot be checked by the person who sends it."),
    _kind("file.external-links-refused", "file", "error", "The workbook has links to other files.",
          "Break the links (Data, Edit links) and save it again."),
    _kind("file.pivot-refused", "file", "error", "The workbook has a pivot table, which keeps a hidden copy of its data.",
          "Copy the extract as values into a new workbook."),
    _kind("file.too-wide", "file", "error", "The heading row has more than {count} columns.",
          "Remove the columns that are not part of the extract."),
    _kind("file.over-limit", "file", "error", "Reading the file took more time or memory than is allowed.",
          "Split the extract into smaller files, or send it as CSV."),
    _kind("file.reader-failed", "file", "error", "The confined reader stopped without an answer, so nothing of the file was taken.",
          "Save the file anew and drop it again; tell the administrator if it happens twice."),
    _kind("file.rows-refused", "file", "error", "Some rows have errors, and this flow refuses such a drop whole.",
          "Correct the rows listed and drop the whole file again."),
    # --- oddities of the file: taken, and reported ---------------------------------------------------
    _kind("file.preamble", "file", "query", "{count} lines above the headings were passed over.",
          "Nothing, if they are a title. Otherwise check that the headings are in the right row."),
    _kind("file.windows-1252", "file", "query", "The text was read as windows-1252, not UTF-8.",
          "Save as CSV UTF-8, so that names with accents cannot be mistaken."),
    _kind("file.hidden-sheet-reported", "file", "query", "The workbook has {count} hidden sheets. They were not read.",
          "Remove them before the next extract."),
    _kind("file.hidden-reported", "file", "query", "The sheet has {count} hidden rows or columns.",
          "Unhide or remove them before the next extract."),
    _kind("file.external-links", "file", "query", "The workbook has links to other files. They were not followed.",
          "Break the links before the next extract."),
    _kind("file.pivot", "file", "query", "The workbook has a pivot table. It was not read.",
          "Send the extract as plain values."),
    _kind("file.comments", "file", "query", "The workbook has comments or drawings. They were not read.",
          "Remove them before the next extract."),
    _kind("file.embedded-objects", "file", "query", "The workbook has embedded objects or controls, which can hold whole documents. They were not read.",
          "Remove them before the next extract."),
    _kind("file.custom-xml", "file", "query", "The workbook keeps data of other programs (custom XML). It was not read.",
          "Let Document Inspector remove it (File, Info, Check for Issues) before the next extract."),
    _kind("file.change-history", "file", "query", "The workbook keeps a history of its changes, with values that were replaced. It was not read.",
          "Stop sharing the workbook, or copy the extract as values into a new one."),
    _kind("file.defined-names", "file", "query", "{count} defined names hold values of their own. They were not read.",
          "Delete them (Formulas, Name Manager) before the next extract."),
    _kind("file.unlisted-sheets", "file", "query", "{count} sheets lie in the file that the workbook does not list, left over by a program. They were not read.",
          "Copy the extract as values into a new workbook."),
    _kind("file.properties", "file", "query", "{count} document properties hold what somebody typed there, such as comments or keywords. They did not travel.",
          "Nothing. To leave them out, let Document Inspector remove them (File, Info, Check for Issues)."),
    _kind("file.other-sheets", "file", "query", "{count} other sheets were passed over.",
          "Send one sheet alone."),
    _kind("file.headings-repeated", "file", "query", "The heading row stands again in row {count} and was passed over.",
          "Remove the second heading row."),
    _kind("file.totals", "file", "query", "{count} totals rows were passed over.",
          "Remove totals rows before the next extract."),
    _kind("file.columns-dropped", "file", "query", "Columns dropped because the agreement does not list them: {count}.",
          "Nothing: they did not travel. Leave them out if you can."),
    # --- rows ----------------------------------------------------------------------------------------
    _kind("row.short", "row", "query", "The row has fewer cells than there are headings; the rest were taken as blank.",
          "Check that no cell is missing in the middle of the row."),
    _kind("row.cut-short", "row", "error", "The file breaks off in the middle of this row, its last: it was cut while it was written.",
          "Export the extract again and drop the whole file."),
    _kind("row.long", "row", "error", "The row has cells beyond the last heading.",
          "Remove the extra cells, or quote cells that hold the separator."),
    _kind("row.repeated", "row", "query", "The row is the same as an earlier one in this file; one is kept.",
          "Remove the repeat."),
    _kind("row.already-sent", "row", "query", "The row was sent before and has not changed since; it does not travel again.",
          "Nothing: it is on record."),
    _kind("row.reference-conflict", "row", "error", "The same reference stands in another row of this file with different content.",
          "Keep the right row, or give the other its own reference."),
    # --- cells ---------------------------------------------------------------------------------------
    _kind("cell.required", "row", "error", "{column} is blank, and is required.", "Fill it in."),
    _kind("cell.too-long", "row", "error", "{column} is longer than {count} characters.", "Shorten it."),
    _kind("cell.control-character", "row", "error", "{column} holds a character that cannot be seen or printed.",
          "Type the cell's text anew."),
    _kind("cell.error-value", "row", "error", "{column} holds a spreadsheet error such as a failed formula.",
          "Correct the formula, or type the value."),
    _kind("cell.date-in-wrong-place", "row", "error", "{column} is a date cell, where no date belongs.",
          "Format the cell as text and type the value as it should read."),
    _kind("reference.malformed", "row", "error", "{column} is not in the agreed form.",
          "Use letters, digits and - / _ . only, with at least one digit."),
    _kind("code.unknown", "row", "error", "{column} holds a value that is not in the agreed list.",
          "Use a label or code of the list."),
    _kind("code.not-in-being", "row", "error", "{column} holds a code that was not in being on the dates of this row.",
          "Use the code that was in force then, or correct the date."),
    _kind("code.ambiguous", "row", "error", "{column} holds a value that means more than one code of the list.",
          "Use the code instead of the name."),
    _kind("code.alone", "row", "error", "{column} says none, beside another value.",
          "Keep either the one or the others."),
    _kind("code.other-too-long", "row", "error", "The text after Other in {column} is longer than {count} characters.",
          "Shorten it."),
    _kind("yes-no.unknown", "row", "error", "{column} is not a yes or a no that the agreement takes.",
          "Write Yes or No (or Not known, where the column allows it)."),
    _kind("initials.full-name", "row", "error", "{column} looks like a name, not initials.",
          "Write initials only, such as A.B."),
    _kind("initials.malformed", "row", "error", "{column} is not initials.",
          "Write one to five letters, such as AB or A.B."),
    _kind("date.unknown-form", "row", "error", "{column} is not a date in a form that the agreement takes.",
          "Write it as DD/MM/YYYY or YYYY-MM-DD."),
    _kind("date.impossible", "row", "error", "{column} is a day that does not exist.",
          "Check the day and the month. The day comes first."),
    _kind("date.two-digit-year", "row", "error", "{column} has a year of two digits.",
          "Write the year with four digits."),
    _kind("date.month-first", "row", "error", "{column} seems to have the month before the day.",
          "Write the day first: DD/MM/YYYY."),
    _kind("date.number", "row", "error", "{column} is a bare number where a date belongs.",
          "Format the cell as a date, or write it as DD/MM/YYYY."),
    _kind("date.time", "row", "error", "{column} has a time of day, and only a date is agreed.",
          "Remove the time."),
    _kind("date.future", "row", "error", "{column} is after today.", "Correct the date."),
    _kind("age.malformed", "row", "error", "{column} is not an age in whole years.",
          "Write whole years, such as 12, or `unborn` or `under 1`, without words such as years."),
    _kind("age.out-of-range", "row", "error", "{column} is outside the ages that the agreement takes.",
          "Check the age and the dates."),
    # --- across cells ----------------------------------------------------------------------------------
    _kind("rule.not-before", "row", "error", "{column} is before the date that it must follow.",
          "Correct one of the two dates."),
    _kind("rule.late", "row", "query", "{column} is more working days after the incident than is usual.",
          "Nothing if it is right; otherwise correct the date."),
    _kind("rule.born-after", "row", "error", "{column} is after the incident, and the child is not given as unborn.",
          "Correct the date, or write `unborn` in Age."),
    _kind("rule.one-of", "row", "error", "{column} is blank, and so are the columns that could stand for it.",
          "Fill in one of them."),
    _kind("rule.only-when", "row", "error", "{column} is filled in, but the rest of the row says that it cannot apply.",
          "Clear it, or correct the column that it depends on."),
    _kind("rule.out-of-order", "row", "query", "{column} is earlier than a step that comes before it.",
          "Check the order of the dates."),
    _kind("rule.age-differs", "row", "query", "{column} differs from the age that the dates give.",
          "Check the age, the date of birth and the date of incident."),
    _kind("reconcile.unknown-reference", "row", "query", "{column} is not a reference that was sent to you.",
          "Check the reference. The row travels all the same."),
    # --- screening of kept text ----------------------------------------------------------------------------
    _kind("screen.name", "row", "error", "{column} holds a person's name from a column that must not travel.",
          "Remove the name from the text."),
    _kind("screen.value", "row", "error", "{column} holds a value from a column that must not travel.",
          "Remove it from the text."),
    _kind("screen.nhs-number", "row", "error", "{column} holds an NHS number.", "Remove it from the text."),
    _kind("screen.upn", "row", "error", "{column} holds a unique pupil number.", "Remove it from the text."),
    _kind("screen.nino", "row", "error", "{column} holds a National Insurance number.", "Remove it from the text."),
    _kind("screen.postcode", "row", "error", "{column} holds a postcode.", "Remove it from the text."),
    _kind("screen.phone", "row", "error", "{column} holds a telephone number.", "Remove it from the text."),
    _kind("screen.email", "row", "error", "{column} holds an e-mail address.", "Remove it from the text."),
    # --- the drop beside others ------------------------------------------------------------------------------
    _kind("drop.duplicate", "file", "query", "This is the very same file as an earlier drop; nothing in it is taken again.",
          "Nothing, if it was dropped twice by mistake. Otherwise export the extract again."),
)  # fmt: skip

KINDS: dict[str, FindingKind] = {kind.code: kind for kind in _KINDS}


def finding(
    code: str,
    row: int | None = None,
    column: str | None = None,
    count: int | None = None,
    severity: Severity | None = None,
) -> Finding:
    """A finding of a known code; the agreement may give a cross-field rule its own severity."""
    return Finding(code, severity or KINDS[code].severity, row, column, count)


def words(item: Finding, advice: Callable[[str], str] | None = None) -> tuple[str, str]:
    """Message and fix in plain English. ``advice(column)`` may add what the agreement takes there."""
    kind = KINDS[item.code]
    column = item.column or "A column"
    count = "some" if item.count is None else str(item.count)
    message = kind.message.format(column=column, count=count)
    fix = kind.fix.format(column=column, count=count)
    extra = advice(item.column) if advice and item.column else ""
    return message, f"{fix} {extra}".strip()
