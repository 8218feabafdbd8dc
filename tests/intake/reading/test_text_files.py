"""Comma, semicolon and tab separated text, its line ends, quotes and odd characters."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

HEAD = ("Reference number", "Gender", "Date of birth", "Case information")
CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def _text(rows, separator=",", end="\r\n", quoting=csv.QUOTE_MINIMAL):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return stream.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("codec", CODECS[:5])
def test_every_separator_line_end_and_encoding(read, separator, end, codec):
    rows = [HEAD, ("SCN0001", "Male", "01/02/2010", "Zoë; said, “no”\tthen\nleft")]
    data = MARKS.get(codec, b"") + _text(rows, separator, end).encode(codec)
    reading = read(data)
    assert reading.headings == HEAD
    assert reading.rows == {2: rows[1]}
    assert reading.codes == []
    assert reading.sheet is None


def test_mixed_line_ends(read):
    data = b"Reference number,Gender,Date of birth\rA1,Male,\nB2,Female,\r\nC3,Male,"
    assert list(read(data).rows) == [2, 3, 4]


def test_windows_1252_is_read_and_told(read):
    data = _text([HEAD, ("SCN0001", "Male", "", "Zoë’s café – £5")]).encode("cp1252")
    reading = read(data)
    assert reading.values == [("SCN0001", "Male", None, "Zoë’s café – £5")]
    assert reading.codes == ["file.windows-1252"]


def test_the_separator_is_the_one_that_recognises_headings(read):
    """Narrative full of commas in a file parted by semicolons."""
    rows = [HEAD, ("SCN0001", "Male", "", "a,b,c,d,e,f,g,h,i,j,k")]
    assert read(_text(rows, ";").encode()).values == [("SCN0001", "Male", None, rows[1][3])]
    hinted = read(b"sep=;\r\n" + _text(rows, ";").encode())
    assert hinted.codes == ["file.preamble"]
    assert list(hinted.rows) == [3]


def test_nul_bytes(refusal):
    data = _text([HEAD, ("SCN0001", "Male", "", "text")]).encode()
    assert refusal(data.replace(b"text", b"te\0xt")) == ["file.nul-bytes"]
    assert refusal(data + b"\0" * 40) == ["file.nul-bytes"]
    wide = _text([HEAD, ("SCN0001", "Male", "", "te\0xt")]).encode("utf-16")
    assert refusal(wide) == ["file.nul-bytes"]


@pytest.mark.parametrize(
    "row",
    [
        b'A1,"Male"x,,text',
        b'A1,Male,,"never closed\r\nB2,Female,,more',
        b'A1,Male,,"half "quoted" cell"',
    ],
)
def test_quotes_that_are_not_closed_or_go_on(refusal, row):
    head = ",".join(HEAD).encode()
    assert refusal(head + b"\r\n" + row) == ["file.quotes"]
    assert refusal(row + b"\r\n" + head) == ["file.quotes"]


def test_a_file_of_well_quoted_cells_without_headings_has_no_fault_of_quotes(refusal):
    assert refusal(b'"one","two"\r\n"1","2"\r\n') == ["file.no-headings"]


def test_quotes_are_judged_to_the_last_row(refusal):
    rows = [HEAD, *[(f"A{number}", "Male", "", "text") for number in range(2000)]]
    assert refusal(_text(rows).encode() + b'B1,"Male') == ["file.quotes"]


def test_a_cell_of_a_megabyte_is_read(read):
    rows = [HEAD, ("SCN0001", "Male", "", "x" * 1_100_000), ("SCN0002", "Male", "", "y")]
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        assert read(_text(rows, quoting=quoting).encode()).values[0][3] == "x" * 1_100_000


def test_long_cells_make_small_batches(read):
    rows = [HEAD, *[(f"A{n}", "Male", "", "x" * 100_000) for n in range(400)]]
    reading = read(_text(rows).encode())
    assert len(reading.rows) == 400
    assert reading.batches > 1


def test_a_line_without_end_is_no_table(refusal):
    head = _text([HEAD]).encode()
    assert refusal(head + b"x" * 9_500_000) == ["file.damaged"]


def test_a_quoted_cell_without_end(refusal):
    head = _text([HEAD]).encode()
    assert refusal(head + b'A1,Male,,"' + (b"x" * 9_999 + b"\n") * 1_700) == ["file.quotes"]


def test_control_characters_are_marked(read):
    """So that nothing in a text file can pass for the reader's own marks."""
    rows = [HEAD, ("SCN\x010001", "\x02", "\x012020-01-02", "bell\x07 del\x7f tab\t line\n")]
    for codec in ("utf-8", "utf-16"):
        values = read(_text(rows).encode(codec)).values
        assert values == [
            ("SCN\x030001", "\x03", "\x032020-01-02", "bell\x03 del\x03 tab\t line\n")
        ]


def test_separators_of_unicode_are_text(read):
    strange = "a\u2028b\u0085c\u2029d"
    assert read(_text([HEAD, ("A1", "Male", "", strange)]).encode()).values[0][3] == strange


cells = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0\ufeff").filter(
        lambda c: (ord(c) >= 32 and c != "\x7f") or c in "\t\r\n"
    ),
    max_size=12,
)
latin = st.text("abcdefgh XYZ,;\t\n\"'0123-/.", max_size=12)


@given(
    table=st.data(),
    separator=st.sampled_from([",", ";", "\t"]),
    codec=st.sampled_from(CODECS),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_any_table_reads_back_as_written(read, table, separator, codec, end):
    kind = latin if codec == "cp1252" else cells
    # The first cell keeps a row from being blank, a totals row or the headings again.
    rows = table.draw(st.lists(st.tuples(kind, kind, kind), max_size=6))
    rows = [(f"R{number}", *row) for number, row in enumerate(rows)]
    # Python's writer leaves a lone CR or LF unquoted where it is not the line's own end.
    text = _text([HEAD, *rows], separator, end, csv.QUOTE_ALL if len(end) == 1 else 0)
    data = MARKS.get(codec, b"") + text.encode(codec)
    expected = [tuple(cell if cell.strip() else None for cell in row) for row in rows]
    reading = read(data)
    assert reading.values == expected
    assert reading.headings == HEAD
    assert set(reading.codes) <= {"file.windows-1252"}
