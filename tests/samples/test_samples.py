"""The sample extracts: made anew they are the same, and intake says of each row what was meant."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunGateway = Callable[..., "subprocess.CompletedProcess[str]"]

FLOWS = {"notifications": "2025-03-13T09:30", "scr-updates": "2025-03-14T09:30"}
FIRST_TEAM = "notifications-2025-03-13.csv"
SECOND_TEAM = "notifications-2025-03-13-second-team.xlsx"
BOARDS = "scr-updates-2025-03-14.csv"
LATE_BOARDS = "scr-updates-2025-03-14-late-boards.xlsx"

# (rows, accepted, held, repeats) of each file, and why which of its rows are held.
COUNTS = {
    FIRST_TEAM: (60, 44, 15, 1),
    SECOND_TEAM: (60, 43, 16, 1),
    BOARDS: (40, 35, 5, 0),
    LATE_BOARDS: (40, 38, 2, 0),
}
HELD = {
    FIRST_TEAM: {
        8: {"date.two-digit-year"},
        11: {"code.unknown"},
        12: {"row.reference-conflict"},
        14: {"initials.full-name"},
        17: {"screen.name"},
        20: {"screen.nhs-number", "screen.value"},
        23: {"cell.required"},
        33: {"code.unknown"},
        36: {"code.alone"},
        39: {"rule.only-when"},
        42: {"date.future"},
        45: {"code.not-in-being"},
        48: {"screen.postcode", "screen.value"},
        51: {"age.malformed"},
        59: {"row.reference-conflict"},
    },
    SECOND_TEAM: {
        7: {"date.month-first"},
        10: {"date.number"},
        12: {"row.reference-conflict"},
        13: {"date.impossible"},
        16: {"reference.malformed"},
        19: {"cell.required"},
        22: {"rule.not-before"},
        25: {"code.unknown"},
        28: {"yes-no.unknown"},
        32: {"screen.email"},
        35: {"screen.phone", "screen.value"},
        38: {"screen.name"},
        41: {"rule.born-after"},
        44: {"code.unknown"},
        47: {"cell.error-value"},
        59: {"row.reference-conflict"},
    },
    BOARDS: {
        9: {"code.unknown"},
        14: {"date.two-digit-year"},
        24: {"code.unknown"},
        29: {"screen.name"},
        35: {"cell.required"},
    },
    LATE_BOARDS: {9: {"code.unknown"}, 14: {"date.two-digit-year"}},
}
MISSING = {
    FIRST_TEAM: [],
    SECOND_TEAM: ["Child's initials", "CIE date", "Linked cases"],
    BOARDS: [],
    LATE_BOARDS: [],
}


def _contents(file: Path) -> dict[str, bytes]:
    """A file's bytes; of a workbook each part's, since another zlib may pack them otherwise."""
    if file.suffix != ".xlsx":
        return {"": file.read_bytes()}
    with zipfile.ZipFile(file) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def test_made_anew_the_samples_are_the_same(checkout: Path, tmp_path: Path) -> None:
    script = checkout / "samples" / "make_samples.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(COUNTS)
    for made in tmp_path.iterdir():
        assert _contents(made) == _contents(checkout / "samples" / made.name), made.name


@pytest.fixture(params=sorted(COUNTS))
def sample(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(
    sample: str, checkout: Path, template_home: Path, run_gateway: RunGateway
) -> dict[str, Any]:
    """What ``check --json`` says of a sample, on the day it is for."""
    flow = "scr-updates" if sample.startswith("scr-updates") else "notifications"
    file = str(checkout / "samples" / sample)
    words = ("check", file, "--flow", flow, "--json", "--now", FLOWS[flow])
    ran = run_gateway(template_home, *words)
    assert ran.returncode == 1, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_each_row_is_held_for_the_reason_that_was_put_into_it(
    sample: str, account: dict[str, Any]
) -> None:
    rows, accepted, held, repeats = COUNTS[sample]
    assert account["state"] == "partly-held"
    assert (account["rows"], account["accepted"]) == (rows, accepted)
    assert (account["held"], account["repeats"]) == (held, repeats)
    why: dict[int, set[str]] = {}
    for finding in account["findings"]:
        if finding["severity"] == "error":
            why.setdefault(finding["row"], set()).add(finding["code"])
    assert why == HELD[sample]


def test_what_is_odd_about_the_file_is_told_as_queries(
    sample: str, account: dict[str, Any]
) -> None:
    about_file = {item["code"] for item in account["findings"] if item["row"] is None}
    expected = {"file.preamble", "file.columns-dropped", "file.totals"}
    if sample.endswith(".xlsx"):
        expected.add("file.other-sheets")
    assert about_file == expected


def test_absent_columns_are_named_and_those_of_people_dropped(
    sample: str, account: dict[str, Any]
) -> None:
    columns = account["columns"]
    assert columns["missing"] == MISSING[sample]
    if sample.startswith("notifications"):
        for heading in ("Child's full name", "Mother's name", "Address line 1", "NHS number"):
            assert heading in columns["dropped"]
            assert heading not in columns["kept"]
    else:
        assert "Board chair's name" in columns["dropped"]
