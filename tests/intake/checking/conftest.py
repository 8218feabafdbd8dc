"""A whole clean row of the notifications flow, and a way to have a few rows examined."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from gateway.agreement.load import Agreed, load_agreement
from gateway.agreement.model import RuleBook
from gateway.intake.examine import examine
from gateway.intake.findings import Finding
from gateway.intake.outcome import Examined

TODAY = date(2024, 6, 3)
Cell = str | int | float | date | datetime | bool | None
Row = Mapping[str, Cell]

CLEAN: dict[str, Cell] = {
    "Reference number": "SCN00000001",
    "Local authority": "Camden",
    "Child's initials": "AB",
    "Gender": "Male",
    "Ethnicity": "White British",
    "Nationality": "British",
    "Date of birth": "01/03/2010",
    "Date of incident": "02/05/2024",
    "Age": "14",
    "Date notification was received": "03/05/2024",
    "Local authority contact": "Duty team manager",
    "Nature of notification": "Child has died and abuse or neglect is known or suspected",
    "Death of child: yes or no": "Yes",
    "Death: whether natural causes": "No",
    "Main cause": "Neglect",
    "Legal status of child": "Not looked after",
    "Whether child was subject to child protection plan at time of incident, or previously": "Both",
    "Any prior disability": "None",
    "Where child was living": "At home",
    "Involvement of agencies": "Police;Health",
    "Any other settings attended and their name": "Riverside youth club",
    "Whether an incident occurred at other setting": "No",
    "Unique reference numbers": "EY123456;SC654321",
    "Case information": "A referral was received and support was offered.",
    "Child protection database reference": "CPD-0000001",
    "CIE date": "20/05/2024",
    "Serious case review (SCR) status": "Published",
    "Date of SCR panel": "05/05/2024",
    "SCR decision date": "06/05/2024",
    "SCR report received date": "07/05/2024",
    "Report author": "Independent lead reviewer",
    "Date SCR to be published": "08/09/2024",
    "Linked cases": "SCN00000009",
}


@dataclass
class Result:
    """What an examination told its sink. Rows are by the file's own number: the first is 2."""

    found: list[Finding] = field(default_factory=list)
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    outcome: Examined | None = None

    def findings(self, items: Sequence[Finding]) -> None:
        self.found += items

    def table(self, csv: bytes, rows: int) -> None:
        records = _records(csv)
        assert len(records) == rows
        self.rows |= {int(record.pop("row")): record for record in records}

    def done(self, outcome: Examined) -> None:
        assert self.outcome is None
        self.outcome = outcome

    def of_row(self, row: int = 2) -> list[tuple[str, str | None]]:
        """The codes and headings of a row's findings, in order."""
        return [(item.code, item.column) for item in self.found if item.row == row]

    @property
    def of_rows(self) -> list[tuple[int, str]]:
        """The rows and codes of all row findings, sorted."""
        return sorted((item.row, item.code) for item in self.found if item.row is not None)

    @property
    def of_file(self) -> list[tuple[str, str | None]]:
        """The codes and headings of the findings on the file as a whole."""
        return [(item.code, item.column) for item in self.found if item.row is None]

    @property
    def told(self) -> Examined:
        """The outcome."""
        assert self.outcome is not None
        return self.outcome


def _records(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


Examine = Callable[..., Result]


@pytest.fixture(scope="session")
def agreed(checkout: Path) -> Agreed:
    """The agreement of this checkout."""
    config = checkout / "config"
    return load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")


@pytest.fixture(scope="session")
def book(agreed: Agreed) -> RuleBook:
    """The rules of the notifications flow."""
    return agreed.rule_book("notifications")


@pytest.fixture(scope="session")
def clean() -> dict[str, Cell]:
    """A whole row that owes no finding."""
    return dict(CLEAN)


@pytest.fixture(scope="session")
def examined(book: RuleBook) -> Examine:
    """``examined([{heading: cell}, ...])``: the rows as a file, examined. See `examine_rows`."""

    def run(rows: Sequence[Row], *, rules: RuleBook = book, **more: object) -> Result:
        return examine_rows(rows, rules, **more)  # type: ignore[arg-type]

    return run


def examine_rows(
    rows: Sequence[Row], rules: RuleBook, *, workbook: bool = False, whole: bool = True
) -> Result:
    """Examine rows as CSV, or as a workbook with cells of their own types.

    Each row is the clean one but for the cells given, unless ``whole`` is false: then the given
    cells are all there are. Later rows get references of their own unless they are given one.
    """
    made = [(_reference(at) | dict(row)) if whole else dict(row) for at, row in enumerate(rows)]
    headings = list(dict.fromkeys(heading for row in made for heading in row))
    table = [headings, *([row.get(heading) for heading in headings] for row in made)]
    result = Result()
    examine(_workbook(table) if workbook else _text(table), rules, TODAY, result)
    return result


def _reference(at: int) -> dict[str, Cell]:
    return CLEAN | {"Reference number": f"SCN{at + 1:08}"}


def _text(table: Sequence[Sequence[Cell]]) -> io.BytesIO:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(["" if cell is None else cell for cell in row] for row in table)
    return io.BytesIO(text.getvalue().encode())


def _workbook(table: Sequence[Sequence[Cell]]) -> io.BytesIO:
    made = openpyxl.Workbook()
    for row in table:
        made.active.append(list(row))
    stream = io.BytesIO()
    made.save(stream)
    stream.seek(0)
    return stream
