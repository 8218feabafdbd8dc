"""Reading code lists: their form, and every fault with its row and column."""

from datetime import date
from pathlib import Path

import pytest

from gateway.agreement.codefiles import read_code_list
from gateway.agreement.model import Code

HEAD = "code,label,synonyms,valid_from,valid_to\n"


def faults_of(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "some.csv"
    path.write_bytes(text.encode())
    return {fault.path: fault.message for fault in read_code_list(path)[1]}


def test_a_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text(
        "\ufeff" + HEAD + 'A,"One, two", x | y |,2001-02-03,2004-02-29\n\n,Blank code,,,\n',
        encoding="utf-8",
    )
    found, faults = read_code_list(path)
    assert not faults
    assert found.id == "some"
    assert found.codes == (
        Code(
            code="A",
            label="One, two",
            synonyms=("x", "y"),
            valid_from=date(2001, 2, 3),
            valid_to=date(2004, 2, 29),
        ),
        Code(code="Blank code", label="Blank code"),
    )


@pytest.mark.parametrize(
    ("rows", "path", "words"),
    [
        ("A,One,,2001-02-30,\n", "row 2 valid_from", "YYYY-MM-DD"),
        ("A,One,,,1/2/2003\n", "row 2 valid_to", "YYYY-MM-DD"),
        ("A,One,,2002-01-01,2001-12-31\n", "row 2 valid_to", "before valid_from"),
        ("A,,,,\n", "row 2 label", "blank"),
        ("A,One\n", "row 2", "has 2 cells"),
        ("A,One,,,\nB,Two,,,\na,Three,,,\n", "row 4 code", "row 2"),
        ("A,One,,,2001-01-01\nA,Two,,2001-01-01,\n", "row 3 code", "overlaps"),
        ("A,One,,,\n,A,,,\n", "row 3 code", "overlaps"),
        ("", "", "empty"),
        ('A,"One,,,\n', "", "cannot be read as CSV"),
    ],
)
def test_a_fault_names_its_row_and_column(tmp_path: Path, rows: str, path: str, words: str) -> None:
    faults = faults_of(tmp_path, HEAD + rows)
    assert words in faults[f"codes/some.csv {path}".strip()]


def test_every_fault_of_a_list_is_told(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, HEAD + "A,,,x,y\nB\nC,One,,,\nC,One,,,\n")
    assert len(faults) == 5


@pytest.mark.parametrize("head", ["", "code,label\n", "label,code,synonyms,valid_from,valid_to\n"])
def test_missing_columns_are_a_fault(tmp_path: Path, head: str) -> None:
    assert "the columns must be" in faults_of(tmp_path, f"{head}A,One\n")["codes/some.csv row 1"]


def test_one_code_may_follow_itself_in_time(tmp_path: Path) -> None:
    assert not faults_of(tmp_path, HEAD + "A,One,,,2001-01-01\nA,Two,,2001-01-02,\n")


def test_a_list_that_is_absent_or_not_utf8_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    assert "no such file" in read_code_list(path)[1][0].message
    path.write_bytes(HEAD.encode() + b"A,\xff,,,\n")
    assert "not UTF-8" in read_code_list(path)[1][0].message
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "directory" in read_code_list(folder)[1][0].message
