"""Where the table lies in a file: preamble, headings, blank and totals rows, rows of odd length."""

import csv
import io

import pytest

from gateway.intake.findings import finding
from gateway.intake.reading import open_table

HEAD = ["Reference number", "Gender", "Date of birth", "Case information"]
ROW = ["SCN0001", "Male", "01/02/2010", "text"]


@pytest.fixture(params=["csv", "xlsx"])
def make(request, xlsx):
    """Each case both as a text file and as a workbook."""

    def text(rows):
        stream = io.StringIO(newline="")
        csv.writer(stream).writerows(rows)
        return stream.getvalue().encode()

    return text if request.param == "csv" else xlsx


def test_headings_alone(read, make):
    reading = read(make([HEAD]))
    assert reading.headings == tuple(HEAD)
    assert reading.rows == {}
    assert reading.codes == []


def test_headings_are_folded_and_synonyms_count(read, make):
    reading = read(make([[" REF  NO ", "gender", "Date-of-Birth", "Anything"], ROW]))
    assert reading.headings == ("REF  NO", "gender", "Date-of-Birth", "Anything")


def test_known_columns_to_drop_count_as_headings(read, make):
    reading = read(make([["Child’s full name", "Gender", "Other", "More"], ROW]))
    assert reading.headings[0] == "Child’s full name"


def test_preamble_and_blank_lines_above(read, make):
    reading = read(make([["Extract of March"], [], ["Gender", "of", "children"], [], HEAD, ROW]))
    assert reading.rows == {6: tuple(ROW)}
    assert reading.queries == [finding("file.preamble", count=2)]


def test_blank_lines_above_are_no_preamble(read, make):
    reading = read(make([[""], [""], HEAD, ROW]))
    assert reading.rows == {4: tuple(ROW)}
    assert reading.codes == []


def test_the_row_that_recognises_most_is_the_heading_row(read, make):
    reading = read(make([["Gender", "Date of birth", "Case information"], HEAD, ROW]))
    assert list(reading.rows) == [3]
    assert reading.queries == [finding("file.preamble", count=1)]


@pytest.mark.parametrize(
    "rows",
    [
        [ROW],
        [["Gender"], ["Male"]],
        [["Gender", "Date of birth", "a", "b", "c"], ROW],
        [["text"]] * 50 + [HEAD, ROW],
    ],
)
def test_no_headings(refusal, make, rows):
    assert refusal(make(rows)) == ["file.no-headings"]


def test_the_fiftieth_row_may_still_be_the_headings(read, make):
    assert list(read(make([["text"]] * 49 + [HEAD, ROW])).rows) == [51]


def test_two_of_a_few_headings_are_enough(read, make):
    assert read(make([["Gender", "Date of birth", "x"], ["Male", "", "y"]])).rows


def test_blank_rows_are_passed_over(read, make):
    reading = read(make([HEAD, [""], ROW, ["", " ", "", ""], ROW, [""]]))
    assert list(reading.rows) == [3, 5]
    assert reading.codes == []


def test_the_headings_again(read, make):
    again = [" Reference number", *HEAD[1:]]
    reading = read(make([HEAD, HEAD, ROW, again, ROW, [*HEAD[:3], "Case"]]))
    assert list(reading.rows) == [3, 5, 6]
    assert reading.queries == [
        finding("file.headings-repeated", count=2),
        finding("file.headings-repeated", count=4),
    ]


def test_many_repeats_of_the_headings_are_not_told_one_by_one(read, make):
    reading = read(make([HEAD] * 40))
    assert reading.codes == ["file.headings-repeated"] * 20


@pytest.mark.parametrize(
    "row", [["Total", "", "", "12"], ["", "TOTALS:", "", "12"], ["", "", "grand  total", ""]]
)
def test_totals_rows(read, make, row):
    reading = read(make([HEAD, ROW, row]))
    assert list(reading.rows) == [2]
    assert reading.queries == [finding("file.totals", count=1)]


@pytest.mark.parametrize(
    "row", [["Totally", "", "", ""], ["SCN0001", "Total", "", ""], ["T1", "", "", "Total"]]
)
def test_rows_that_are_no_totals(read, make, row):
    assert read(make([HEAD, row])).rows


def test_a_totals_word_beside_a_reference_is_a_row(read, make):
    heads = ["Gender", "Reference number", "Date of birth"]
    reading = read(make([heads, ["Total", "SCN0001", ""], ["Total", "", "9"]]))
    assert list(reading.rows) == [2]


def test_totals_without_a_reference_column(read, make):
    heads = ["Gender", "Date of birth", "Case information"]
    assert read(make([heads, ["Total", "", "9"]])).rows == {}


def test_a_blank_heading_heads_no_column_and_trailing_ones_are_none(read, make):
    reading = read(make([[*HEAD[:2], "", *HEAD[2:], "", ""], ["A1", "Male", "lost", "", "text"]]))
    assert reading.headings == ("Reference number", "Gender", "", *HEAD[2:])
    assert reading.values == [("A1", "Male", "lost", None, "text")]
    assert reading.codes == []


def test_cells_beyond_the_headings(read, make):
    rows = [HEAD, [*ROW, "", " "], [*ROW, "", "more"], ROW]
    reading = read(make(rows))
    assert list(reading.rows) == [2, 3, 4]
    assert reading.row_findings == [finding("row.long", row=3)]


def test_a_short_record_is_padded_and_told(read):
    data = b"Reference number,Gender,Date of birth,Case information\r\nA1,Male\r\nB2,Male,,x\r\n"
    reading = read(data)
    assert reading.rows == {2: ("A1", "Male", None, None), 3: ("B2", "Male", None, "x")}
    assert reading.row_findings == [finding("row.short", row=2)]


SHORT = "Reference number,Gender,Date of birth,Case information\r\nA1,Male,,x\r\nB2,Ma"
MARKS = {"utf-8": b"", "utf-8-sig": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@pytest.mark.parametrize("codec", MARKS)
def test_a_short_last_record_without_a_line_end_was_cut(read, codec):
    reading = read(MARKS[codec] + SHORT.encode(codec))
    assert reading.rows[3] == ("B2", "Ma", None, None)
    assert reading.row_findings == [finding("row.cut-short", row=3)]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\n\n", "\n  \n"])
@pytest.mark.parametrize("codec", MARKS)
def test_a_short_last_record_with_its_line_end_is_short(read, codec, end):
    reading = read(MARKS[codec] + (SHORT + end).encode(codec))
    assert reading.row_findings == [finding("row.short", row=3)]


def test_a_whole_last_record_needs_no_line_end(read):
    assert read((SHORT + "le,,y").encode()).codes == []


def test_only_the_last_record_can_be_cut(read):
    totals = SHORT.replace("B2,Ma", "B2\r\nTotal,2")
    assert read(totals.encode()).codes == ["file.totals", "row.short"]


@pytest.mark.parametrize("records", [63, 64, 65, 127, 128, 129])
def test_the_last_record_is_known_wherever_a_batch_ends(read, records):
    lines = ["Reference number,Gender,Date of birth,Case information"]
    lines += [f"A{number},Male,," for number in range(2, records)]
    reading = read("\n".join([*lines, "Z9,Ma"]).encode(), size=1)
    assert reading.row_findings == [finding("row.cut-short", row=records)]
    assert len(reading.rows) == records - 1


def test_a_short_row_of_a_sheet_is_no_fault(read, xlsx):
    assert read(xlsx([HEAD, ["A1", "Male"]])).codes == []
    assert read(xlsx([HEAD, ["A1", "Male"]])).values == [("A1", "Male", None, None)]


def test_too_many_columns(refusal, read, make):
    wide = [*HEAD, *[f"Column {number}" for number in range(997)]]
    assert refusal(make([wide])) == ["file.too-wide"]
    assert read(make([wide[:-1], ROW])).rows


def test_batches_hold_every_row_once(read, make):
    rows = [[f"A{number}", "Male", "", "text"] for number in range(1000)]
    reading = read(make([HEAD, *rows]), size=100)
    assert [values[0] for values in reading.values] == [row[0] for row in rows]
    assert reading.batches > 5


def test_only_wanted_columns_are_built(small_book, make):
    table = open_table(io.BytesIO(make([HEAD, ROW])), small_book())
    (batch,) = table.batches([3, 0])
    assert batch.frame.columns == ["row", "c3", "c0"]
    assert batch.frame.rows() == [(2, "text", "SCN0001")]
    assert str(batch.frame.schema["row"]) == "UInt32"
    assert table.rows == 1
