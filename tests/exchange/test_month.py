"""A simulated month: the alarms raised are exactly the expected ones, none twice, none missing."""

from pathlib import Path

import pytest
from month import Month, weekdays
from rehearsing import UPDATES, AtWork

from gateway.intake.confined.reader import Reader

FIRST, LAST = "2026-04-27", "2026-05-27"  # 21 working days
BANK_HOLIDAYS = {"2026-05-04", "2026-05-25"}
LATE_DROP, OUTAGE, SILENT = "2026-05-06", "2026-05-12", "2026-05-21"
NO_UPDATE = "2026-05-15"
QUERIED = "notifications-2026-05-07-01"
AFTER_OUTAGE = f"notifications-{OUTAGE}-01"
UNCOLLECTED = "notifications-2026-05-14-01"
UNOPENED = "notifications-2026-05-18-01"
UNACCEPTED = "notifications-2026-05-19-01"

EXPECTED = [
    ("drop.not-by-cut-off", f"window:notifications:{LATE_DROP}", "2026-05-06 14:00"),
    ("query.unanswered", "thread:QUERY", "2026-05-13 12:00"),
    ("window.missed", f"window:notifications:{OUTAGE}", "2026-05-13 12:00"),
    ("update.late", f"flow:{UPDATES}", "2026-05-15 12:00"),
    ("delivery.not-collected", f"delivery:{UNCOLLECTED}:panel", "2026-05-15 12:00"),
    ("delivery.not-opened", f"delivery:{UNOPENED}:dfe", "2026-05-19 14:00"),
    ("delivery.not-accepted", f"delivery:{UNACCEPTED}:panel", "2026-05-21 12:00"),
    ("drop.not-by-cut-off", f"window:notifications:{SILENT}", "2026-05-21 14:00"),
    ("flow.nothing-received", "flow:notifications", "2026-05-21 16:00"),
]


@pytest.fixture
def month(rehearsal_home: Path, warm_reader: Reader) -> Month:
    return Month(AtWork(rehearsal_home, warm_reader))


def morning(month: Month, day: str) -> None:
    """Recipients receive what was placed; senders drop, but for the days on which they do not."""
    for party in ("dfe", "panel"):
        for package in month.waiting(party):
            if (package, party) == (UNCOLLECTED, "panel") and day < "2026-05-19":
                continue
            month.receive(day, "09:30", package, party, "collected")
            if (package, party) == (UNOPENED, "dfe"):
                continue
            month.receive(day, "09:40", package, party, "opened")
            if (package, party) == (QUERIED, "dfe"):
                month.receive(day, "09:50", package, party, "queried")
                month.ask(day, "09:50", package)
            elif (package, party) != (UNACCEPTED, "panel"):
                month.receive(day, "10:00", package, party, "accepted")
    if day not in (LATE_DROP, SILENT):
        month.drop()
    if (day in ("2026-05-01", "2026-05-08", "2026-05-22")) or day == "2026-05-18":
        month.update()


def afternoon(month: Month, day: str) -> None:
    """Ofsted receives the weekly update; what was late is done at last."""
    for package in month.waiting("ofsted", UPDATES):
        month.receive(day, "15:00", package, "ofsted", "collected", "opened", "accepted")
    if day == LATE_DROP:
        month.drop()
    if day == "2026-05-13":
        month.answer(day, "15:30")
        month.receive(day, "15:40", QUERIED, "dfe", "accepted")
        for party in ("dfe", "panel"):  # what went at noon, after the outage
            month.receive(day, "15:00", AFTER_OUTAGE, party, "collected", "opened", "accepted")
    if day == "2026-05-19":
        month.receive(day, "15:30", UNOPENED, "dfe", "opened", "accepted")
    if day == "2026-05-21":
        month.receive(day, "15:30", UNACCEPTED, "panel", "accepted")


def live(month: Month) -> None:
    """The month, with four looks a day; none on the day of the outage."""
    for day in weekdays(FIRST, LAST):
        if day == OUTAGE:
            continue
        if day in BANK_HOLIDAYS:
            month.work.tick(f"{day}T12:00")
            continue
        morning(month, day)
        month.work.tick(f"{day}T12:00")
        if day == "2026-05-13":
            month.drop()  # the morning's went with the package that covers the outage
        month.work.tick(f"{day}T14:00")
        afternoon(month, day)
        month.work.tick(f"{day}T16:00")
        month.work.tick(f"{day}T17:00")


def test_the_alarms_of_a_month_are_the_expected_ones(month: Month) -> None:
    live(month)
    expected = [(code, subject.replace("QUERY", month.query), at) for code, subject, at in EXPECTED]
    raised = month.alarms()
    assert set(raised) == set(expected)
    assert len(raised) == len(expected)
