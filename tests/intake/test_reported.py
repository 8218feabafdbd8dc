"""A report is read back as it was written; what others made of it is told of, and not shown."""

import csv
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.intake.report import CSV_HEADINGS, report_name
from gateway.intake.reported import Line, ReportUnreadable, report_lines
from gateway.store.drops import DropRow

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DROP = DropRow(
    1, "20260302-000000000001", "notifications", "ofsted", "accepted", AT, 9, "", "", "",
    1, 1, 0, 0, 0, {}, None, None, None,
)  # fmt: skip
HEAD = ",".join(CSV_HEADINGS)
GOOD = 'error,code.unknown,3,Gender,"It is, as said, wrong.",Mend it.'


def written(folder: Path, text: str | bytes, drop: DropRow = DROP) -> Path:
    """A report of that drop with that text."""
    path = folder / f"{report_name(drop.flow, drop.received_at, drop.id)}.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_lines_are_read_as_they_were_written(tmp_path):
    written(tmp_path, f"\ufeff{HEAD}\r\n{GOOD}\r\nquery,file.columns-dropped,,,Two.,None.\r\n")
    assert list(report_lines(tmp_path, DROP)) == [
        Line("error", "code.unknown", 3, "Gender", "It is, as said, wrong.", "Mend it."),
        Line("query", "file.columns-dropped", None, None, "Two.", "None."),
    ]


def test_a_report_that_is_gone_is_told_at_once(tmp_path):
    written(tmp_path, f"{HEAD}\n")
    with pytest.raises(ReportUnreadable) as told:
        report_lines(tmp_path, replace(DROP, id="20260302-000000000002"))
    assert told.value.code == "report.gone"


def test_a_link_or_a_folder_in_its_place_is_not_followed(tmp_path):
    path = written(tmp_path, "")
    path.rename(tmp_path / "other")
    path.symlink_to(tmp_path / "other")
    with pytest.raises(ReportUnreadable):
        report_lines(tmp_path, DROP)
    path.unlink()
    path.mkdir()
    with pytest.raises(ReportUnreadable):
        report_lines(tmp_path, DROP)


@pytest.fixture
def _any_field_is_read():
    """As in a process that has read an extract: csv's bound on a field is one for all."""
    before = csv.field_size_limit(10**9)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("_any_field_is_read")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        f"{HEAD}\n{GOOD},more\n",
        f"{HEAD}\nerror,no.such-code,3,Gender,x,y\n",
        f"{HEAD}\nfatal,code.unknown,3,Gender,x,y\n",
        f"{HEAD}\nerror,code.unknown,three,Gender,x,y\n",
        f"{HEAD}\nerror,code.unknown,{'9' * 5000},Gender,x,y\n",
        f'{HEAD}\nerror,code.unknown,3,"Gender,x,y\n',
        f"{HEAD}\nerror,code.unknown,3,{'x' * 200_000},x,y\n",
        HEAD.encode() + b"\nerror,code.unknown,3,\xff,x,y\n",
    ],
)
def test_what_is_not_as_the_gateway_writes_it_is_refused(tmp_path, text):
    written(tmp_path, text)
    with pytest.raises(ReportUnreadable) as told:
        list(report_lines(tmp_path, DROP))
    assert told.value.code == "report.altered"
