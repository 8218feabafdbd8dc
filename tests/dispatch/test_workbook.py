"""The workbook: same rows, same bytes; true dates; text that stays text; read back and compared."""

import os
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import python_calamine
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.agreement.model import FieldSpec
from gateway.dispatch import sheetrows
from gateway.dispatch.sheetrows import UnwritableCell, WorkbookTooLarge
from gateway.dispatch.workbook import (
    WorkbookMismatch,
    compare,
    headings_and_rows,
    read_back,
    write_workbook,
)

Fields = tuple[FieldSpec, ...]
SHEET = "xl/worksheets/sheet1.xml"
ROWS = (
    ("SCN0001", "2017-03-01", "=1+1", "0012", "http://example.org/a"),
    ("SCN0002", "", "@SUM(A1)", "", "two\nlines"),
    ("SCN0003", "2016-02-29", "+1", "-1", "mailto:a@example.org"),
)
TRAPS = (
    "=1+1", "+1", "-1", "@x", "0012", "1E5", "12/05/2017", "TRUE", "#N/A", "'quoted",
    "http://example.org", "mailto:a@example.org", "internal:Sheet1!A1", "=HYPERLINK(\"x\")",
    "{=1}", "  spaces  ", "a\tb", "a\nb", "<b>&amp;</b>", "]]>", "_x0041_", "_x005F_x0041_",
    "😀", "\u00a0", "é\u0085", "\x7f", "_x_", "&", "_xZZZZ_",
)  # fmt: skip


def written(folder: Path, fields: Fields, rows: Sequence[Sequence[str]], name: str = "a") -> Path:
    path = folder / f"{name}.xlsx"
    assert write_workbook(path, fields, iter(rows), "Notifications") == len(rows)
    return path


def altered(path: Path, change: Callable[[str], str], member: str = SHEET) -> Path:
    """The same workbook with one member changed."""
    target = path.with_name("altered.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == member:
                assert change(content.decode()) != content.decode()
                content = change(content.decode()).encode()
            new.writestr(name, content)
    return target


# --- the same bytes ------------------------------------------------------------------------------


def test_the_same_rows_make_the_same_bytes_at_any_time_and_in_any_zone(
    tmp_path: Path, fields: Fields, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No clock, zone, user or path goes in."""
    first = written(tmp_path, fields, ROWS).read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    try:
        monkeypatch.setenv("TZ", "Pacific/Apia")
        monkeypatch.setenv("USER", "somebody-else")
        time.tzset()
        with time_machine.travel(datetime(2031, 7, 8, 9, 10), tick=False):
            second = written(elsewhere, fields, ROWS, "b").read_bytes()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert first == second


def test_other_rows_make_other_bytes(tmp_path: Path, fields: Fields) -> None:
    """The order of rows counts."""
    first = written(tmp_path, fields, ROWS, "a").read_bytes()
    assert written(tmp_path, fields, ROWS[::-1], "b").read_bytes() != first


def test_nothing_tells_of_author_company_machine_or_time(tmp_path: Path, fields: Fields) -> None:
    """What a workbook usually tells of who made it is absent."""
    path = written(tmp_path, fields, ROWS)
    about = openpyxl.load_workbook(path).properties
    assert (
        about.creator,
        about.lastModifiedBy,
        about.company if hasattr(about, "company") else None,
    ) == (None, None, None)
    assert about.created == about.modified == datetime(1980, 1, 1)
    with zipfile.ZipFile(path) as book:
        assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        everything = b"".join(book.read(name) for name in book.namelist())
        assert b"<Company></Company>" in everything
        assert not any(
            re.search("external|comment|vba|drawing|printer", n) for n in book.namelist()
        )
    for telling in (str(tmp_path), os.environ.get("USER") or "no-such-user-name"):
        assert telling.encode() not in everything


def test_only_its_owner_can_read_it_and_nothing_is_overwritten(
    tmp_path: Path, fields: Fields
) -> None:
    """0600 from the first byte; a file that is there stays."""
    path = written(tmp_path, fields, ROWS)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_workbook(path, fields, iter(ROWS), "Notifications")


# --- what a spreadsheet program sees -------------------------------------------------------------


def test_headings_are_frozen_bold_filtered_and_as_wide_as_agreed(
    tmp_path: Path, fields: Fields
) -> None:
    """What the eye meets."""
    sheet = openpyxl.load_workbook(written(tmp_path, fields, ROWS)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == [spec.heading for spec in fields]
    assert all(cell.font.b and cell.number_format == "@" for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E4"
    assert sheet.title == "Notifications"
    widths = [sheet.column_dimensions[letter].width for letter in "ABCDE"]
    assert [int(width) for width in widths] == [spec.width for spec in fields]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Notifications", "Notifications"),
        ("Reviews: 2017/18 [all]*?", "Reviews  2017 18  all"),
        ("'quoted'", "quoted"),
        ("", "Data"),
        ("x" * 40, "x" * 31),
    ],
)
def test_any_title_makes_a_sheet_name(
    tmp_path: Path, fields: Fields, title: str, name: str
) -> None:
    """Excel allows 31 characters, and not all."""
    path = tmp_path / "a.xlsx"
    write_workbook(path, fields, iter(ROWS), title)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [name]
    assert (book.properties.title or "") == title


def test_dates_are_true_dates_with_a_british_format(tmp_path: Path, fields: Fields) -> None:
    """Sorting and filtering by date works."""
    sheet = openpyxl.load_workbook(written(tmp_path, fields, ROWS)).active
    assert sheet is not None
    cell = sheet["B2"]
    assert (cell.is_date, cell.number_format) == (True, "dd/mm/yyyy")
    assert cell.value == datetime(2017, 3, 1)
    assert sheet["B3"].value is None


@pytest.mark.parametrize(
    ("staged", "seen"),
    [
        ("1900-03-01", datetime(1900, 3, 1)),
        ("9999-12-31", datetime(9999, 12, 31)),
        ("2016-02-29", datetime(2016, 2, 29)),
        ("1900-02-28", "1900-02-28"),
        ("1899-12-31", "1899-12-31"),
    ],
)
def test_days_that_excel_cannot_count_are_text(
    tmp_path: Path, fields: Fields, staged: str, seen: object
) -> None:
    """Excel believes in a 29 February 1900, so days before it would shift by one."""
    path = written(tmp_path, fields, [("SCN1", staged, "", "", "")])
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet["B2"].value == seen
    assert next(read_back(path, fields))[1] == staged


@pytest.mark.parametrize("trap", TRAPS)
def test_text_is_never_a_formula_a_link_or_a_number(
    tmp_path: Path, fields: Fields, trap: str
) -> None:
    """As two other readers see it, and as our own does."""
    rows = [("SCN1", "", trap, trap, "x")]
    path = written(tmp_path, fields, rows)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    for place in ("C2", "D2"):
        cell = sheet[place]
        assert (cell.data_type, cell.number_format, cell.hyperlink) == ("inlineStr", "@", None) or (
            cell.data_type,
            cell.number_format,
            cell.hyperlink,
        ) == ("s", "@", None)
        if "_x" not in trap:  # openpyxl leaves Excel's own escape in inline strings as it is
            assert cell.value == trap
    calamine = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert calamine[1][2] == trap
    compare(path, fields, rows)
    assert list(read_back(path, fields)) == rows


def test_line_breaks_become_line_feeds(tmp_path: Path, fields: Fields) -> None:
    """As a spreadsheet keeps them; comparing takes them as the same."""
    rows = [("SCN1", "", "a\r\nb\rc\nd", "", "x")]
    path = written(tmp_path, fields, rows)
    compare(path, fields, rows)
    assert next(read_back(path, fields))[2] == "a\nb\nc\nd"


def test_no_rows_make_a_sheet_of_headings(tmp_path: Path, fields: Fields) -> None:
    """As a nil return has it."""
    path = written(tmp_path, fields, [])
    compare(path, fields, [])
    assert headings_and_rows(path) == (tuple(spec.heading for spec in fields), 0)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.max_row == 1


def test_many_rows_read_the_same_by_others(tmp_path: Path, fields: Fields) -> None:
    """More rows than one block, and than one chunk of the reader."""
    rows = [
        (f"SCN{n:05}", f"20{n % 90 + 10}-01-{n % 28 + 1:02}", "x" * 90, str(n), "")
        for n in range(2_345)
    ]
    path = written(tmp_path, fields, rows)
    compare(path, fields, rows)
    assert headings_and_rows(path)[1] == 2_345
    seen = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert len(seen) == 2_346
    assert seen[2_345][:2] == ["SCN02344", date.fromisoformat(rows[-1][1])]


_CELLS = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\r\x0b\x0c\ufffe\uffff", exclude_categories=("Cc", "Cs")
    )
    | st.sampled_from("\t\n_x0123ABCDEF;&<>'\""),
    max_size=40,
)
_DAYS = st.just("") | st.dates(date(1900, 3, 1)).map(date.isoformat)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(st.just("R1"), _DAYS, _CELLS, _CELLS, _CELLS), max_size=6))
def test_whatever_is_written_reads_back(
    tmp_path: Path, fields: Fields, rows: list[tuple[str, ...]]
) -> None:
    """By our own reader, and by calamine."""
    path = tmp_path / "any.xlsx"
    path.unlink(missing_ok=True)
    write_workbook(path, fields, iter(rows), "Any")
    compare(path, fields, rows)
    assert list(read_back(path, fields)) == rows
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    seen = [[c.isoformat() if isinstance(c, date) else c for c in row] for row in sheet.to_python()]
    assert [tuple(row) for row in seen[1:]] == rows


# --- what cannot be written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "heading"),
    [
        (("R1", "", "canary\ufffe", "", ""), "Local authority contact"),
        (("R1", "", "", "canary\x01", ""), "Age"),
        (("R1", "", "", "", "canary" * 6_000), "Child's case: what happened"),
        (("R1", "", "", "", "😀" * 16_384), "Child's case: what happened"),
        (("R1", "canary", "", "", ""), "Date of incident"),
        (("R1", "20170301", "", "", ""), "Date of incident"),
        (("R1", "2017-W09-3", "", "", ""), "Date of incident"),
    ],
)
def test_a_value_that_no_workbook_holds_is_refused_by_its_place(
    tmp_path: Path, fields: Fields, row: tuple[str, ...], heading: str
) -> None:
    """Row and column are named, the value never."""
    with pytest.raises(UnwritableCell) as caught:
        write_workbook(tmp_path / "a.xlsx", fields, [ROWS[0], row], "Notifications")
    assert (caught.value.row, caught.value.column) == (3, heading)
    for value in filter(None, row):
        assert value not in str(caught.value)


def test_the_longest_cell_is_written(tmp_path: Path, fields: Fields) -> None:
    """32,767 characters, as Excel allows."""
    rows = [("R1", "", "x" * 32_767, "", "")]
    compare(written(tmp_path, fields, rows), fields, rows)


def test_a_row_of_another_width_is_refused(tmp_path: Path, fields: Fields) -> None:
    """A row that lacks a cell would shift the others."""
    with pytest.raises(ValueError, match="Row 2 has 4 cells, not 5"):
        write_workbook(tmp_path / "a.xlsx", fields, [ROWS[0][:4]], "Notifications")


@pytest.mark.parametrize("limit", ["MAXIMUM_ROWS", "MAXIMUM_SHEET"])
def test_more_than_a_sheet_holds_is_refused(
    tmp_path: Path, fields: Fields, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """With the limits lowered, since the real ones take minutes to reach."""
    monkeypatch.setattr(sheetrows, limit, 2)
    with pytest.raises(WorkbookTooLarge, match="at most"):
        write_workbook(tmp_path / "a.xlsx", fields, iter(ROWS), "Notifications")


# --- what does not read back ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "row", "column"),
    [
        ([*ROWS[:2], ("SCN0003", "2016-02-28", "+1", "-1", ROWS[2][4])], 4, "Date of incident"),
        (
            [ROWS[0], ("SCN0002", "", "@SUM(A2)", "", "two\nlines"), ROWS[2]],
            3,
            "Local authority contact",
        ),
        (ROWS[:2], 4, None),
        ([*ROWS, ROWS[0]], 5, None),
        ([ROWS[0][:4], *ROWS[1:]], 2, None),
    ],
)
def test_a_difference_is_named_by_its_place(
    tmp_path: Path, fields: Fields, rows: list[tuple[str, ...]], row: int, column: str | None
) -> None:
    """And no value with it."""
    path = written(tmp_path, fields, ROWS)
    with pytest.raises(WorkbookMismatch) as caught:
        compare(path, fields, rows)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert "SCN" not in str(caught.value)


def test_other_headings_are_a_mismatch(tmp_path: Path, fields: Fields) -> None:
    """Fewer, more, or in another order."""
    path = written(tmp_path, fields, ROWS)
    for others in (fields[:4], (*fields, fields[0]), fields[::-1]):
        with pytest.raises(WorkbookMismatch) as caught:
            compare(path, others, ROWS)
        assert caught.value.row == 1


def test_a_date_in_a_text_column_is_a_mismatch(tmp_path: Path, fields: Fields) -> None:
    """The kinds of cells count, not only what they show."""
    path = written(tmp_path, fields, ROWS)
    as_text = tuple(spec.model_copy(update={"kind": "text"}) for spec in fields)
    with pytest.raises(WorkbookMismatch) as caught:
        list(read_back(path, as_text))
    assert (caught.value.row, caught.value.column) == (2, "Date of incident")


CELL = '<c r="C2" s="1" t="inlineStr"><is><t xml:space="preserve">=1+1</t></is></c>'
NOT_OURS: dict[str, Callable[[str], str]] = {
    "formula": lambda x: x.replace(CELL, '<c r="C2" s="1"><f>1+1</f><v>2</v></c>'),
    "number": lambda x: x.replace(CELL, '<c r="C2" s="1"><v>2</v></c>'),
    "text styled as a number": lambda x: x.replace(CELL, CELL.replace('s="1"', 's="0"')),
    "unknown style": lambda x: x.replace(CELL, CELL.replace('s="1"', 's="77"')),
    "rich text": lambda x: x.replace("=1+1", "=1</t><t>+1"),
    "unknown entity": lambda x: x.replace("=1+1", "&nbsp;"),
    "bare ampersand": lambda x: x.replace("=1+1", "a&b"),
    "unknown column": lambda x: x.replace('"C2"', '"Z2"'),
    "cell of another row": lambda x: x.replace('"C2"', '"C9"'),
    "row out of order": lambda x: x.replace('<row r="3">', '<row r="5">'),
    "something between cells": lambda x: x.replace(CELL, CELL + " "),
    "hidden row": lambda x: x.replace('<row r="3">', '<row r="3" hidden="1">'),
    "hyperlinks": lambda x: x.replace("<pageMargins", "<hyperlinks/><pageMargins"),
    "merged cells": lambda x: x.replace("</sheetData>", "</sheetData><mergeCells/>"),
    "document type": lambda x: x.replace("<worksheet", "<!DOCTYPE a><worksheet", 1),
    "cut short": lambda x: x[: x.index("</sheetData>")],
    "cut in a row": lambda x: x[: x.index(CELL)],
    "no rows element": lambda x: x.replace("<sheetData>", "<sheetdata>"),
    "text after the end": lambda x: x + "more",
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_OURS)
def test_a_sheet_that_holds_anything_else_does_not_read(
    tmp_path: Path, fields: Fields, name: str
) -> None:
    """The grammar is the whole of what a sheet of ours may hold."""
    path = altered(written(tmp_path, fields, ROWS), NOT_OURS[name])
    with pytest.raises(WorkbookMismatch):
        compare(path, fields, ROWS)


def test_another_programs_workbook_or_no_workbook_does_not_read(
    tmp_path: Path, fields: Fields
) -> None:
    """A second sheet, another writer, a file cut short, no zip at all, nothing there."""
    foreign = tmp_path / "foreign.xlsx"
    openpyxl.Workbook().save(foreign)
    good = written(tmp_path, fields, ROWS)
    cut, text = tmp_path / "cut.xlsx", tmp_path / "text.xlsx"
    cut.write_bytes(good.read_bytes()[:-400])
    text.write_text("not a workbook")
    two = tmp_path / "two.xlsx"
    two.write_bytes(good.read_bytes())
    with zipfile.ZipFile(two, "a") as book:
        book.writestr("xl/worksheets/sheet2.xml", "")
    for path in (foreign, cut, text, two, tmp_path / "absent.xlsx"):
        with pytest.raises(WorkbookMismatch):
            headings_and_rows(path)


def test_a_damaged_byte_does_not_read_as_the_same(tmp_path: Path, fields: Fields) -> None:
    """Flips within the compressed sheet are caught by its checksum."""
    good = written(tmp_path, fields, ROWS)
    with zipfile.ZipFile(good) as book:
        start = book.getinfo(SHEET).header_offset + 80
    content = good.read_bytes()
    for at in range(start, start + 200, 20):
        bad = tmp_path / "bad.xlsx"
        bad.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(WorkbookMismatch):
            compare(bad, fields, ROWS)
