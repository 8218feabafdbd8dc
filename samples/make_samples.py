"""Makes the sample extracts beside this file: made-up, messy, and the same bytes every time.

    python samples/make_samples.py [FOLDER]

They are what an analyst's export looks like on a bad day: lines above the headings, headings in
other words and in any order, columns that must never travel, blank rows, a totals row, and one
fault of most kinds. The two notifications files are for Thursday 13 March 2025; the two files of
updates answer them on Friday 14 March 2025, and name one reference that was never sent.
"""

import csv
import io
import random
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

import invented
import xlsxwriter

SENT_ON = date(2025, 3, 13)
ANSWERED_ON = date(2025, 3, 14)
ROWS = 60
ANSWERS = 40

Cell = str | int | date
Row = dict[str, Cell]
Column = tuple[str, str]  # heading, key of the row
Fault = tuple[int, dict[str, Cell]]  # which row (from 0), and what it says instead; {key} quotes it

# --- the columns, as each system exports them ----------------------------------------------------

NOTIFICATION_COLUMNS: tuple[Column, ...] = (
    ("Ref no", "reference"), ("LA name", "authority"), ("Date created", "created"),
    ("Child's full name", "full_name"), ("Known as", "known_as"), ("Initials", "initials"),
    ("DOB", "born"), ("Age at incident", "age"), ("Sex", "gender"), ("Ethnic origin", "ethnicity"),
    ("Nationality", "nationality"), ("First language", "language"), ("Religion", "religion"),
    ("NHS number", "nhs"), ("Address line 1", "address"), ("Town", "town"),
    ("Postcode", "postcode"), ("Incident date", "incident"),
    ("Date notification received", "received"), ("LA contact", "contact"),
    ("Nature of incident", "nature"), ("Death of child", "death"),
    ("Whether natural causes", "natural"), ("Main cause", "cause"), ("Legal status", "legal"),
    ("Child protection plan status", "plan"), ("Any prior disability", "disability"),
    ("Where child was living", "living"), ("Mother's name", "mother"),
    ("Sibling names", "siblings"), ("Social worker", "worker"),
    ("Social worker phone", "worker_phone"), ("Agencies involved", "agencies"),
    ("Other settings attended", "settings"), ("Incident at other setting", "elsewhere"),
    ("URN", "urns"), ("Case information", "case"), ("Narrative", "narrative"),
    ("CP database reference", "plan_reference"), ("CIE DATE", "cie"), ("SCR status", "review"),
    ("Date of SCR panel", "panel"), ("SCR decision date", "decision"),
    ("SCR report received date", "report"), ("Report author", "author"),
    ("SCR publication date", "published"), ("Linked cases", "linked"),
)  # fmt: skip
# The second system has no initials (they are derived), no CIE date and no linked cases.
LEFT_OUT = {"initials", "cie", "linked", "created", "religion"}
OTHER_WORDS = {"authority": "Local authority", "gender": "Gender", "born": "Date of birth",
               "incident": "Date of incident", "urns": "Unique reference numbers",
               "nature": "Nature of notification", "worker": "Allocated worker's name"}  # fmt: skip
UPDATE_COLUMNS: tuple[Column, ...] = (
    ("Local authority name", "authority"), ("Notification reference", "reference"),
    ("Board chair's name", "chair"), ("Board chair's e-mail", "chair_email"),
    ("SCR status", "review"), ("SCR panel date", "panel"), ("Date of SCR decision", "decision"),
    ("Date SCR report received", "report"), ("SCR report author", "author"),
    ("Date SCR to be published", "published"), ("Publication decision", "publication"),
    ("Case officer", "officer"), ("Notes", "notes"),
)  # fmt: skip

# --- the faults ----------------------------------------------------------------------------------

CSV_FAULTS: tuple[Fault, ...] = (
    (3, {"incident": "04/03/25"}),
    (6, {"authority": "Borsetshire"}),
    (9, {"initials": "{full_name}"}),
    (12, {"case": "{case} {known_as} was seen by the paediatrician."}),
    (15, {"case": "{case} Recorded under NHS {nhs}."}),
    (18, {"reference": ""}),
    (21, {"incident": date(2025, 2, 17), "received": date(2025, 3, 12)}),  # a query: it still goes
    (24, {"born": date(2018, 6, 2), "incident": date(2025, 3, 5), "received": SENT_ON, "age": 8}),
    (27, {"gender": "Boy"}),
    (30, {"disability": "None; HEAR"}),
    (33, {"death": "No", "natural": "Yes", "nature": invented.NATURE_HARM}),
    (36, {"incident": date(2026, 3, 6)}),
    (39, {"authority": "Cumbria"}),  # gone since 1 April 2023
    (42, {"settings": "Little Otters day nursery, {postcode}"}),
    (45, {"born": "", "age": "12 yrs"}),
    (48, {"initials": ""}),  # no fault: they are derived from the full name
)
XLSX_FAULTS: tuple[Fault, ...] = (
    (2, {"received": "03/13/2025"}),
    (5, {"incident": "45719"}),
    (8, {"born": "31/02/2016"}),
    (11, {"reference": "to follow"}),
    (14, {"incident": ""}),
    (17, {"incident": date(2025, 3, 10), "received": date(2025, 3, 7)}),
    (20, {"nationality": "Ruritanian"}),
    (23, {"death": "maybe", "natural": ""}),
    (26, {"case": "{case} Reply to {worker_email}."}),
    (29, {"settings": "Harbour youth club, ring {worker_phone}"}),
    (32, {"case": "{case} {mother} gave an account."}),
    (35, {"born": date(2025, 3, 12), "incident": date(2025, 3, 4), "age": ""}),
    (38, {"cause": "Act of God"}),
    (41, {"author": "#N/A"}),
)
UPDATE_FAULTS: tuple[Fault, ...] = (
    (4, {"review": "Pending"}),
    (9, {"panel": "07/03/25"}),
    (14, {"review": "Published", "panel": date(2025, 3, 12), "decision": date(2025, 3, 10),
          "report": "", "author": "", "published": ""}),  # a query: out of order
    (19, {"publication": "Perhaps"}),
    (24, {"author": "{officer}"}),
    (29, {"authority": ""}),
    (34, {"reference": "SCN-2025-9999"}),  # a query: nobody was ever sent this one
)  # fmt: skip


def spoil(rows: list[Row], faults: tuple[Fault, ...]) -> None:
    """Write the faults into the rows."""
    for index, changes in faults:
        row = rows[index]
        told = {key: str(value) for key, value in row.items()}
        for key, value in changes.items():
            row[key] = value.format(**told) if isinstance(value, str) else value


# --- the rows ------------------------------------------------------------------------------------


def years(born: date, at: date) -> int:
    """Whole years between two days."""
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def nhs_number(rng: random.Random) -> str:
    """A number of the 999 test range with a right check digit."""
    while True:
        digits = f"999{rng.randrange(10**6):06d}"
        total = sum(
            int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)
        )
        check = (11 - total % 11) % 11
        if check < 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check}"


def incident(rng: random.Random) -> Row:
    """When it happened, to a child of what age, and with what outcome: facts that agree."""
    happened = date(2025, 2, 24) + timedelta(days=rng.randrange(15))
    received = min(happened + timedelta(days=rng.randrange(4)), SENT_ON)
    born = happened - timedelta(days=20 + rng.randrange(6100))
    age = years(born, happened)
    looked_after = rng.random() < 0.2
    row: Row = {"incident": happened, "received": received, "born": born, "age": age}
    row["age"] = "under 1" if age == 0 else rng.choice((age, age, ""))
    row["legal"] = (
        rng.choice(("C2", "Full care order", "V2")) if looked_after else "Not looked after"
    )
    row["living"] = (
        rng.choice(("U4", "K2", "R1")) if looked_after else rng.choice(("At home", "Home"))
    )
    died = rng.random() < 0.4
    row["death"] = rng.choice(("Yes", "Y", "yes")) if died else rng.choice(("No", "N", "no"))
    row["natural"] = rng.choice(("No", "Not known", "n/k")) if died else ""
    row["cause"] = rng.choice(invented.CAUSES)
    row["nature"] = invented.NATURE_DEATH if died else invented.NATURE_HARM
    if died and looked_after:
        row["nature"] = f"{invented.NATURE_DEATH}; {invented.NATURE_LOOKED_AFTER}"
    return row


def people(rng: random.Random) -> Row:
    """The child, the family, their address: what must not travel."""
    first, last = rng.choice(invented.FIRST_NAMES), rng.choice(invented.LAST_NAMES)
    mother = f"{rng.choice(invented.FIRST_NAMES)} {last}"
    worker = f"{rng.choice(invented.FIRST_NAMES)} {rng.choice(invented.LAST_NAMES)}"
    letters = "".join(rng.choices(invented.POSTCODE_LETTERS, k=2))
    postcode = f"{rng.choice(invented.POSTCODE_AREAS)}{rng.randrange(1, 90)} {rng.randrange(10)}"
    narrative = rng.choice(invented.NARRATIVES)
    return {
        "full_name": f"{first} {last}", "known_as": first, "initials": first[0] + last[0],
        "mother": mother, "siblings": "; ".join(rng.sample(invented.FIRST_NAMES, rng.randrange(3))),
        "address": f"{rng.randrange(1, 90)} {rng.choice(invented.STREETS)}",
        "town": rng.choice(invented.TOWNS), "postcode": postcode + letters,
        "nhs": nhs_number(rng), "worker": worker,
        "worker_phone": f"07700 900{rng.randrange(1000):03d}",
        "worker_email": f"worker{rng.randrange(100):02d}@example.org",
        "narrative": narrative.format(child=first, worker=worker, mother=mother),
        "religion": rng.choice(invented.RELIGIONS), "language": rng.choice(invented.LANGUAGES),
    }  # fmt: skip


def review(rng: random.Random, after: date, before: date) -> Row:
    """A review's status and those dates that go with it, in order."""
    row: Row = dict.fromkeys(("panel", "decision", "report", "author", "published"), "")
    row["review"] = status = rng.choice(invented.SCR_STATUSES[:3])
    if status == "Commissioned":
        row["panel"] = panel = min(after + timedelta(days=rng.randrange(3)), before)
        row["decision"] = min(panel + timedelta(days=rng.randrange(4)), before)
        row["author"] = rng.choice(invented.SCR_AUTHORS)
    return row


def notification(rng: random.Random, number: int) -> Row:
    """One notifiable incident, without a fault."""
    row = incident(rng) | people(rng)
    received = row["received"]
    assert isinstance(received, date)  # noqa: S101 - for the type checker
    row |= review(rng, received, SENT_ON) if rng.random() < 0.4 else {"review": ""}
    row |= {
        "reference": f"SCN-2025-{number:04d}", "authority": rng.choice(invented.AUTHORITIES),
        "gender": rng.choice(invented.GENDERS), "ethnicity": rng.choice(invented.ETHNICITIES),
        "nationality": rng.choice(invented.NATIONALITIES), "created": received,
        "contact": rng.choice(invented.CONTACTS).format(rng.randrange(1000)),
        "plan": rng.choice(invented.PLANS), "disability": rng.choice(invented.DISABILITIES),
        "agencies": "; ".join(rng.sample(invented.AGENCIES, rng.randrange(1, 4))),
        "settings": rng.choice(invented.SETTINGS) if rng.random() < 0.3 else "",
        "elsewhere": rng.choice(("No", "no", "", "Not known")),
        "urns": f"EY{rng.randrange(10**6):06d}" if rng.random() < 0.2 else "",
        "case": f"{rng.choice(invented.OPENINGS)}. {rng.choice(invented.ENDINGS)}",
        "plan_reference": f"CPD-{rng.randrange(10**7):07d}" if rng.random() < 0.4 else "",
        "cie": SENT_ON - timedelta(days=rng.randrange(1, 5)) if rng.random() < 0.1 else "",
        "linked": f"SCN-2024-{rng.randrange(1, 999):04d}" if rng.random() < 0.1 else "",
    }  # fmt: skip
    return row


def update(rng: random.Random, about: Row) -> Row:
    """The board's decision about one notification, without a fault."""
    row = review(rng, date(2025, 3, 10), ANSWERED_ON)
    chair, officer = (
        f"{rng.choice(invented.FIRST_NAMES)} {rng.choice(invented.LAST_NAMES)}" for _ in range(2)
    )
    return row | {
        "reference": about["reference"], "authority": about["authority"], "chair": chair,
        "chair_email": f"chair{rng.randrange(100):02d}@example.org", "officer": officer,
        "publication": "Not yet decided" if row["review"] == "Commissioned" else "",
        "notes": rng.choice(("", f"Chased {officer} by telephone", "On the next agenda")),
    }  # fmt: skip


def notifications(seed: int, first: int, faults: tuple[Fault, ...]) -> tuple[list[Row], list[Row]]:
    """All rows of a file with its faults, and those rows that have none."""
    rng = random.Random(seed)  # noqa: S311 - the same made-up people every time
    rows = [notification(rng, first + index) for index in range(ROWS)]
    spoil(rows, faults)
    rows[50] = dict(rows[1])  # the very same row again
    rows[53] = rows[53] | {"reference": rows[7]["reference"]}  # another child under its reference
    not_clean = {7, 50, 53} | {index for index, _ in faults}
    return rows, [row for index, row in enumerate(rows) if index not in not_clean]


def updates(seed: int, about: list[Row], faults: tuple[Fault, ...]) -> list[Row]:
    """The answers to those notifications."""
    rng = random.Random(seed)  # noqa: S311
    rows = [update(rng, item) for item in about]
    spoil(rows, faults)
    return rows


# --- the files -----------------------------------------------------------------------------------

DATE_FORMS = {"received": "{0.day} {0:%b %Y}", "cie": "{0:%Y-%m-%d}", "created": "{0:%Y-%m-%d}"}


def write_csv(path: Path, title: str, columns: tuple[Column, ...], rows: list[Row]) -> None:
    """A CSV as a spreadsheet saves it: a byte order mark, CRLF, days first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows(([title], ["OFFICIAL-SENSITIVE. All people in it are made up."], []))
    writer.writerow(heading for heading, _ in columns)
    for number, row in enumerate(rows):
        if number == 25:
            writer.writerow("" for _ in columns)
        writer.writerow(_as_text(key, row.get(key, "")) for _, key in columns)
    writer.writerow(["Total", len(rows)] + [""] * (len(columns) - 2))
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())


def _as_text(key: str, value: Cell) -> str:
    if isinstance(value, date):
        return DATE_FORMS.get(key, "{0:%d/%m/%Y}").format(value)
    return str(value)


def write_xlsx(path: Path, title: str, columns: tuple[Column, ...], rows: list[Row]) -> None:
    """A workbook with true dates and numbers, a title, a blank row, totals and a second sheet."""
    book = xlsxwriter.Workbook(path)
    book.set_properties({"created": datetime.combine(SENT_ON, time(8)), "title": title})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("Extract")
    sheet.write_string(0, 0, title, bold)
    sheet.write_string(1, 0, "OFFICIAL-SENSITIVE. All people in it are made up.")
    for at, (heading, _) in enumerate(columns):
        sheet.write_string(3, at, heading, bold)
    line = 4
    for number, row in enumerate(rows):
        line += number == 25  # one row left blank
        for at, (_, key) in enumerate(columns):
            value = row.get(key, "")
            if isinstance(value, date):
                sheet.write_datetime(line, at, value, day)
            elif value == "#N/A":
                sheet.write_formula(line, at, "=NA()", None, "#N/A")
            elif value != "":
                sheet.write(line, at, value)
        line += 1
    sheet.write_string(line, 0, "Total", bold)
    sheet.write_number(line, len(columns) - 1, len(rows))
    notes = book.add_worksheet("About this export")
    notes.write_string(0, 0, "Exported for the daily transfer; do not forward.")
    book.close()


def shuffled(columns: tuple[Column, ...], seed: int) -> tuple[Column, ...]:
    """The same columns in another order."""
    order = list(columns)
    random.Random(seed).shuffle(order)  # noqa: S311
    return tuple(order)


def make(folder: Path) -> list[Path]:
    """Write the four files into a folder; gives their paths."""
    first, first_clean = notifications(20250313, 101, CSV_FAULTS)
    second, second_clean = notifications(20250314, 201, XLSX_FAULTS)
    other = tuple(
        (OTHER_WORDS.get(key, heading), key)
        for heading, key in NOTIFICATION_COLUMNS
        if key not in LEFT_OUT
    )
    paths = [
        folder / f"notifications-{SENT_ON}.csv",
        folder / f"notifications-{SENT_ON}-second-team.xlsx",
        folder / f"scr-updates-{ANSWERED_ON}.csv",
        folder / f"scr-updates-{ANSWERED_ON}-late-boards.xlsx",
    ]
    title = f"Safeguarding notifications, {SENT_ON:%d/%m/%Y}"
    write_csv(paths[0], title, shuffled(NOTIFICATION_COLUMNS, 1), first)
    write_xlsx(paths[1], title, shuffled(other, 2), second)
    title = f"Serious case reviews: boards' decisions, week to {ANSWERED_ON:%d/%m/%Y}"
    about = first_clean[:ANSWERS]
    write_csv(paths[2], title, shuffled(UPDATE_COLUMNS, 3), updates(3, about, UPDATE_FAULTS))
    about = second_clean[:ANSWERS]
    write_xlsx(paths[3], title, UPDATE_COLUMNS, updates(4, about, UPDATE_FAULTS[:2]))
    return paths


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for made in make(target):
        sys.stdout.write(f"{made}\n")
