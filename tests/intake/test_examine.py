"""Examining whole files: the story from bytes to outcome, and every code that it can tell."""

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from gateway.agreement.load import load_agreement
from gateway.agreement.model import RuleBook
from gateway.intake.examine import examine
from gateway.intake.findings import KINDS, Finding
from gateway.intake.outcome import Examined

TODAY = date(2025, 6, 2)
HARMLESS = {"file.columns-dropped"}


class Told:
    """A sink that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.records: list[list[str]] = []
        self.header: list[str] = []
        self.outcomes: list[Examined] = []

    def findings(self, items: Sequence[Finding]) -> None:
        assert not self.outcomes
        self.found += items

    def table(self, csv_text: bytes, rows: int) -> None:
        assert not self.outcomes
        self.header, *records = csv.reader(io.StringIO(csv_text.decode(), newline=""), strict=True)
        assert len(records) == rows
        self.records += records

    def done(self, outcome: Examined) -> None:
        self.outcomes.append(outcome)


@pytest.fixture(scope="module")
def book(checkout: Path) -> RuleBook:
    """The rules of the notifications flow."""
    config = checkout / "config"
    agreed = load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")
    return agreed.rule_book("notifications")


@pytest.fixture(scope="module")
def headings(book: RuleBook) -> list[str]:
    """The agreed headings."""
    return [spec.heading for spec in book.flow.fields]


def _examine(data: bytes, book: RuleBook) -> Told:
    told = Told()
    examine(io.BytesIO(data), book, TODAY, told)
    assert len(told.outcomes) == 1
    return told


def _lines(*rows: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def test_a_file_with_headings_alone(book: RuleBook, headings: list[str]) -> None:
    told = _examine(_lines(headings), book)
    assert told.found == told.records == []
    assert told.outcomes == [Examined(None, 0, tuple(headings), (), (), refused=False)]


def test_half_a_heading_row_is_no_nil_day(book: RuleBook, headings: list[str]) -> None:
    """Cut behind the required headings it would say: nothing to send today."""
    whole = _lines(headings).decode().strip()
    cut = _examine(whole[: whole.index("Report author") + 5].encode(), book)
    assert [item.code for item in cut.found] == ["file.columns-dropped", "file.cut-short"]
    assert cut.outcomes[0].refused
    for nil in (whole, f"{whole[: whole.index(',Report author')]}\n", f"{whole[:-7]}\r\n"):
        assert not _examine(nil.encode(), book).outcomes[0].refused


def test_a_file_that_cannot_be_opened(book: RuleBook) -> None:
    told = _examine(b"", book)
    assert [item.code for item in told.found] == ["file.empty"]
    assert told.outcomes == [Examined(None, 0, (), (), (), refused=True)]


def test_a_file_refused_for_its_headings(book: RuleBook, headings: list[str]) -> None:
    told = _examine(_lines([*headings[1:], "Gender", "Shoe size"]), book)
    assert [(item.code, item.column) for item in told.found] == [
        ("file.columns-dropped", None),
        ("file.heading-twice", "Gender"),
        ("file.heading-missing", "Reference number"),
    ]
    (outcome,) = told.outcomes
    assert outcome.refused
    assert outcome.dropped == ("Shoe size",)
    assert outcome.missing == ("Reference number",)
    assert told.records == []


def test_preamble_and_totals_are_told_and_not_counted(book: RuleBook, headings: list[str]) -> None:
    row = ["SCN1", *[""] * 32]
    told = _examine(_lines(["Extract of today"], headings, row, ["Total", "1"]), book)
    assert {item.code for item in told.found if item.row is None} == {
        "file.preamble",
        "file.totals",
    }
    assert told.outcomes[0].rows == len(told.records) == 1
    assert told.records[0][:2] == ["3", "SCN1"]
    assert told.header == ["row", *(spec.id for spec in book.flow.fields)]


def test_findings_come_by_row_then_by_agreed_column(book: RuleBook, headings: list[str]) -> None:
    rows = [[""] * 33 for _ in range(3)]
    for number, row in enumerate(rows):
        row[0] = f"SCN{number}"
    shuffled = list(reversed(headings))
    told = _examine(_lines(shuffled, *(list(reversed(row)) for row in rows)), book)
    places = [(item.row, headings.index(item.column or "")) for item in told.found]
    assert places == sorted(places)
    assert len(places) == len(set(places))


def test_a_flow_that_refuses_drops_with_errors(book: RuleBook, headings: list[str]) -> None:
    flow = book.flow.model_copy(update={"on_error": "refuse-drop"})
    strict = book.model_copy(update={"flow": flow})
    told = _examine(_lines(headings, ["SCN1", *[""] * 32]), strict)
    assert told.found[-1].code == "file.rows-refused"
    assert told.outcomes[0].refused
    empty = _examine(_lines(headings), strict)
    assert (empty.found, empty.outcomes[0].refused) == ([], False)


def test_a_text_that_breaks_further_down(book: RuleBook, headings: list[str]) -> None:
    good = _lines(headings, *(["SCN1", *[""] * 32] for _ in range(30_000)))
    told = _examine(good + b'"never closed', book)
    assert told.outcomes[0].refused
    assert told.found[-1].code == "file.quotes"


def test_a_long_row_is_no_repeat(book: RuleBook, headings: list[str]) -> None:
    row = ["SCN1", *[""] * 32]
    told = _examine(_lines(headings, row, [*row, "more"]), book)
    assert ("row.long", 3) in [(item.code, item.row) for item in told.found]
    assert "row.repeated" not in {item.code for item in told.found}


# --- every code has an example that is refused ----------------------------------------------------

CODE = re.compile(
    r'"((?:file|row|cell|reference|code|yes-no|initials|date|age|rule|screen)\.[a-z-]+)"'
)


def _source(path: Path) -> Iterator[str]:
    for file in sorted(path.glob("*.py")):
        yield from CODE.findall(file.read_text(encoding="utf-8"))


def test_every_code_that_checking_gives_has_an_example(checkout: Path) -> None:
    """The tests of checking name each code that its modules can give; each is in the list."""
    intake = checkout / "gateway" / "intake"
    given = set(_source(intake / "checking")) | {"file.rows-refused"}
    given |= {"code.unknown", "code.not-in-being", "code.ambiguous"}  # CodeIndex's own
    given |= {
        f"screen.{name}" for name in ("nhs-number", "upn", "nino", "postcode", "phone", "email")
    }
    tests = set(_source(checkout / "tests" / "intake" / "checking"))
    tests |= set(_source(checkout / "tests" / "intake"))
    assert given <= KINDS.keys()
    shown = {f"screen.{name}" for name in ("nino", "upn", "phone", "email")}
    assert given - tests - shown == set()


# --- the generated workloads ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def workloads(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean file of 2,000 rows and one of 3,000 with a fault in every tenth, in both formats."""
    made = tmp_path_factory.mktemp("workloads")
    script = shared_folder / "bench" / "make_workload.py"
    for name, more in (
        ("clean", ["--rows", "2000"]),
        ("bad", ["--rows", "3000", "--bad-rate", "0.1"]),
    ):
        command = [sys.executable, str(script), str(made / name), *more, "--prefix", "day"]
        subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_clean_workload_owes_no_finding(workloads: Path, kind: str, book: RuleBook) -> None:
    told = _examine((workloads / "clean" / f"day.{kind}").read_bytes(), book)
    assert [(item.code, item.count) for item in told.found] == [("file.columns-dropped", 28)]
    assert told.outcomes[0].rows == len(told.records) == 2000
    assert len(told.outcomes[0].dropped) == 28


def test_both_formats_come_to_the_same(workloads: Path, book: RuleBook) -> None:
    tables = [
        _examine((workloads / "bad" / f"day.{kind}").read_bytes(), book) for kind in ("csv", "xlsx")
    ]
    assert tables[0].records == tables[1].records
    assert [(item.row, item.code) for item in tables[0].found if item.row] == [
        (item.row, item.code) for item in tables[1].found if item.row
    ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_planted_fault_is_found_and_no_other(
    workloads: Path, kind: str, book: RuleBook
) -> None:
    folder = workloads / "bad"
    with (folder / "day.faults.csv").open(newline="", encoding="utf-8") as stream:
        planted = list(csv.DictReader(stream))
    assert len({fault["kind"] for fault in planted}) == 27
    told = _examine((folder / f"day.{kind}").read_bytes(), book)
    expected = {(int(f["row"]), f["heading"], f["severity"]) for f in planted}
    twins = _twins(told, {int(f["row"]) for f in planted if f["kind"] == "repeated reference"})
    # The generator names the later of two rows with one reference; the agreement holds both.
    expected |= {(row, "Reference number", "error") for row in twins}
    assert {(i.row, i.column, i.severity) for i in told.found if i.row is not None} == expected


def _twins(told: Told, later: set[int]) -> set[int]:
    """The rows that share a reference with one of ``later``."""
    references = {record[1] for record in told.records if int(record[0]) in later}
    return {int(record[0]) for record in told.records if record[1] in references}
