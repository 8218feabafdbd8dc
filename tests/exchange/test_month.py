"""A simulated month: the alarms raised are exactly the expected ones, none twice, none missing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mailing import Postbox, serving
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


ESCALATED = [
    ("delivery.not-collected", f"delivery:{UNCOLLECTED}:panel", 1, "2026-05-18 12:00"),
    ("delivery.not-collected", f"delivery:{UNCOLLECTED}:panel", 2, "2026-05-19 12:00"),
]
CLEARED = {
    "drop.not-by-cut-off": "2026-05-21 16:00",  # of the silent day: its window has gone
    "query.unanswered": "2026-05-13 16:00",
    "window.missed": "2026-05-13 16:00",
    "update.late": "2026-05-18 12:00",
    "delivery.not-collected": "2026-05-20 12:00",
    "delivery.not-opened": "2026-05-19 16:00",
    "delivery.not-accepted": "2026-05-21 16:00",
    "flow.nothing-received": "2026-05-22 12:00",
}
WORKED = [day for day in weekdays(FIRST, LAST) if day not in BANK_HOLIDAYS]


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def month(rehearsal_home: Path, warm_reader: Reader, postbox: Postbox) -> Iterator[Month]:
    with serving(postbox) as port:
        made = Month(AtWork(rehearsal_home, warm_reader))
        made.work.settings(
            f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            'sender = "gateway@example.test"\n'
        )
        yield made


def morning(month: Month, day: str) -> None:
    """Recipients receive what was placed; senders drop, but for the days on which they do not."""
    for party in ("dfe", "panel"):
        for package in month.waiting(party):
            if (package, party) == (UNCOLLECTED, "panel") and day < "2026-05-20":
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


def test_a_month_of_alarms_e_mails_and_digests(month: Month, postbox: Postbox) -> None:
    """Exactly the expected alarms, none twice, none missing; each ended by what it waited for."""
    live(month)
    expected = [(code, subject.replace("QUERY", month.query), at) for code, subject, at in EXPECTED]
    raised = month.alarms()
    assert set(raised) == set(expected)
    assert len(raised) == len(expected)
    assert month.told_of("alarm.escalated") == ESCALATED
    ended = {code: at for (code, _), at in month.cleared().items()}
    assert ended == CLEARED
    assert month.work.open_alarms() == []
    recorded = [(code, subject, at) for code, subject, _, at in month.told_of("alarm.raised")]
    assert recorded == raised
    _digests_are_there(month)
    _each_news_went_once(month, postbox)


def _digests_are_there(month: Month) -> None:
    """One for each working day, that of the outage made up for; and the days add up."""
    for party in ("ofsted", "dfe", "panel"):
        names = [path.name for path in sorted(month.work.home.reports_of(party).glob("digest-*"))]
        assert names == [f"digest-{day}.txt" for day in WORKED], party
    found = {day: month.digests(day) for day in WORKED}
    events = month.steps()
    for (party, kind), days in events.items():
        for day in WORKED:
            told = sum(
                line[kind] for line in found[day][party]["flows"] if line["recipient"] == party
            )
            assert told == days.get(day, 0), (party, kind, day)
    assert sum(sum(days.values()) for days in events.values()) > 4 * 2 * 19


def _each_news_went_once(month: Month, postbox: Postbox) -> None:
    rows = month.work.query("SELECT kind, state, key FROM mails")
    assert {state for _, state, _ in rows} == {"sent"}
    assert len(postbox.taken) == len(rows) == len({key for *_, key in rows})
    assert len(month.work.leaves("mail.sent")) == len(rows)
    assert sum(kind == "digest" for kind, *_ in rows) == 3 * 3 * len(WORKED)
    told = Counter(made["Subject"] for _, made in postbox.taken)
    # the panel's two recipients and the sender's two; then approvers; then administrators
    assert told["REHEARSAL: Gateway: a package was not collected in time"] == 4 + 6 + 2
    assert told["REHEARSAL: Gateway: no drop for today's window yet"] == 2 * 2
