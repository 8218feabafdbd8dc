"""Made-up extracts of any size for the flow `notifications`: clean, so that nothing is held.

    python bench/workload.py FOLDER [--rows 50] [--files 1] [--format csv|xlsx|both]

A file has 61 columns in an order of its own: the 33 of Annex A, and 28 that must not travel (names,
addresses, identifiers, narrative) and are looked for in the text that does. A row has about a
kilobyte. Codes are spelled in the ways that the lists allow. The same words make the same bytes; of
several files none shares a reference with another. Everything in them is invented.
"""

import argparse
import csv
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import xlsxwriter
from columns import AGREED, DROPPED, NARROW

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "samples"))

import invented as made_up  # noqa: E402

CODES = CHECKOUT / "config" / "codes"
FIRST_DAY, DAYS = date(2022, 7, 1), 730  # of incidents: before the day that the bench makes it
Cell = str | int | date
CONTACTS = ("Duty desk", "Head of safeguarding", "Front door", "Out of hours desk", "Service lead")


class Lists:
    """The code lists, as spellings to draw from, by list and by the day of the incident."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, str]]] = {}
        self._spelled: dict[tuple[str, str], list[str]] = {}

    def of(self, name: str, day: date) -> list[str]:
        """Labels, codes and first synonyms in being on that day; `Other` is left out."""
        if name not in self._rows:
            with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                self._rows[name] = list(csv.DictReader(file))
        month = day.replace(day=1).isoformat()
        if (name, month) not in self._spelled:
            last = (day.replace(day=1) + timedelta(days=31)).isoformat()
            self._spelled[name, month] = [
                spelling
                for row in self._rows[name]
                if (row["valid_from"] or "0") <= month and last <= (row["valid_to"] or "9")
                for spelling in (row["label"], row["code"], row["synonyms"].split("|")[0])
                if spelling and row["label"] != "Other"
            ]
        return self._spelled[name, month]


class Rows:
    """Rows of one file, from a number on."""

    def __init__(self, seed: int, lists: Lists) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - a workload, no secret
        self._lists = lists

    def made(self, first: int, count: int) -> Iterator[dict[str, Cell]]:
        """So many rows, by heading; an absent heading is blank."""
        for number in range(first, first + count):
            day = FIRST_DAY + timedelta(days=self._below(DAYS))
            yield {**self._child(day), **self._incident(number, day), **self._left_behind(number)}

    def _below(self, limit: int) -> int:
        return int(self._rng.random() * limit)

    def _pick(self, values: Sequence[str]) -> str:
        return values[self._below(len(values))]

    def _some(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _code(self, name: str, day: date) -> str:
        return self._pick(self._lists.of(name, day))

    def _child(self, day: date) -> dict[str, Cell]:
        born = day - timedelta(days=1 + self._below(6_400))
        if (born.month, born.day) == (2, 29):
            born += timedelta(days=1)
        age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        letters = "ABCDEFGHIJKLMNOPRSTW"
        return {
            "Child's initials": self._pick(letters) + self._pick(letters),
            "Gender": self._pick(("Male", "Female", "male", "FEMALE", "Unknown")),
            "Ethnicity": self._code("ethnicity", day),
            "Nationality": "British" if self._some(0.8) else self._code("nationality", day),
            "Date of birth": born if self._some(0.96) or not age else "",
            "Age": age if self._some(0.93) or not age else str(age),
            "Legal status of child": self._code("legal-status", day),
            AGREED[16]: self._code("cp-plan", day),
            "Any prior disability": self._disability(),
            "Where child was living": self._code("placement", day),
        }

    def _disability(self) -> str:
        if self._some(0.6):
            return "None"
        several = [code for code in ("MOB", "Learning", "Hearing", "AUT") if self._some(0.4)]
        return ";".join(several) or self._pick(("Yes (unspecified)", "Not known"))

    def _incident(self, number: int, day: date) -> dict[str, Cell]:
        received = day + timedelta(days=self._below(5))
        death, harm = self._some(0.3), self._some(0.5)
        nature = made_up.NATURE_DEATH if death else made_up.NATURE_HARM if harm else "Other"
        row: dict[str, Cell] = {
            "Reference number": f"SCN{number:08}",
            "Local authority": self._code("local-authorities", day),
            "Date of incident": day,
            "Date notification was received": received,
            "Local authority contact": self._pick(CONTACTS),
            "Nature of notification": nature,
            "Death of child: yes or no": self._pick(("Yes", "y", "TRUE") if death else ("No", "n")),
            "Involvement of agencies": "; ".join(self._rng.sample(made_up.AGENCIES, 3)),
            "Whether an incident occurred at other setting": self._pick(("Yes", "No", "n/k")),
            "Case information": self._case(),
            "Serious case review (SCR) status": "Not required",
        }
        if death:
            row["Death: whether natural causes"] = self._pick(("Yes", "No", "Not known"))
        if death or harm:
            row["Main cause"] = self._code("main-cause", day)
        if self._some(0.3):
            row["Any other settings attended and their name"] = self._pick(made_up.SETTINGS)
            row["Unique reference numbers"] = f"EY{self._below(900_000) + 100_000}"
            row["Child protection database reference"] = f"CPD-{self._below(9_000_000):07}"
        if self._some(0.2):
            row["CIE date"] = received
            row["Linked cases"] = f"SCN{self._below(number) + 1:08}"
            row |= self._review(received)
        return row

    def _case(self) -> str:
        told = [self._pick(made_up.OPENINGS), self._pick(made_up.ENDINGS)]
        if self._some(0.5):
            told.insert(1, 'It was graded "urgent", and looked at again within two weeks.')
        if self._some(0.3):
            told[0] += f", on the {self._pick(('first', 'second', 'third'))} occasion"
        return " ".join(told)

    def _review(self, received: date) -> dict[str, Cell]:
        panel = received + timedelta(days=15 + self._below(30))
        decision = panel + timedelta(days=self._below(21))
        report = decision + timedelta(days=60 + self._below(60))
        return {
            "Serious case review (SCR) status": "Published",
            "Date of SCR panel": panel,
            "SCR decision date": decision,
            "SCR report received date": report,
            "Report author": self._pick(made_up.SCR_AUTHORS),
            "Date SCR to be published": report + timedelta(days=14 + self._below(30)),
        }

    def _name(self) -> str:
        return f"{self._pick(made_up.FIRST_NAMES)} {self._pick(made_up.LAST_NAMES)}"

    def _left_behind(self, number: int) -> dict[str, Cell]:
        """What must not travel."""
        child, worker, mother = self._name(), self._name(), self._name()
        area, letters = self._pick(made_up.POSTCODE_AREAS), made_up.POSTCODE_LETTERS
        told = self._pick(made_up.NARRATIVES).format(child=child, worker=worker, mother=mother)
        return {
            "Child's full name": child,
            "Child known as": child.partition(" ")[0],
            "Address line 1": f"{self._below(200) + 1} {self._pick(made_up.STREETS)}",
            "Address line 2": f"Flat {self._below(40) + 1}" if self._some(0.3) else "",
            "Town": self._pick(made_up.TOWNS),
            "Postcode": f"{area}{self._below(90) + 10} {self._below(9)}{self._pick(letters)}X",
            "NHS number": f"999 {self._below(1_000):03} {self._below(10_000):04}",
            "UPN": f"A{self._below(10**9):012}",
            "Mother's name": mother,
            "Mother's date of birth": date(1970, 1, 1) + timedelta(days=self._below(10_000)),
            "Father's name": self._name(),
            "Father's date of birth": date(1968, 1, 1) + timedelta(days=self._below(10_000)),
            "Sibling names": f"{self._name()}; {self._name()}" if self._some(0.5) else "",
            "School name": f"{self._pick(made_up.TOWNS)} school",
            "GP practice": f"{self._pick(made_up.TOWNS)} practice",
            "Social worker": worker,
            "Social worker phone": f"01632 960{self._below(1_000):03}",
            "Social worker e-mail": f"worker{self._below(500)}@example.org",
            "Police reference": f"CR/{self._below(10**7):07}/24",
            "Hospital name": f"{self._pick(made_up.TOWNS)} hospital",
            "Narrative": told * 2,
            "Actions taken": f"Wrote to {mother} with the date of the meeting.",
            "System id": f"{number:012x}",
            "Notes": f"Spelling of {child} to be confirmed",
            "Religion": self._pick(made_up.RELIGIONS),
            "First language": self._pick(made_up.LANGUAGES),
            "Created by": self._name(),
            "Internal status": self._pick(("Open", "Closed", "Draft")),
        }


def write(
    path: Path, formats: Sequence[str], rows: int, seed: int, first: int, *, narrow: bool
) -> None:
    """One file in each of the formats, ``path`` without its ending. ``narrow``: twelve columns."""
    order = [*NARROW] if narrow else [*AGREED, *DROPPED]
    random.Random(f"order {seed}").shuffle(order)  # noqa: S311 - a workload, no secret
    lists = Lists()
    if "csv" in formats:
        with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(order)
            for row in Rows(seed, lists).made(first, rows):
                out.writerow([_text(row.get(heading, "")) for heading in order])
    if "xlsx" in formats:
        _write_xlsx(path.with_suffix(".xlsx"), order, Rows(seed, lists).made(first, rows))


def _text(cell: Cell) -> Cell:
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else cell


def _write_xlsx(path: Path, order: Sequence[str], rows: Iterator[dict[str, Cell]]) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"created": datetime(2024, 1, 1)})  # or the bytes would tell the time
        sheet, day = book.add_worksheet("Extract"), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, order)
        for number, row in enumerate(rows, 1):
            for place, heading in enumerate(order):
                cell = row.get(heading, "")
                if isinstance(cell, date):
                    sheet.write_datetime(number, place, cell, day)
                elif isinstance(cell, int):
                    sheet.write_number(number, place, cell)
                elif cell:
                    sheet.write_string(number, place, cell)


def main() -> None:
    """Make the files."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("folder", type=Path)
    words.add_argument("--rows", type=int, default=50)
    words.add_argument("--files", type=int, default=1)
    words.add_argument("--format", choices=("csv", "xlsx", "both"), default="both")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--narrow", action="store_true", help="twelve columns, for very many rows")
    asked = words.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    formats = ("csv", "xlsx") if asked.format == "both" else (asked.format,)
    for at in range(asked.files):
        name = f"day{at:05}"
        first = 1 + at * asked.rows
        path = asked.folder / name
        write(path, formats, asked.rows, asked.seed + at, first, narrow=asked.narrow)


if __name__ == "__main__":
    main()
