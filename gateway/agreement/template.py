"""A blank workbook for senders: the agreed headings, drop-down lists, notes and date columns.

The same rule book always gives the same bytes; no author, clock or path goes in. The guidance
stands in messages beside the cells and on a sheet of notes, not in comments, which intake would
report; the sheets of notes and lists are visible, since intake refuses hidden ones.
"""

import textwrap
from datetime import datetime
from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from gateway.agreement.explain_flow import KINDS
from gateway.agreement.model import CodeList, FieldSpec, RuleBook

LAST_ROW = 1_048_575  # counted from 0: the last row of a sheet
MESSAGE_LENGTH, TITLE_LENGTH = 255, 32  # what a spreadsheet program allows
LINE_HEIGHT = 15  # points
TEXT_FORMAT, DATE_FORMAT = "@", "dd/mm/yyyy"
ANSWERS = {"yes-no": ["Yes", "No"], "yes-no-unknown": ["Yes", "No", "Not known"]}


def template(book: RuleBook) -> bytes:
    """The blank XLSX workbook of a flow."""
    stream = BytesIO()
    workbook = xlsxwriter.Workbook(stream, {"in_memory": True})
    workbook.set_properties({"title": book.flow.title, "created": datetime(1980, 1, 1)})
    bold = workbook.add_format(
        {"bold": True, "text_wrap": True, "valign": "top", "num_format": TEXT_FORMAT}
    )
    text = workbook.add_format({"num_format": TEXT_FORMAT})
    day = workbook.add_format({"num_format": DATE_FORMAT})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet = workbook.add_worksheet("Extract")
    notes = workbook.add_worksheet("Notes")
    lists = workbook.add_worksheet("Lists")
    ranges = _write_lists(lists, book, bold)
    for column, spec in enumerate(book.flow.fields):
        sheet.set_column(column, column, spec.width, day if spec.kind == "date" else text)
        sheet.write_string(0, column, spec.heading, bold)
        sheet.data_validation(1, column, LAST_ROW, column, _validation(spec, ranges))
    sheet.set_row(0, LINE_HEIGHT * max(_lines(spec) for spec in book.flow.fields))
    sheet.freeze_panes(1, 0)
    _write_notes(notes, book, bold, wrapped)
    workbook.close()
    return stream.getvalue()


def _lines(spec: FieldSpec) -> int:
    """Lines that a heading takes in its column; bold letters are wider than plain ones."""
    return len(textwrap.wrap(spec.heading, max(spec.width - 3, 4)))


def labels_of(code_list: CodeList) -> list[str]:
    """The labels of a list, each once, in its order."""
    return list(dict.fromkeys(code.label for code in code_list.codes))


def _write_lists(sheet: Worksheet, book: RuleBook, bold: Format) -> dict[str, str]:
    """A column of labels for each list; answers the range of each. No row reads like headings."""
    ranges = {}
    for column, name in enumerate(sorted(book.lists)):
        labels = labels_of(book.lists[name])
        sheet.set_column(column, column, 30)
        sheet.write_string(0, column, f"List: {name}", bold)
        sheet.write_column(1, column, labels)
        letter = xl_col_to_name(column)
        ranges[name] = f"=Lists!${letter}$2:${letter}${len(labels) + 1}"
    sheet.freeze_panes(1, 0)
    return ranges


def _validation(spec: FieldSpec, ranges: dict[str, str]) -> dict[str, object]:
    """A drop-down where there is one, and the note beside the cell. Intake judges, not this."""
    message = textwrap.shorten(spec.note or f"{KINDS[spec.kind].capitalize()}.", MESSAGE_LENGTH)
    rule: dict[str, object] = {
        "validate": "any",
        "input_title": textwrap.shorten(spec.heading, TITLE_LENGTH, placeholder="…"),
        "input_message": message,
    }
    choices = ranges.get(spec.list or "") or ANSWERS.get(spec.kind)
    if choices:
        # Codes, synonyms, `Other: text` and several values are right too, so nothing is barred.
        rule |= {"validate": "list", "source": choices, "show_error": False}
    return rule


def _write_notes(sheet: Worksheet, book: RuleBook, bold: Format, wrapped: Format) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 80)
    sheet.write_string(0, 0, book.flow.title, bold)
    sheet.write_string(1, 0, "How to fill in", bold)
    sheet.write_string(
        1,
        1,
        "One row for each reference, on the first sheet, under the headings as they stand. "
        "Part several values with a semicolon. For a day with nothing to send, leave the rows "
        "blank. Other columns do not travel.",
        wrapped,
    )
    for row, spec in enumerate(book.flow.fields, start=3):
        need = "Required. " if spec.required else ""
        sheet.write_string(row, 0, spec.heading, wrapped)
        sheet.write_string(row, 1, f"{need}{spec.note}", wrapped)
