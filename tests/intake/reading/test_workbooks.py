"""Workbooks: what cells read as, what is hidden, what else a workbook carries."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from gateway.intake.findings import finding

HEAD = ["Reference number", "Gender", "Date of birth", "Case information"]
ROW = ["SCN0001", "Male", dt.date(2010, 2, 1), "text"]
READ = ("SCN0001", "Male", "\x012010-02-01", "text")
SHEET = "xl/worksheets/sheet1.xml"
TYPES = "[Content_Types].xml"


def _replacing(old, new):
    """A change of a part's XML that must take place."""

    def change(xml):
        assert old in xml
        return xml.replace(old, new)

    return change


# --- cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (201, None, "201"),
        (-3, None, "-3"),
        (0, None, "0"),
        (-0.0, None, "0"),
        (0.1, None, "0.1"),
        (12345678901234, None, "12345678901234"),
        (1e300, None, "1e+300"),
        (0.5, "0%", "0.5"),
        (42000, "[Red]0", "42000"),
        (42000, '"day "0', "42000"),
        (True, None, "true"),
        (False, None, "false"),
        ("  text ", None, "  text "),
        ("=not a formula", None, "=not a formula"),
        ("line\none", None, "line\none"),
        ("   ", None, None),
        (dt.date(2010, 2, 1), "dd/mm/yyyy", "\x012010-02-01"),
        (dt.datetime(2010, 2, 1, 13, 45, 6), "dd/mm/yyyy hh:mm", "\x012010-02-01T13:45:06"),
        (dt.datetime(2010, 2, 1, 23, 59, 59, 999600), "dd/mm/yyyy", "\x012010-02-02"),
        (dt.time(3, 4, 5), "hh:mm:ss", "03:04:05"),
        (dt.timedelta(hours=30, minutes=1), "[h]:mm:ss", "30:01:00"),
        (60, "yyyy-mm-dd", "\x011900-02-28"),
    ],
)
def test_what_a_cell_reads_as(read, xlsx, value, form, text):
    def shape(workbook, sheet):
        style = workbook.add_format({"num_format": form}) if form else None
        if isinstance(value, str):
            sheet.write_string(1, 3, value, style)
        else:
            sheet.write(1, 3, value, style)

    assert read(xlsx([HEAD, ROW[:3]], shape)).values == [(*READ[:3], text)]


def test_the_calendar_of_1904(read, xlsx):
    assert read(xlsx([HEAD, ROW], date_1904=True)).values == [READ]


def test_a_negative_duration_reads_as_one(read, xlsx, rezip):
    def shape(workbook, sheet):
        sheet.write_number(1, 3, 1.25, workbook.add_format({"num_format": "[h]:mm:ss"}))

    data = rezip(xlsx([HEAD, ROW[:3]], shape), {SHEET: _replacing(b"1.25", b"-1.25")})
    assert read(data).values[0][3] == "-30:00:00"


def test_dates_written_as_iso_text(read, xlsx, rezip):
    data = xlsx([HEAD, [*ROW[:3], 7]])
    iso = _replacing(b'<c r="D2"><v>7</v>', b'<c r="D2" t="d"><v>2010-02-01</v>')
    assert read(rezip(data, {SHEET: iso})).values == [(*READ[:3], "\x012010-02-01")]


def test_formulas_read_as_their_saved_result(read, xlsx, rezip):
    def shape(_, sheet):
        sheet.write_formula(1, 3, "=UPPER(A1)", None, "a result")
        sheet.write_formula(2, 3, "=1+1", None, 2)
        sheet.write_formula(3, 3, '=""', None, "")

    data = xlsx([HEAD, ["A1"], ["A2"], ["A3"]], shape)
    empty = _replacing(b'<c r="D4">', b'<c r="D4" t="str">')  # as Excel writes an empty text
    values = read(rezip(data, {SHEET: empty})).values
    assert [row[3] for row in values] == ["a result", "2", None]


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!"])
def test_error_cells_are_marked(read, xlsx, error):
    def shape(_, sheet):
        sheet.write_formula(1, 3, "=NA()", None, error)

    assert read(xlsx([HEAD, ROW[:3]], shape)).values == [(*READ[:3], "\x02")]


def test_formulas_saved_without_their_result_are_marked(read):
    """A program that computes nothing writes such: read as blank they would lose what they say."""
    workbook, stream = openpyxl.Workbook(), io.BytesIO()
    for row in [HEAD, ["A1", "Male", None, "=1+1"], [], ["=B2", "=B2", "=B2", "=B2"]]:
        workbook.active.append(row)
    workbook.save(stream)
    assert read(stream.getvalue()).rows == {
        2: ("A1", "Male", None, "\x02"),
        4: ("\x02",) * 4,
    }


def test_text_cannot_forge_the_readers_marks(read, xlsx):
    values = ["\x012020-01-01", "\x02", "a\x00b\x1fc\x7f", "tab\t line\n"]
    assert read(xlsx([HEAD, values])).values == [
        ("\x032020-01-01", "\x03", "a\x03b\x03c\x03", "tab\t line\n")
    ]
    mixed = read(xlsx([HEAD, [1, 2, 3, "\x02"], values])).values
    assert mixed[1][:2] == ("\x032020-01-01", "\x03")


def test_merged_cells_read_as_their_first(read, xlsx):
    def shape(_, sheet):
        sheet.merge_range(1, 3, 2, 3, "both")

    assert [row[3] for row in read(xlsx([HEAD, ["A1"], ["A2"]], shape)).values] == ["both", None]


@pytest.mark.parametrize("at", [(0, 0), (3, 0), (0, 2), (5, 27)])
def test_rows_and_columns_are_the_sheets_own(read, xlsx, at):
    def shape(_, sheet):
        sheet.write_formula(at[0] + 2, at[1] + 3, "=NA()", None, "#N/A")

    reading = read(xlsx([HEAD, ROW, ["A2", "Male"]], shape, at=at))
    assert reading.headings == ("",) * at[1] + tuple(HEAD)
    blank = (None,) * at[1]
    assert reading.rows == {
        at[0] + 2: (*blank, *READ),
        at[0] + 3: (*blank, "A2", "Male", None, "\x02"),
    }
    assert reading.codes == []
    assert reading.sheet == "Extract"


def test_a_totals_row_and_repeated_headings_beside_an_empty_column(read, xlsx):
    reading = read(xlsx([HEAD, ROW, HEAD, ["Total", "", "", 9]], at=(0, 1)))
    assert list(reading.rows) == [2]
    assert reading.codes == ["file.headings-repeated", "file.totals"]


def test_many_columns_are_read(read, xlsx):
    wide = [*HEAD, *[f"Column {number}" for number in range(300)]]
    rows = [wide, [f"v{number}" for number in range(304)]]
    assert read(xlsx(rows)).values[0][-1] == "v303"


# --- what is hidden ----------------------------------------------------------------------------


def _hide_row(_, sheet):
    sheet.set_row(1, None, None, {"hidden": True})


def _flat_row(_, sheet):
    sheet.set_row(1, 0)


def _hide_columns(_, sheet):
    sheet.set_column(1, 2, None, None, {"hidden": True})


def _flat_column(_, sheet):
    sheet.set_column(1, 1, 0)


def _hide_sheet(workbook, _):
    workbook.add_worksheet("Other").hide()


def _deep_sheet(workbook, _):
    workbook.add_worksheet("Other").very_hidden()


def _filter(_, sheet):
    sheet.autofilter(0, 0, 1, 3)
    sheet.filter_column(0, "x == no")
    sheet.set_row(1, options={"hidden": True})


HIDING = [
    (_hide_row, "file.hidden", 1),
    (_flat_row, "file.hidden", 1),
    (_hide_columns, "file.hidden", 2),
    (_flat_column, "file.hidden", 1),
    (_hide_sheet, "file.hidden-sheet", 1),
    (_deep_sheet, "file.hidden-sheet", 1),
    (_filter, "file.hidden", 1),
]


@pytest.mark.parametrize(("shape", "code", "count"), HIDING)
def test_hidden_things_are_refused_or_reported(read, refusal, xlsx, shape, code, count):
    data = xlsx([HEAD, ROW], shape)
    assert refusal(data) == [f"{code}-refused"]
    reading = read(data, hidden="report")
    assert reading.queries == [finding(f"{code}-reported", count=count)]
    assert reading.values == [READ]


def test_hidden_sheets_and_hidden_rows_are_told_apart(refusal, xlsx):
    def shape(workbook, sheet):
        _hide_sheet(workbook, sheet)
        _hide_row(workbook, sheet)

    told = refusal(xlsx([HEAD, ROW], shape))
    assert told == ["file.hidden-sheet-refused", "file.hidden-refused"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="2" spans="1:4">', b"<row spans='1:4' hidden = 'true' >"),
        (b'<row r="2" spans="1:4">', b'<row r="2" x="a>b" hidden="&#49;">'),
        (b'<row r="2" spans="1:4">', b'<row r="2" ht="0.00">'),
        (b"<sheetData>", b'<cols><col min="2" max="2" hidden="1"/></cols><sheetData>'),
        (b"<sheetData>", b'<cols><col min="4" max="16384" width="0"></col></cols><sheetData>'),
    ],
)
def test_hidden_however_it_is_written(read, xlsx, rezip, old, new):
    data = rezip(xlsx([HEAD, ROW]), {SHEET: _replacing(old, new)})
    assert read(data, hidden="report").queries == [finding("file.hidden-reported", count=1)]


def test_hidden_by_a_default_width_of_nothing(read, xlsx, rezip):
    default = _replacing(b"<sheetFormatPr ", b'<sheetFormatPr defaultColWidth="0" ')
    reading = read(rezip(xlsx([HEAD, ROW]), {SHEET: default}), hidden="report")
    assert reading.queries == [finding("file.hidden-reported", count=4)]


def test_hidden_rows_and_failed_cells_under_a_prefix(read, xlsx, rezip):
    def prefixed(xml):
        xml = xml.replace(b'<row r="2"', b'<row r="2" hidden="1"')
        xml = xml.replace(b"<c r=", b"<c s='0' r=").replace(b"</", b"</x:").replace(b"<", b"<x:")
        xml = xml.replace(b"<x:/x:", b"</x:").replace(b"<x:?xml", b"<?xml")
        return xml.replace(b"xmlns=", b"xmlns:x=")

    def shape(_, sheet):
        sheet.write_formula(1, 3, "=NA()", None, "#N/A")

    reading = read(rezip(xlsx([HEAD, ROW], shape), {SHEET: prefixed}), hidden="report")
    assert reading.values == [(*READ[:3], "\x02")]
    assert reading.codes == ["file.hidden-reported"]


def test_what_is_hidden_beyond_the_table_hides_nothing(read, xlsx):
    def shape(_, sheet):
        sheet.set_column(4, 16383, None, None, {"hidden": True})
        sheet.set_row(500, None, None, {"hidden": True})

    assert read(xlsx([HEAD, ROW], shape)).codes == []


def test_hidden_rows_of_another_sheet_do_not_count(read, xlsx):
    def shape(workbook, _):
        other = workbook.add_worksheet("Notes")
        other.write_string(0, 0, "note")
        other.set_row(0, None, None, {"hidden": True})

    assert read(xlsx([HEAD, ROW], shape)).codes == ["file.other-sheets"]


def test_cells_without_places_are_counted_from_the_left(read, xlsx, rezip):
    def bare(xml):
        for place in (b"A2", b"B2", b"C2", b"D2"):
            xml = xml.replace(b' r="' + place + b'"', b"")
        return xml.replace(b'<row r="2" spans="1:4">', b"<row>")

    def shape(_, sheet):
        sheet.write_formula(1, 3, "=NA()", None, "#N/A")

    assert read(rezip(xlsx([HEAD, ROW], shape), {SHEET: bare})).values == [(*READ[:3], "\x02")]


def test_a_cell_of_a_megabyte_is_read(read, xlsx, rezip):
    """Stored, or it would unpack too far for its size; larger than a block of the scan."""
    big = b'<c r="D2" t="inlineStr"><is><t>' + b"x" * 5_000_000 + b"</t></is></c>"
    change = _replacing(b'<c r="D2"><v>7</v></c>', big)
    data = rezip(xlsx([HEAD, [*ROW[:3], 7]]), {SHEET: change}, zipfile.ZIP_STORED)
    assert len(read(data).values[0][3]) == 5_000_000


def test_a_tag_without_end(refusal, xlsx, rezip):
    change = {SHEET: b"<worksheet><sheetData><row " + b"x" * 33_000_000}
    assert refusal(rezip(xlsx([HEAD]), change, zipfile.ZIP_STORED)) == ["file.damaged"]


# --- sheets ------------------------------------------------------------------------------------


def test_other_sheets_are_reported(read, xlsx):
    def shape(workbook, sheet):
        chart = workbook.add_chart({"type": "line"})
        chart.add_series({"values": f"={sheet.name}!$A$2:$A$3"})
        workbook.add_worksheet("Notes").write_string(0, 0, "a note")
        workbook.add_worksheet("Empty")
        workbook.add_chartsheet("Chart").set_chart(chart)

    reading = read(xlsx([HEAD, ROW], shape))
    assert reading.queries == [finding("file.comments"), finding("file.other-sheets", count=3)]


def test_the_table_may_be_on_any_sheet(read, xlsx):
    def shape(workbook, _):
        sheet = workbook.add_worksheet("Data <&> é")
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ROW)

    reading = read(xlsx([["Cover"]], shape))
    assert reading.sheet == "Data <&> é"
    assert reading.values == [READ]


def test_two_tables(refusal, xlsx):
    def shape(workbook, _):
        workbook.add_worksheet("Second").write_row(0, 0, HEAD)

    assert refusal(xlsx([HEAD, ROW], shape)) == ["file.two-tables"]


def test_a_sheet_of_code_lists_is_no_second_table(read, xlsx):
    def shape(workbook, _):
        workbook.add_worksheet("Lists").write_row(0, 0, HEAD[1:])

    assert read(xlsx([HEAD, ROW], shape)).queries == [finding("file.other-sheets", count=1)]


def test_two_tables_without_references(refusal, xlsx):
    def shape(workbook, _):
        workbook.add_worksheet("Second").write_row(0, 0, HEAD[1:])

    assert refusal(xlsx([HEAD[1:]], shape)) == ["file.two-tables"]


def test_an_empty_workbook(refusal, xlsx):
    assert refusal(xlsx([])) == ["file.no-headings"]


# --- what else a workbook carries --------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"xl/vbaProject.bin": b"\xcc\x61"},
        {"xl/macrosheets/sheet1.xml": b"<a/>"},
        {
            TYPES: _replacing(
                b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            )
        },
    ],
)
def test_macros(refusal, xlsx, rezip, changes):
    assert refusal(rezip(xlsx([HEAD, ROW]), changes)) == ["file.macros"]


def test_links_to_other_files(read, refusal, xlsx, rezip):
    data = rezip(xlsx([HEAD, ROW]), {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"})
    assert read(data).codes == ["file.external-links"]
    assert refusal(data, external_links="refuse") == ["file.external-links-refused"]


def test_pivot_caches(read, refusal, xlsx, rezip):
    data = rezip(xlsx([HEAD, ROW]), {"xl/pivotCache/pivotCacheDefinition1.xml": b"<a/>"})
    assert refusal(data) == ["file.pivot-refused"]
    assert read(data, pivot_caches="report").codes == ["file.pivot"]


def test_every_refusal_of_the_policy_is_told_at_once(refusal, xlsx, rezip):
    links = {"xl/externalLinks/a.xml": b"<a/>", "xl/pivotCache/b.xml": b"<b/>"}
    assert refusal(rezip(xlsx([HEAD, ROW]), links), external_links="refuse") == [
        "file.external-links-refused",
        "file.pivot-refused",
    ]


def test_comments_and_pictures_are_told(read, xlsx):
    def shape(_, sheet):
        sheet.write_comment("A1", "a comment")

    assert read(xlsx([HEAD, ROW], shape)).codes == ["file.comments"]


# --- workbooks put together wrongly ------------------------------------------------------------

BOOK, RELATIONS, ROOT = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels"
STRINGS = "xl/sharedStrings.xml"
DOCUMENT = (
    b'<Relationship Id="again" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    b'relationships/officeDocument" Target="xl/other.xml"/></Relationships>'
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({ROOT: None}, "file.damaged"),
        ({ROOT: _replacing(b"</Relationships>", DOCUMENT)}, "file.unsafe-zip"),
        ({ROOT: _replacing(b'"xl/workbook.xml"', b'"y/workbook.xml"')}, "file.unsafe-zip"),
        ({ROOT: _replacing(b'Id="rId2"', b'Id="rId1"')}, "file.unsafe-zip"),
        ({BOOK: b"<workbook"}, "file.damaged"),
        ({BOOK: b"<workbook/>"}, "file.damaged"),
        ({BOOK: _replacing(b"<sheet ", b"<sheet/><sheet ")}, "file.damaged"),
        ({RELATIONS: None}, "file.damaged"),
        ({RELATIONS: _replacing(b"sheet1.xml", b"sheet9.xml")}, "file.damaged"),
        ({RELATIONS: b"<Relationships/>"}, "file.damaged"),
        ({RELATIONS: _replacing(b"worksheets/sheet1", b"../xl/worksheets/sheet1")}, "file.damaged"),
        ({STRINGS: _replacing(b'uniqueCount="7"', b'uniqueCount="99999999"')}, "file.damaged"),
        (
            {STRINGS: _replacing(b'uniqueCount="7"', b"uniqueCount = '9999999999999'")},
            "file.damaged",
        ),
        ({SHEET: b"<worksheet><sheetData>"}, "file.damaged"),
        ({SHEET: _replacing(b'<c r="A2" t="s">', b'<c r="A2" t="s"><v>99</v>')}, "file.damaged"),
        ({BOOK: b"<a>" + bytes(range(65, 90)) * 400_000 + b"</a>"}, "file.zip-bomb"),
    ],
)
def test_a_workbook_put_together_wrongly(refusal, xlsx, rezip, changes, code):
    assert refusal(rezip(xlsx([HEAD, ROW]), changes)) == [code]


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("/xl/sheets/first.bin", "xl/sheets/first.bin"),
        ("sheets/first.bin", "xl/sheets/first.bin"),
        ("xl/worksheets/sheet1.xml", "xl/xl/worksheets/sheet1.xml"),
        ("/WORKSHEETS/sheet1.xml", "worksheets/sheet1.xml"),
    ],
)
def test_the_sheet_that_is_judged_is_the_one_that_is_read(read, refusal, xlsx, rezip, target, part):
    """Wherever its relation leads, with another sheet where one might look instead."""
    good = xlsx([HEAD, ROW])
    sheet = zipfile.ZipFile(io.BytesIO(good)).read(SHEET)
    decoy = {RELATIONS: _replacing(b"worksheets/sheet1.xml", target.encode()), SHEET: b"<decoy/>"}
    assert read(rezip(good, {**decoy, part: sheet})).values == [READ]
    unsafe = sheet.replace(b"<worksheet", b"<!DOCTYPE worksheet><worksheet")
    assert refusal(rezip(good, {**decoy, part: unsafe})) == ["file.unsafe-xml"]
    hidden = sheet.replace(b'<row r="2"', b'<row r="2" hidden="1"')
    assert refusal(rezip(good, {**decoy, part: hidden})) == ["file.hidden-refused"]


def test_a_rectangle_too_large_to_hold(refusal, xlsx):
    """Two far cells would make the parser allocate everything between them."""

    def shape(_, sheet):
        sheet.write_string(1_000_000, 0, "x")
        sheet.write_string(2, 2000, "x")

    assert refusal(xlsx([HEAD, ROW], shape)) == ["file.over-limit"]


def test_empty_formatted_cells_far_away_are_no_harm(read, xlsx):
    def shape(workbook, sheet):
        bold = workbook.add_format({"bold": True})
        sheet.write_blank(1_000_000, 0, None, bold)
        sheet.write_blank(2, 9000, None, bold)
        sheet.write_blank(1, 300, None, bold)

    assert read(xlsx([HEAD, ROW], shape)).values == [READ]
