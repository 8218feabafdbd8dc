"""The blank workbook for senders, as a second program reads it."""

import re
import zipfile
from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from gateway.agreement.load import Agreed
from gateway.agreement.model import RuleBook
from gateway.agreement.template import template
from gateway.intake.reading import open_table

FLOWS = ("notifications", "scr-updates")


@pytest.fixture(params=FLOWS)
def book(request: pytest.FixtureRequest, memorandum: Agreed) -> RuleBook:
    return memorandum.rule_book(request.param)


@pytest.fixture
def workbook(book: RuleBook) -> Workbook:
    return load_workbook(BytesIO(template(book)))


def validations(workbook: Workbook) -> dict[str, DataValidation]:
    found = {}
    for rule in workbook["Extract"].data_validations.dataValidation:
        found[re.sub(r"[0-9].*", "", str(rule.sqref))] = rule
    return found


def test_the_headings_are_exactly_those_agreed(workbook: Workbook, book: RuleBook) -> None:
    sheet = workbook.worksheets[0]
    assert [cell.value for cell in sheet[1]] == [field.heading for field in book.flow.fields]
    assert sheet.max_row == 1
    assert sheet.freeze_panes == "A2"


def test_every_sheet_is_visible_and_nothing_is_hidden(workbook: Workbook) -> None:
    assert workbook.sheetnames == ["Extract", "Notes", "Lists"]
    for sheet in workbook.worksheets:
        assert sheet.sheet_state == "visible"
        assert not any(size.hidden for size in sheet.column_dimensions.values())
        assert not any(size.hidden for size in sheet.row_dimensions.values())


def test_widths_and_formats(workbook: Workbook, book: RuleBook) -> None:
    columns = workbook["Extract"].column_dimensions
    for number, field in enumerate(book.flow.fields, start=1):
        column = next(c for c in columns.values() if c.min <= number <= c.max)
        assert int(column.width) == field.width
        assert column.number_format == ("dd/mm/yyyy" if field.kind == "date" else "@")


def test_coded_columns_have_drop_down_lists(workbook: Workbook, book: RuleBook) -> None:
    rules = validations(workbook)
    for number, field in enumerate(book.flow.fields, start=1):
        rule = rules[get_column_letter(number)]
        assert str(rule.sqref).endswith("1048576")
        assert not rule.showErrorMessage or rule.type is None  # a code or a synonym is right too
        if field.list:
            assert rule.type == "list"
            cells = workbook["Lists"][str(rule.formula1).removeprefix("Lists!").replace("$", "")]
            labels = list(dict.fromkeys(c.label for c in book.lists[field.list].codes))
            assert [cell.value for (cell,) in cells] == labels
        elif field.kind == "yes-no":
            assert rule.formula1 == '"Yes,No"'
        elif field.kind == "yes-no-unknown":
            assert rule.formula1 == '"Yes,No,Not known"'
        else:
            assert rule.type != "list"


def test_every_column_has_its_note(workbook: Workbook, book: RuleBook) -> None:
    rules = validations(workbook)
    notes = {row[0]: row[1] for row in workbook["Notes"].iter_rows(values_only=True)}
    for number, field in enumerate(book.flow.fields, start=1):
        rule = rules[get_column_letter(number)]
        assert rule.prompt == field.note
        assert len(rule.prompt) <= 255
        assert len(rule.promptTitle) <= 32
        assert notes[field.heading] == ("Required. " if field.required else "") + field.note


def test_no_row_of_the_other_sheets_reads_like_headings(workbook: Workbook, book: RuleBook) -> None:
    headings = {heading for field in book.flow.fields for heading in (field.heading, *field.also)}
    for name in ("Notes", "Lists"):
        for row in workbook[name].iter_rows(values_only=True):
            assert len(headings.intersection(str(cell) for cell in row)) <= 1


def test_the_same_rule_book_gives_the_same_bytes(book: RuleBook) -> None:
    assert template(book) == template(book)


def test_nothing_tells_who_made_it_where_or_when(book: RuleBook) -> None:
    with zipfile.ZipFile(BytesIO(template(book))) as parts:
        assert {info.date_time[:3] for info in parts.infolist()} == {(1980, 1, 1)}
        names = set(parts.namelist())
        core = parts.read("docProps/core.xml").decode()
    assert not [name for name in names if "comment" in name.lower() or "drawing" in name.lower()]
    assert "<dc:creator></dc:creator>" in core
    assert "<cp:lastModifiedBy></cp:lastModifiedBy>" in core
    assert set(re.findall(r"\d{4}-\d\d-\d\d", core)) == {"1980-01-01"}


def test_a_field_without_a_note_says_what_it_takes(memorandum: Agreed) -> None:
    book = memorandum.rule_book("scr-updates")
    fields = tuple(field.model_copy(update={"note": ""}) for field in book.flow.fields)
    plain = book.model_copy(update={"flow": book.flow.model_copy(update={"fields": fields})})
    rule = validations(load_workbook(BytesIO(template(plain))))["A"]
    assert rule.prompt == "A reference."


def test_intake_reads_a_blank_template_as_headings_without_rows(book: RuleBook) -> None:
    table = open_table(BytesIO(template(book)), book)
    assert table.sheet == "Extract"
    assert table.headings == tuple(field.heading for field in book.flow.fields)
    assert not list(table.batches(range(len(table.headings))))
    assert {found.severity for found in [*table.findings, *table.closing_findings()]} == {"query"}
