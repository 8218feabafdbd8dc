"""Reconciliation: what is on a list and when it leaves, who opens it, and that it is made once."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from approving import REASON, approved_by
from hypothesis import given
from hypothesis import strategies as st
from rehearsing import UPDATE_HEADINGS, UPDATES, AtWork, clean_row, csv_of, update_row

from gateway.agreement.model import Calendar
from gateway.agreement.workingdays import WorkingDays
from gateway.crypto.openpgp import OpenPGP
from gateway.engine.acts import asking_about
from gateway.engine.parts import Parts
from gateway.engine.status import status_of
from gateway.receipts.recall import ask_recall
from gateway.receipts.reconciliation import last_day_over, list_file

FIRST = "2026-03-02T16:00"  # a Monday
WHY, REFERENCE, SINCE, AGE, PACKAGE = range(5)


def updates(work: AtWork, *numbers: int, status: str = "Commissioned") -> None:
    rows = [update_row(number, status) for number in numbers]
    work.drop(csv_of(rows, UPDATE_HEADINGS), UPDATES)


def listed(work: AtWork, party: str, day: str) -> list[list[str]]:
    """The lines of a list, as the party opens it, the signature verified."""
    sealed = work.home.reports_of(party) / list_file(UPDATES, date.fromisoformat(day))
    plain = work.home.root / f"list-{party}-{day}.csv"
    with work.parts("2026-12-31T09:00") as (parts, _):
        gateway = parts.pins.gateway
    with OpenPGP(work.home.keys / "rehearsal" / party) as openpgp:
        openpgp.decrypt(sealed, plain, gateway)
    lines = list(csv.reader(io.StringIO(plain.read_text("utf-8-sig"))))
    plain.unlink()
    assert lines[0][REFERENCE] == "Reference number"
    return lines[1:]


def recalled_by(parts: Parts, now: datetime, party: str, package: str) -> None:
    """Officers of that party ask for a recall and approve it."""
    first, second, third = (f"{party}-officer-{number}" for number in (1, 2, 3))
    request = ask_recall(asking_about(parts, package, first, now), package, REASON)
    approved_by(parts, now, request, second, third)


@pytest.fixture
def sent(work: AtWork) -> Iterator[AtWork]:
    """A home that has sent five references on Monday 2 March 2026."""
    work.rows(*(clean_row(number) for number in range(1, 6)))
    work.tick(FIRST)
    yield work


def test_the_unknown_and_the_long_unanswered_are_listed_for_both_sides(sent: AtWork) -> None:
    updates(sent, 1, 2, 9)
    report = sent.tick("2026-03-06T12:00")
    assert [(item.row.party, item.row.unknown, item.row.unanswered) for item in report.lists] == [
        ("dfe", 1, 0),
        ("ofsted", 1, 0),
    ]
    told = [["Never sent", "SCN000009", "2026-03-06", "0", "scr-updates-2026-03-06-01"]]
    assert listed(sent, "dfe", "2026-03-06") == listed(sent, "ofsted", "2026-03-06") == told

    # 20 working days after 2 March is Monday the 30th; Good Friday and Easter Monday do not count.
    for friday in ("2026-03-13", "2026-03-20", "2026-03-27"):
        sent.tick(f"{friday}T12:00")
        assert all(line[WHY] == "Never sent" for line in listed(sent, "ofsted", friday))
    sent.tick("2026-04-02T12:00")  # the working day before Good Friday
    lines = listed(sent, "dfe", "2026-04-02")
    assert lines[0][: AGE + 1] == ["Never sent", "SCN000009", "2026-03-06", "19"]
    late = {"SCN000003", "SCN000004", "SCN000005"}
    assert {line[REFERENCE] for line in lines[1:]} == late
    assert {line[AGE] for line in lines[1:]} == {"23"}
    updates(sent, 3, status="not  REQUIRED")  # read as the label it is
    updates(sent, 4, status="Under consideration")
    sent.tick("2026-04-10T12:00")
    lines = listed(sent, "dfe", "2026-04-10")
    assert {line[REFERENCE] for line in lines} == {"SCN000004", "SCN000005"}, "one was answered"
    assert {(line[WHY], line[AGE]) for line in lines} == {("Not answered", "27")}, "over Easter"


def test_only_a_decision_answers_and_only_while_its_package_stands(sent: AtWork) -> None:
    def waiting(day: str) -> set[str]:
        sent.tick(f"{day}T12:00")
        return {line[REFERENCE] for line in listed(sent, "ofsted", day)}

    under = "Under consideration"
    updates(sent, 1, 2, status=under)
    dated = {**update_row(3, under), "SCR decision date": "2026-03-05"}
    sent.drop(csv_of([dated], dated), UPDATES)
    sent.tick("2026-03-06T12:00")
    updates(sent, 1)  # decided
    sent.tick("2026-03-13T12:00")
    updates(sent, 1)  # a cumulative extract: the row is known and does not travel again
    sent.tick("2026-03-20T12:00")
    assert waiting("2026-04-02") == {"SCN000002", "SCN000004", "SCN000005"}
    updates(sent, 1, status=under)  # what was decided stays decided
    assert waiting("2026-04-10") == {"SCN000002", "SCN000004", "SCN000005"}
    with sent.parts("2026-04-10T13:00") as (parts, now):
        recalled_by(parts, now, "dfe", "scr-updates-2026-03-13-01")
    sent.tick("2026-04-10T13:10")
    assert waiting("2026-04-17") == {"SCN000001", "SCN000002", "SCN000004", "SCN000005"}


def test_a_reference_is_no_longer_unknown_once_it_was_sent(sent: AtWork) -> None:
    updates(sent, 9)
    sent.tick("2026-03-06T12:00")
    sent.rows(clean_row(9))
    sent.tick("2026-03-06T16:00")
    sent.tick("2026-03-13T12:00")
    assert listed(sent, "dfe", "2026-03-13") == []


def test_a_reference_is_matched_however_it_is_written(sent: AtWork) -> None:
    sent.drop(
        csv_of([{**update_row(1), "Reference number": "scn000001"}], UPDATE_HEADINGS), UPDATES
    )
    sent.tick("2026-03-06T12:00")
    assert listed(sent, "dfe", "2026-03-06") == []


def test_lists_are_made_once_and_the_same_bytes_go_again(sent: AtWork) -> None:
    updates(sent, 9)
    reports = sent.home.reports_of("ofsted")
    name = list_file(UPDATES, date(2026, 3, 6))
    aside = reports.with_name("aside")
    reports.rename(aside)  # the outbox is not there
    report = sent.tick("2026-03-06T12:00")
    assert [item.row.party for item in report.lists] == ["dfe"]
    subject = "reconciliation:scr-updates-2026-03-06:ofsted"
    assert ("outbox.missing", subject) in sent.open_alarms()
    assert sent.query("SELECT party, state FROM reconciliations ORDER BY party") == [
        ("dfe", "placed"),
        ("ofsted", "sealed"),
    ]
    shutil.rmtree(reports, ignore_errors=True)
    aside.rename(reports)
    report = sent.tick("2026-03-06T12:10")
    assert [item.row.party for item in report.lists] == ["ofsted"]
    assert subject not in dict(map(reversed, sent.open_alarms()))
    assert (reports / name).is_file()
    for moment in ("2026-03-06T12:20", "2026-03-09T16:00"):
        assert sent.tick(moment).lists == []
    assert [leaf["facts"]["party"] for leaf in sent.leaves("reconciliation.listed")] == [
        "dfe",
        "ofsted",
    ]
    assert len(sent.leaves("reconciliation.placed")) == 2


def test_a_list_that_cannot_be_sealed_is_made_at_the_next_tick(
    sent: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates(sent, 9)
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr("gateway.receipts.reconciliation.write_csv", full)
        report = sent.tick("2026-03-06T12:00")
    assert [fault.code for fault in report.faults] == ["disk.full"]
    assert UPDATES in {item.flow for item in report.dispatched}, "the package went all the same"
    assert ("disk.full", "reconciliation:scr-updates") in sent.open_alarms()
    assert list(sent.home.packages_work.iterdir()) == []
    assert len(sent.tick("2026-03-06T12:10").lists) == 2
    assert "disk.full" not in sent.alarms()


def test_a_week_without_updates_has_its_list_too(sent: AtWork) -> None:
    report = sent.tick("2026-03-06T12:00")
    assert len(report.lists) == 2
    assert listed(sent, "ofsted", "2026-03-06") == []


def test_no_plaintext_is_left_and_no_count_is_open_in_the_ledger(sent: AtWork) -> None:
    updates(sent, 9)
    sent.tick("2026-03-06T12:00")
    sent.tick("2026-04-02T12:00")
    token = b"SCN00000"
    for path in sent.home.root.rglob("*"):
        assert not path.is_file() or token not in path.read_bytes(), path
    (leaf, *_) = sent.leaves("reconciliation.listed")
    assert sorted(leaf["commits"]) == ["unanswered", "unknown"]
    assert sorted(leaf["facts"]) == ["day", "flow", "party"]


def test_status_counts_what_is_on_the_lists(sent: AtWork) -> None:
    updates(sent, 9)
    sent.tick("2026-03-06T12:00")
    with sent.parts("2026-03-06T12:30") as (parts, now):
        told = status_of(parts, now)["reconciliations"]
    assert [(row["party"], row["state"], row["unknown"]) for row in told] == [
        ("dfe", "placed", 1),
        ("ofsted", "placed", 1),
    ]
    assert json.dumps(told).count("SCN") == 0


def test_who_is_no_party_to_the_flow_gets_no_list(sent: AtWork) -> None:
    sent.tick("2026-03-06T12:00")
    folder: Path = sent.home.reports_of("panel")
    assert not folder.is_dir() or not list(folder.glob("reconciliation-*"))


@given(
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.integers(min_value=0, max_value=40),
)
def test_the_last_day_over_a_deadline(today: date, count: int) -> None:
    days = WorkingDays(Calendar())
    last = last_day_over(days, today, count)
    assert days.between(last, today) == count + 1
    assert days.between(date.fromordinal(last.toordinal() + 1), today) == count
