"""Small extracts whose every value is known, for tests of the whole exchange."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from bad_home import Exchange

from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow
from gateway.intake.confined.reader import Reader
from gateway.settings import Home

ExtractOf = Callable[..., str]

DROPPED = (
    "Child's full name",
    "Address line 1",
    "Postcode",
    "NHS number",
    "Mother's name",
    "Narrative",
    "A column nobody has heard of",
)


def plain_row(number: int) -> dict[str, str]:
    """A clean row of the `notifications` flow, with invented dropped columns beside it."""
    return {
        "Reference number": f"SCN{number:08d}",
        "Local authority": "Camden",
        "Child's initials": "A.B.",
        "Gender": "Female",
        "Ethnicity": "White British",
        "Nationality": "British",
        "Date of birth": "04/05/2016",
        "Date of incident": "10/02/2026",
        "Age": "9",
        "Date notification was received": "11/02/2026",
        "Local authority contact": "Duty team manager",
        "Nature of notification": "Looked after child has died",
        "Death of child: yes or no": "Yes",
        "Death: whether natural causes": "Not known",
        "Main cause": "Medical condition",
        "Legal status of child": "C2",
        "Any prior disability": "None",
        "Where child was living": "U6",
        "Involvement of agencies": "Police;Health",
        "Any other settings attended and their name": "Sunbeams childminding",
        "Unique reference numbers": f"EY{number:06d}",
        "Case information": "A referral was received and the plan was agreed.",
        "Child protection database reference": f"CPD-{number:07d}",
        "Report author": "",
        "Linked cases": "",
        "Child's full name": "Quentin Zzyzwick",
        "Address line 1": "12 Quarrystone Mews",
        "Postcode": "QZ9 9QZ",
        "NHS number": "999 000 0018",
        "Mother's name": "Ottilie Zzyzwick",
        "Narrative": "A long account that must never travel.",
        "A column nobody has heard of": "and its value",
    }


@pytest.fixture(scope="session")
def extract() -> ExtractOf:
    """``extract(3)``: a CSV of three clean rows; ``change`` alters cells of each row by number."""

    def made(
        count: int, start: int = 1, change: Callable[[int], Mapping[str, str]] | None = None
    ) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(plain_row(0)))
        writer.writeheader()
        for number in range(start, start + count):
            writer.writerow({**plain_row(number), **(change(number) if change else {})})
        return text.getvalue()

    return made


@pytest.fixture(scope="session")
def dropped_headings() -> tuple[str, ...]:
    """The headings of the extracts that no agreement lists as sent."""
    return DROPPED


@pytest.fixture
def inbox(rehearsal_home: Path) -> Path:
    """Where Ofsted drops its notifications."""
    return rehearsal_home / "inbox" / "ofsted" / "notifications"


@pytest.fixture(scope="module")
def warm_reader(template_home: Path) -> Iterator[Reader]:
    """One warm parent for all homes of a module: each drop still has a child of its own."""
    agreed = by_flow(load_agreements(Home(template_home).config))
    with Reader({flow: item.rule_book(flow) for flow, item in agreed.items()}) as reader:
        yield reader


@pytest.fixture
def exchange(
    rehearsal_home: Path, tmp_path: Path, extract: ExtractOf, warm_reader: Reader
) -> Exchange:
    """A fresh rehearsal home, worked by the real engine in this process."""
    scratch = tmp_path / "opened"
    scratch.mkdir()
    return Exchange(Home(rehearsal_home), scratch, extract, warm_reader)
