"""Bad things in an inbox: each has a coded, plain answer; the file is kept; the others go on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rehearsing import NOTIFICATIONS, UPDATES, AtWork, clean_row, csv_of, packed

MONDAY, AT_FOUR = "2026-03-02T09:00", "2026-03-02T16:00"
HEADINGS = ",".join(clean_row(0))
BAD_FILES = {
    "empty": (b"", "file.empty"),
    "not what its name says": (b"\x89PNG\r\n\x1a\n" + bytes(200), "file.unknown-format"),
    "NUL bytes": (HEADINGS.encode() + b"\nSCN0001,\x00\n", "file.nul-bytes"),
    "wrong encoding": ("é,è\n".encode("utf-16-be") * 40, "file."),
    "no headings": (b"one,two\n1,2\n", "file.no-headings"),
    "a heading missing": (f"Reference number,Gender,Age{os.linesep}".encode(), "file.heading-m"),
    "a heading twice": (f"{HEADINGS},Gender\n".encode(), "file.heading-twice"),
    "an open quote": (HEADINGS.encode() + b'\n"SCN0001,and so on\n', "file.quotes"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "file."),
    "half a workbook": (b"PK\x03\x04" + os.urandom(400), "file."),
}


@pytest.mark.parametrize("name", list(BAD_FILES))
def test_a_file_that_cannot_be_taken_is_quarantined(work: AtWork, name: str) -> None:
    content, code = BAD_FILES[name]
    work.drop(content, name=f"{name}.csv")
    work.rows(clean_row(1))
    report = work.tick(MONDAY)
    bad, good = report.arrivals.processed
    assert (bad.state, good.state) == ("quarantined", "accepted")
    codes = bad.verdict.by_code()
    assert any(item.startswith(code) for item in codes), codes
    assert "Quarantined" in bad.report.read_text(encoding="utf-8")
    assert (report.faults, report.arrivals.faults, work.open_alarms()) == ([], [], [])


def test_a_huge_cell_holds_its_row_alone(work: AtWork) -> None:
    work.rows(clean_row(1, case="x" * 1024 * 1024), clean_row(2))
    (drop,) = work.tick(MONDAY).arrivals.processed
    assert (drop.state, drop.verdict.accepted, drop.verdict.held) == ("partly-held", 1, 1)
    assert "cell.too-long" in drop.verdict.by_code()


def test_a_lone_carriage_return_in_a_cell_travels(work: AtWork) -> None:
    work.rows(clean_row(1, case="The plan was agreed.\rIt was reviewed."))
    (package,) = packed(work.tick(AT_FOUR))
    assert package.rows == 1


def test_a_hostile_name_is_never_told(work: AtWork) -> None:
    names = ["..csv", "a\nb Zzyzwick.csv", "$(touch zzyzwick).csv", "<b>Zzyzwick.csv"]
    for number, name in enumerate(names, start=1):
        work.drop(csv_of([clean_row(number)]), name=name)
    report = work.tick(MONDAY)
    assert [item.state for item in report.arrivals.processed] == ["accepted"] * 4
    told = "\n".join(
        path.read_text(encoding="utf-8") for path in work.home.reports_of("ofsted").iterdir()
    )
    assert "zzyzwick" not in (told + "\n".join(work.database())).lower()


# --- at the door ---------------------------------------------------------------------------------


def lay(work: AtWork, kind: str) -> Path:
    """Something in the inbox that is not to be taken."""
    target = work.home.root / "elsewhere.csv"
    target.write_bytes(csv_of([clean_row(9)]))
    path = work.home.inbox_of("ofsted", NOTIFICATIONS) / "odd.csv"
    if kind == "door.symlink":
        path.symlink_to(target)
    elif kind == "door.hard-link":
        os.link(target, path)
    elif kind == "door.not-a-file":
        os.mkfifo(path)
    else:
        with path.open("wb") as file:
            file.truncate(600 * 1024 * 1024)  # a hole: nothing is written
    return path


@pytest.mark.parametrize(
    "code", ["door.symlink", "door.hard-link", "door.not-a-file", "door.too-large"]
)
def test_what_is_no_ordinary_file_stays_and_is_alarmed_until_it_goes(
    work: AtWork, code: str
) -> None:
    path = lay(work, code)
    work.rows(clean_row(1))
    report = work.tick(MONDAY)
    assert [item.finding.code for item in report.arrivals.refusals] == [code]
    assert [item.finding.code for item in report.arrivals.newly_refused] == [code]
    assert [item.state for item in report.arrivals.processed] == ["accepted"]
    assert os.path.lexists(path)
    subject = work.alarms()[code]
    assert subject.startswith("inbox:ofsted:notifications:")
    (page,) = work.home.reports_of("ofsted").glob("*-not-taken-*.html")
    assert "Not taken" in page.read_text(encoding="utf-8")

    again = work.tick(AT_FOUR)
    assert [item.finding.code for item in again.arrivals.refusals] == [code]
    assert again.arrivals.newly_refused == []
    assert packed(again)[0].rows == 1, "a file that is not taken keeps no window waiting"
    path.unlink()
    work.tick("2026-03-02T16:05")
    assert code not in work.alarms()


def test_an_owner_who_may_not_drop_is_refused(work: AtWork) -> None:
    work.settings(f"allowed_owners = [{os.getuid() + 4242}]\n")
    work.rows(clean_row(1))
    report = work.tick(MONDAY)
    assert [item.finding.code for item in report.arrivals.refusals] == ["door.owner"]
    work.settings(f"allowed_owners = [{os.getuid()}]\n")
    assert work.tick("2026-03-02T09:05").arrivals.processed[0].state == "accepted"
    assert work.open_alarms() == []


STRAY = (
    *("stray.csv", "nobody/notifications/a.csv", "dfe/notifications/a.csv", "ofsted/a.csv"),
    *("ofsted/notifications/march/a.csv", "ofsted/scr-updates/a.csv"),
)


@pytest.mark.parametrize("place", STRAY)
def test_files_where_no_flow_looks_are_alarmed_until_they_go(work: AtWork, place: str) -> None:
    path = work.home.inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv_of([clean_row(1)]))
    for moment in (MONDAY, "2026-03-02T10:00"):
        assert work.tick(moment).arrivals.processed == []
        assert work.open_alarms() == [("door.unknown-folder", "inbox")]
        assert path.is_file()
    path.unlink()
    work.tick("2026-03-02T11:00")
    assert work.open_alarms() == []


@pytest.mark.parametrize("place", ["ofsted/.DS_Store", "ofsted/x/~$a.xlsx"])
def test_what_programs_leave_about_is_no_stray_file(work: AtWork, place: str) -> None:
    path = work.home.inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    work.tick(MONDAY)
    assert work.open_alarms() == []


# --- still arriving ------------------------------------------------------------------------------

HOLDS = "import sys; f = open(sys.argv[1], 'ab'); print('ready', flush=True); sys.stdin.read()"


@contextmanager
def being_written(path: Path) -> Iterator[None]:
    """Another program has the file open for writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def test_a_window_waits_for_a_drop_that_is_still_arriving(work: AtWork) -> None:
    work.tick(MONDAY)
    path = work.rows(clean_row(1))
    with being_written(path):
        report = work.tick(AT_FOUR)
        assert report.arrivals.unfinished == {NOTIFICATIONS: 1}
        assert [item.day.isoformat() for item in report.waiting_windows] == ["2026-03-02"]
        assert (packed(report), work.windows()[0][1]) == ([], "due")
    (package,) = packed(work.tick("2026-03-02T16:05"))
    assert package.rows == 1
    assert work.open_alarms() == []


def test_a_window_does_not_wait_for_ever(work: AtWork) -> None:
    work.tick(MONDAY)
    path = work.rows(clean_row(1))
    with being_written(path):
        work.tick(AT_FOUR)
        report = work.tick("2026-03-02T16:31")
        (package,) = packed(report)
        assert package.kind == "nothing-received"
        assert work.alarms()["window.went-without"] == "window:notifications:2026-03-02"
        assert path.is_file()
    (drop,) = work.tick("2026-03-02T16:32").arrivals.processed
    assert drop.state == "accepted"


def test_a_drop_still_arriving_in_one_flow_keeps_no_other_waiting(work: AtWork) -> None:
    work.tick("2026-03-06T09:00")
    path = work.drop(b"", UPDATES)
    with being_written(path):
        report = work.tick("2026-03-06T16:00")
    assert len(packed(report)) == 1
    assert [item.flow for item in report.dispatched] == [NOTIFICATIONS, UPDATES]
