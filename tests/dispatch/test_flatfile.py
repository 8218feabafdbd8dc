"""The CSV copy: plain RFC 4180, and inert in a spreadsheet program."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.agreement.model import FieldSpec
from gateway.dispatch.flatfile import compare_csv, csv_headings_and_rows, write_csv
from gateway.dispatch.reread import WorkbookMismatch

Fields = tuple[FieldSpec, ...]
ROWS = [("R1", "2017-03-01", "=1+1", "0012", 'a "quoted", text'), ("R2", "", "'s", "", "a\nb")]


def test_it_is_utf_8_with_a_mark_crlf_and_iso_dates(tmp_path: Path, fields: Fields) -> None:
    """The exact bytes, so that whoever loads it knows."""
    path = tmp_path / "data.csv"
    assert write_csv(path, fields, [("R1", "2017-03-01", "é", "0012", "a,b")]) == 1
    assert (
        path.read_bytes()
        == (
            "\ufeffReference number,Date of incident,Local authority contact,Age,"
            "Child's case: what happened\r\n"
            'R1,2017-03-01,é,0012,"a,b"\r\n'
        ).encode()
    )
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\n", "\r", "'", "＝", "＋", "－", "＠"]
)
def test_a_cell_that_would_act_gets_one_apostrophe(
    tmp_path: Path, fields: Fields, start: str
) -> None:
    """And who takes one leading apostrophe off has the value back."""
    rows = [("R1", "", f"{start}1", "", "")]
    path = tmp_path / "data.csv"
    write_csv(path, fields, rows)
    with path.open(encoding="utf-8-sig", newline="") as text:
        cell = list(csv.reader(text))[1][2]
    assert cell == "'" + f"{start}1".replace("\r", "\n")
    compare_csv(path, fields, rows)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS, _CELLS, _CELLS), max_size=5))
def test_whatever_is_written_reads_back(
    tmp_path: Path, fields: Fields, rows: list[tuple[str, ...]]
) -> None:
    """Any text at all."""
    path = tmp_path / "any.csv"
    path.unlink(missing_ok=True)
    write_csv(path, fields, rows)
    compare_csv(path, fields, rows)


def test_a_difference_is_named_by_its_row(tmp_path: Path, fields: Fields) -> None:
    """And no value with it."""
    path = tmp_path / "data.csv"
    write_csv(path, fields, ROWS)
    for rows, row in ((ROWS[:1], 3), ([*ROWS, ROWS[0]], 4), ([ROWS[0], ROWS[0]], 3)):
        with pytest.raises(WorkbookMismatch) as caught:
            compare_csv(path, fields, rows)
        assert (caught.value.row, caught.value.column) == (row, None)
    with pytest.raises(WorkbookMismatch):
        compare_csv(path, fields[:4], ROWS)


def test_headings_and_rows_are_counted(tmp_path: Path, fields: Fields) -> None:
    """For who has no field list."""
    path = tmp_path / "data.csv"
    write_csv(path, fields, ROWS)
    assert csv_headings_and_rows(path) == (tuple(spec.heading for spec in fields), 2)


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b'"a"b,c\r\n'])
def test_what_is_no_csv_of_ours_does_not_read(tmp_path: Path, content: bytes) -> None:
    """Not UTF-8, or quoted wrongly."""
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(WorkbookMismatch):
        csv_headings_and_rows(path)
