"""Ordinary days: what a tick does, once; what travels, and what is said when nothing does."""

import csv
import json

import openpyxl
import pytest
from rehearsing import (
    NIL,
    NOTIFICATIONS,
    UPDATE_HEADINGS,
    UPDATES,
    AtWork,
    clean_row,
    csv_of,
    packed,
    update_row,
)

from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.opening import open_package
from gateway.dispatch.password import released_password
from gateway.intake.change import ChangeRefused, replace_drop, withdraw_drop

MONDAY, AT_FOUR = "2026-03-02T09:00", "2026-03-02T16:00"


def opened(work: AtWork, package: str, party: str = "dfe") -> tuple[list[str], dict[str, object]]:
    """The references in a package's workbook, and its inner manifest, as the party opens it."""
    flow = package[: -len("-2026-03-02-01")]
    path = work.home.outbox_of(party, flow) / f"{package}.zip.gpg"
    to = work.home.root / f"opened-{party}-{package}"
    with work.parts("2026-12-31T09:00") as (parts, _), parts.database.transaction() as tx:
        password = released_password(tx, parts.sealer, package, party)
        gateway = parts.pins.gateway
    with OpenPGP(work.home.keys / "rehearsal" / party) as openpgp:
        open_package(path, openpgp, gateway, password, to)
    sheet = openpyxl.load_workbook(to / "data.xlsx").active
    references = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    return references, json.loads((to / "manifest.json").read_text())


# --- one day -------------------------------------------------------------------------------------


def test_a_drop_is_taken_and_travels_at_the_window(work: AtWork) -> None:
    path = work.rows(clean_row(1), clean_row(2), clean_row(3, gender="Klingon"), clean_row(1))
    report = work.tick(MONDAY)
    (drop,) = report.arrivals.processed
    verdict = drop.verdict
    assert (drop.state, drop.flow, drop.party) == ("partly-held", NOTIFICATIONS, "ofsted")
    assert (verdict.rows, verdict.accepted, verdict.held, verdict.repeats) == (4, 2, 1, 1)
    assert not path.exists()
    assert report.dispatched == []
    assert work.packages() == []

    report = work.tick(AT_FOUR)
    (package,) = packed(report)
    assert (package.rows, package.updates, package.held) == (2, 0, 1)
    assert {placed.party for placed in report.placed} == {"dfe", "panel"}
    for party in ("dfe", "panel"):
        references, manifest = opened(work, package.package_id, party)
        assert references == ["SCN000001", "SCN000002"]
        assert manifest["kind"] == "data"
        assert manifest["rehearsal"] is True
    assert work.states() == ["sent"]
    assert list(work.home.drops_work.glob("*/*")) == []
    assert list(work.home.packages_work.iterdir()) == []


def test_a_drop_that_comes_with_the_window_still_goes_by_it(work: AtWork) -> None:
    work.tick(MONDAY)
    work.rows(clean_row(1))
    (package,) = packed(work.tick(AT_FOUR))
    assert package.rows == 1


def test_several_drops_go_in_one_package(work: AtWork) -> None:
    for number in (3, 1, 2):
        work.rows(clean_row(number))
    (package,) = packed(work.tick("2026-03-02T16:00"))
    references, manifest = opened(work, package.package_id)
    assert references == ["SCN000003", "SCN000001", "SCN000002"]
    assert len(manifest["certificate"]["drops"]) == 3  # type: ignore[index,call-overload]


def test_tick_twice_changes_nothing(work: AtWork) -> None:
    work.rows(clean_row(1), clean_row(2, gender="?"))
    (work.home.inbox / "ofsted" / "link.csv").symlink_to("/nowhere")
    (work.home.inbox_of("ofsted", NOTIFICATIONS) / "link.csv").symlink_to("/nowhere")
    for moment in (MONDAY, AT_FOUR, "2026-03-06T16:00"):
        work.tick(moment)
        before = work.database(), work.files()
        again = work.tick(moment)
        assert (again.arrivals.processed, again.dispatched, again.placed) == ([], [], [])
        assert (again.faults, again.arrivals.faults) == ([], [])
        assert (work.database(), work.files()) == before


def test_the_ledger_tells_the_day(work: AtWork) -> None:
    work.rows(clean_row(1))
    work.tick(MONDAY)
    work.tick(AT_FOUR)
    told = [leaf["event"] for leaf in work.leaves()]
    start = told.index("drop.received")
    assert told[start:] == [
        *("drop.received", "drop.judged", "original.handed-over", "checkpoint.made"),
        *("window.due", "package.sealed", "window.packed"),
        *("drop.sent", "delivery.placed", "delivery.placed", "package.placed"),
        "checkpoint.made",
    ]
    text = json.dumps(work.leaves())
    assert "SCN000001" not in text and "Zzyzwick" not in text


# --- nothing to send -----------------------------------------------------------------------------


def test_silence_is_told_and_alarmed_until_a_drop_comes(work: AtWork) -> None:
    work.tick(MONDAY)
    for moment in (AT_FOUR, "2026-03-03T16:00"):
        (package,) = packed(work.tick(moment))
        assert (package.kind, package.rows) == ("nothing-received", 0)
    alarms = [alarm for alarm in work.open_alarms() if alarm[0] == "flow.nothing-received"]
    assert alarms == [("flow.nothing-received", "flow:notifications")]
    references, manifest = opened(work, "notifications-2026-03-03-01", "panel")
    assert (references, manifest["kind"]) == ([], "nothing-received")
    work.rows(clean_row(1))
    work.tick("2026-03-04T09:00")
    assert "flow.nothing-received" not in work.alarms()


def test_headings_alone_declare_a_nil_day_each_day_anew(work: AtWork) -> None:
    for day in ("2026-03-02", "2026-03-03"):
        work.drop(NIL)
        report = work.tick(f"{day}T15:00")
        assert [item.state for item in report.arrivals.processed] == ["accepted"]
        (package,) = packed(work.tick(f"{day}T16:00"))
        assert package.kind == "nil-declared"
        assert package.sentence.startswith("Nil return")
    codes = {code for code, _ in work.open_alarms()}
    assert codes == {"delivery.not-collected"}  # Monday's: nobody collects anything here


def test_a_day_whose_every_row_is_held_is_no_nil_return(work: AtWork) -> None:
    work.rows(clean_row(1, gender="?"), clean_row(2, case="Call 07700 900123"))
    (package,) = packed(work.tick(AT_FOUR))
    assert (package.kind, package.rows, package.held) == ("rows-held", 0, 2)
    assert work.alarms()["flow.rows-held"] == "flow:notifications"
    _, manifest = opened(work, package.package_id)
    assert manifest["kind"] == "rows-held"


def test_the_alarm_of_held_rows_ends_when_rows_travel_and_may_come_again(work: AtWork) -> None:
    work.rows(clean_row(1, gender="?"))
    work.tick(AT_FOUR)
    work.rows(clean_row(1))
    work.tick("2026-03-03T16:00")
    assert "flow.rows-held" not in work.alarms()
    work.rows(clean_row(2, gender="?"))
    work.tick("2026-03-04T16:00")
    assert "flow.rows-held" in work.alarms()


def test_a_quarantined_drop_declares_nothing(work: AtWork) -> None:
    work.drop(b"neither headings\nnor data\n")
    report = work.tick(AT_FOUR)
    assert [item.state for item in report.arrivals.processed] == ["quarantined"]
    assert packed(report)[0].kind == "nothing-received"
    assert work.states() == ["quarantined"]


# --- what was sent before ------------------------------------------------------------------------


def test_a_cumulative_extract_sends_only_what_is_news(work: AtWork) -> None:
    work.rows(clean_row(1), clean_row(2))
    work.tick(AT_FOUR)
    work.rows(clean_row(1), clean_row(2, case="The plan was reviewed."), clean_row(3))
    report = work.tick("2026-03-03T16:00")
    (drop,) = report.arrivals.processed
    assert (drop.verdict.accepted, drop.verdict.repeats, drop.verdict.already_sent) == (2, 1, 1)
    assert drop.verdict.by_code()["row.already-sent"] == 1
    (package,) = packed(report)
    assert (package.rows, package.updates) == (2, 1)
    references, manifest = opened(work, package.package_id)
    assert references == ["SCN000002", "SCN000003"]
    assert manifest["updates"] == [2]  # the sheet's row: the headings are its first


def test_the_very_same_file_again_is_a_duplicate(work: AtWork) -> None:
    content = csv_of([clean_row(1)])
    work.drop(content)
    work.drop(content)
    report = work.tick(MONDAY)
    assert [item.state for item in report.arrivals.processed] == ["accepted", "duplicate"]
    work.tick(AT_FOUR)
    work.drop(content)
    report = work.tick("2026-03-03T16:00")
    (drop,) = report.arrivals.processed
    assert drop.state == "duplicate"
    assert drop.verdict.by_code() == {"drop.duplicate": 1}
    assert "Already here" in drop.report.read_text(encoding="utf-8")
    assert packed(report)[0].kind == "nothing-received"


# --- withdrawn and replaced ----------------------------------------------------------------------


def ids(work: AtWork) -> list[str]:
    return [drop_id for (drop_id,) in work.query("SELECT id FROM drops ORDER BY number")]


def test_a_drop_withdrawn_before_its_window_does_not_travel(work: AtWork) -> None:
    work.rows(clean_row(1))
    work.rows(clean_row(2))
    with work.parts(MONDAY) as (parts, now):
        work.tick(MONDAY)
        withdraw_drop(parts.database, ids(work)[0], now)
    (package,) = packed(work.tick(AT_FOUR))
    references, _ = opened(work, package.package_id)
    assert references == ["SCN000002"]
    with work.parts(AT_FOUR) as (parts, now), pytest.raises(ChangeRefused):
        withdraw_drop(parts.database, ids(work)[1], now)


def test_a_withdrawn_file_may_be_dropped_again(work: AtWork) -> None:
    content = csv_of([clean_row(1)])
    work.drop(content)
    with work.parts(MONDAY) as (parts, now):
        work.tick(MONDAY)
        withdraw_drop(parts.database, ids(work)[0], now)
    work.drop(content)
    (package,) = packed(work.tick(AT_FOUR))
    assert (package.rows, work.states()) == (1, ["withdrawn", "sent"])


def test_a_replaced_drop_does_not_travel_and_its_successor_does(work: AtWork) -> None:
    work.rows(clean_row(1), clean_row(2))
    work.rows(clean_row(3))
    with work.parts(MONDAY) as (parts, now):
        work.tick(MONDAY)
        replace_drop(parts.database, *ids(work), now)
    (package,) = packed(work.tick(AT_FOUR))
    references, _ = opened(work, package.package_id)
    assert (references, work.states()) == (["SCN000003"], ["replaced", "sent"])
    with work.parts(AT_FOUR) as (parts, now), pytest.raises(ChangeRefused):
        replace_drop(parts.database, *ids(work), now)


# --- the other flow ------------------------------------------------------------------------------


def test_updates_come_back_weekly_and_unknown_references_are_told(work: AtWork) -> None:
    work.rows(clean_row(1))
    work.tick(AT_FOUR)
    work.drop(csv_of([update_row(1), update_row(77)], UPDATE_HEADINGS), UPDATES)
    report = work.tick("2026-03-06T12:00")
    (drop,) = report.arrivals.processed
    assert (drop.state, drop.verdict.accepted) == ("accepted", 2)
    assert drop.verdict.by_code() == {"reconcile.unknown-reference": 1}
    (package,) = packed(report, UPDATES)
    assert package.package_id == "scr-updates-2026-03-06-01"
    assert work.packages("ofsted", UPDATES) == [package.package_id]


def test_the_sender_can_open_what_was_sent(work: AtWork) -> None:
    work.rows(clean_row(1))
    (package,) = packed(work.tick(AT_FOUR))
    path = work.home.outbox_of("dfe", NOTIFICATIONS) / f"{package.package_id}.zip.gpg"
    with work.parts(AT_FOUR) as (parts, _):
        gateway = parts.pins.gateway
    with OpenPGP(work.home.keys / "rehearsal" / "ofsted") as openpgp:
        assert openpgp.decrypt(path, work.home.root / "sent.zip", gateway) is not None


# --- what the sender is told ---------------------------------------------------------------------


def test_the_report_lies_in_the_sender_s_outbox(work: AtWork) -> None:
    work.rows(clean_row(1), clean_row(2, gender="?"))
    (drop,) = work.tick(MONDAY).arrivals.processed
    assert drop.report.parent == work.home.reports_of("ofsted")
    assert drop.report.name == f"notifications-2026-03-02-{drop.drop_id}.html"
    with drop.report.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    assert [(record["code"], record["row"], record["column"]) for record in records] == [
        ("file.columns-dropped", "", ""),
        ("code.unknown", "3", "Gender"),
    ]
