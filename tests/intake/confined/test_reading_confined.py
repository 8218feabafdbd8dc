"""Real files through the shipped zygote and the real examiner: nothing it needs is out of reach."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from gateway.agreement.model import RuleBook
from gateway.intake.confined import DoneFrame, FindingsFrame, Reader, TableFrame

HEADINGS = (
    "Pupil name",
    "Reference number",
    "Local authority",
    "Child's initials",
    "Date of incident",
    "Age",
    "Death of child: yes or no",
    "Agencies",
    "Case information",
)
ROWS = (
    ("Zo\u00eb Xyzzy", "SCN00000001", "Leeds", "ZX", "01/03/2016", "12", "y", "Police", "A, b\nc"),
    ("Bo Quux", "SCN00000002", "Atlantis", "BQ", "2 Mar 2016", "under 1", "no", "", "Caf\u00e9"),
)
SENT = (
    (2, ("SCN00000001", "Leeds", "ZX", "2016-03-01", "12", "Yes", "Police", "A, b\nc")),
    (3, ("SCN00000002", "", "BQ", "2016-03-02", "under 1", "No", "", "Caf\u00e9")),
)


@pytest.fixture(scope="module")
def reader(book: RuleBook) -> Iterator[Reader]:
    with Reader({"notifications": book}) as made:
        yield made


def text(separator: str = ",") -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([HEADINGS, *ROWS])
    return written.getvalue()


def workbook() -> bytes:
    made, data = Workbook(), io.BytesIO()
    made.active.title = "Extract"
    made.active.append(HEADINGS)
    for row in ROWS:
        cells: list[object] = list(row)
        cells[4] = datetime(2016, 3, 1) if row is ROWS[0] else datetime(2016, 3, 2)
        cells[5] = 12 if row is ROWS[0] else row[5]
        made.active.append(cells)
    made.save(data)
    return data.getvalue()


FILES = {
    "utf-8": lambda: text().encode(),
    "utf-8 with mark": lambda: text(";").encode("utf-8-sig"),
    "utf-16": lambda: text("\t").encode("utf-16"),
    "windows-1252": lambda: text().encode("cp1252"),
    "workbook": workbook,
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_is_read(kind: str, reader: Reader, tmp_path: Path, today: date) -> None:
    (tmp_path / "drop").write_bytes(FILES[kind]())
    with (tmp_path / "drop").open("rb") as file:
        said = list(reader.examine("notifications", file, today))
    rows = [row for frame in said if isinstance(frame, TableFrame) for row in frame.rows]
    found = [item for frame in said if isinstance(frame, FindingsFrame) for item in frame.items]
    assert tuple(rows) == SENT
    assert [(item.code, item.row) for item in found if item.severity == "error"] == [
        ("code.unknown", 3)
    ]
    done = said[-1]
    assert isinstance(done, DoneFrame)
    assert done.outcome.dropped == ("Pupil name",)
    assert done.outcome.rows == 2
    assert done.outcome.sheet == ("Extract" if kind == "workbook" else None)


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"PK\x03\x04" + b"\x00" * 100, b"\xff" * 999])
def test_what_is_no_table_is_refused_in_words(
    data: bytes, reader: Reader, tmp_path: Path, today: date
) -> None:
    (tmp_path / "drop").write_bytes(data)
    with (tmp_path / "drop").open("rb") as file:
        *_, done = reader.examine("notifications", file, today)
    assert isinstance(done, DoneFrame)
    assert done.outcome.refused
