"""Approved acts carried out by ticks: a package superseded, and staged rows that have served."""

import errno
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from approving import FIRST, REASON, asked, recalled, superseded
from rehearsing import AtWork, clean_row, packed

from gateway.cli.opening import open_for
from gateway.dispatch.manifest import inner_from_bytes, outer_from_bytes
from gateway.engine.acts import asking_about, carry_out
from gateway.intake.change import withdraw_drop
from gateway.receipts import supersede as superseding
from gateway.receipts.recall import ActRefused
from gateway.receipts.supersede import ask_supersede
from gateway.receipts.withholding import STATEMENT_OWED
from gateway.store.lifecycles import advance

SENT, FIXED, NEXT = "2026-03-02T16:05", "2026-03-02T17:00", "2026-03-03T16:05"
OLD, NEW = "notifications-2026-03-02-01", "notifications-2026-03-02-02"


def drop_of(work: AtWork, *rows: dict[str, str], at: str = FIXED) -> str:
    """Drop those rows, and let a tick take them; the drop's id."""
    work.rows(*rows)
    [taken] = work.tick(at).arrivals.processed
    return taken.drop_id


def act(work: AtWork, what, *words, at: str = FIXED):
    """Have it asked and approved, then carried out by a tick."""
    with work.parts(at) as (parts, now):
        what(parts, now, *words)
    return work.tick(at)


def opened(work: AtWork, package: str, party: str = "dfe"):
    """The rows' references and genders, and both manifests, as the recipient reads them."""
    folder = work.home.outbox_of(party, "notifications")
    to = work.home.root / f"opened-{package}-{party}"
    open_for(work.home, folder / f"{package}.zip.gpg", party, to, None)
    [_, *rows] = openpyxl.load_workbook(to / "data.xlsx").active.iter_rows(values_only=True)
    inner = inner_from_bytes((to / "manifest.json").read_bytes())
    outer = outer_from_bytes((folder / f"{package}.manifest.json").read_bytes())
    return {row[0][-1]: row[3] for row in rows}, inner, outer


def moved(work: AtWork, package: str, party: str, *states: str) -> None:
    """Move a delivery on as receipts would."""
    marks = {"collected": "collected_at", "opened": "opened_at", "accepted": "acknowledged_at"}
    before = "placed"
    with work.parts(FIXED) as (parts, now), parts.database.transaction() as tx:
        for state in states:
            values = {marks[state]: now}
            advance(tx, "delivery", {"id": f"{package}:{party}"}, before, state, values)
            before = state


def accepted(work: AtWork, package: str) -> None:
    """All recipients accept the package, as receipts would have it."""
    for party in ("dfe", "panel"):
        moved(work, package, party, "collected", "opened", "accepted")
    with work.parts(FIXED) as (parts, _), parts.database.transaction() as tx:
        advance(tx, "package", {"id": package}, "placed", "accepted")


def standing(work: AtWork) -> dict[str, str]:
    """The packages' states."""
    return dict(work.query("SELECT id, state FROM packages"))


@pytest.fixture
def sent(work):
    """Three rows, sent on Monday."""
    work.rows(clean_row(1), clean_row(2), clean_row(3))
    work.tick(SENT)
    return work


def test_superseded_by_the_newest_row_of_each_reference(sent):
    moved(sent, OLD, "dfe", "collected")
    fixed = drop_of(sent, clean_row(2, gender="Male"), clean_row(3), clean_row(4))
    report = act(sent, superseded, OLD, fixed)
    assert [(item.act, item.code) for item in report.acts] == [("supersede", None)]
    assert report.faults == []
    assert {item.package_id for item in report.placed} == {NEW}
    assert standing(sent) == {OLD: "superseded", NEW: "placed"}
    for party in ("dfe", "panel"):
        rows, inner, outer = opened(sent, NEW, party)
        assert rows == {"1": "Female", "2": "Male", "3": "Female", "4": "Female"}
        assert (inner.supersedes, outer.supersedes) == (OLD, OLD)
        assert (inner.updates, inner.certificate.counts.new) == ((), 4)  # as if OLD had never been
        assert f"{OLD}.zip.gpg" not in sent.outbox(party)
        assert f"{OLD}.recalled.json" in sent.outbox(party)
    assert [item for item in sent.open_alarms() if item[0] == STATEMENT_OWED] == [
        (STATEMENT_OWED, f"delivery:{OLD}:dfe")
    ]
    assert sent.windows()[0][1:] == ("packed", False, NEW)
    assert sent.query("SELECT superseded_by FROM packages WHERE id = ?", OLD) == [(NEW,)]
    [told] = sent.leaves("package.superseded")
    assert told["facts"]["by"] == NEW
    assert sent.leaves("package.recalled") == []
    drop_of(sent, clean_row(1), clean_row(2, gender="Male"), clean_row(3, gender="Male"), at=FIXED)
    [later] = packed(sent.tick(NEXT))
    assert (later.rows, later.updates) == (1, 1)


def test_superseded_by_the_corrected_drop_alone(sent):
    """A row that should never have been sent is gone, and may travel anew as a new row."""
    fixed = drop_of(sent, clean_row(2, gender="Male"), clean_row(3))
    act(sent, superseded, OLD, fixed, "alone")
    rows, inner, _ = opened(sent, NEW)
    assert rows == {"2": "Male", "3": "Female"}
    counts = inner.certificate.counts
    assert (counts.rows, counts.accepted, counts.repeats, counts.sent) == (2, 2, 0, 2)
    drop_of(sent, clean_row(1), clean_row(3))
    [later] = packed(sent.tick(NEXT))
    assert (later.rows, later.updates) == (1, 0)


def test_an_update_that_was_superseded_is_an_update_of_what_came_before(sent):
    drop_of(sent, clean_row(1, gender="Male"), clean_row(5), at="2026-03-03T10:00")
    second = packed(sent.tick(NEXT))[0].package_id
    fixed = drop_of(sent, clean_row(5, gender="Male"), at="2026-03-03T17:00")
    act(sent, superseded, second, fixed, "alone", at="2026-03-03T17:00")
    rows, inner, _ = opened(sent, "notifications-2026-03-03-02")
    assert (rows, inner.updates) == ({"5": "Male"}, ())
    drop_of(sent, clean_row(1, gender="Unknown"), at="2026-03-04T10:00")
    [later] = packed(sent.tick("2026-03-04T16:05"))
    assert (later.rows, later.updates) == (1, 1)  # row 1 stands since Monday


def test_superseded_twice_and_after_a_recall(sent):
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    act(sent, superseded, OLD, fixed)
    again = drop_of(sent, clean_row(3, gender="Male"), at="2026-03-02T17:10")
    act(sent, recalled, NEW, at="2026-03-02T17:15")
    act(sent, superseded, NEW, again, at="2026-03-02T17:20")
    third = "notifications-2026-03-02-03"
    assert standing(sent) == {OLD: "superseded", NEW: "superseded", third: "placed"}
    rows, inner, _ = opened(sent, third)
    assert rows == {"1": "Female", "2": "Male", "3": "Male"}
    assert inner.supersedes == NEW
    notice = sent.home.outbox_of("dfe", "notifications") / f"{NEW}.recalled.json"
    assert f'"superseded_by":"{third}"' in notice.read_text()


@pytest.mark.parametrize("cut", ["full disk", "killed"])
def test_cut_short_before_it_was_entered(sent, cut, monkeypatch, killing, checkout):
    """The vault has the bytes, the database knows nothing of them; the next tick does it all."""
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    with sent.parts(FIXED) as (parts, now):
        superseded(parts, now, OLD, fixed)
    before = len(sent.leaves())
    if cut == "killed":
        code = (
            "import os, signal, sys; from gateway.receipts import supersede\n"
            "supersede.enter_package = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "from gateway.cli import main; main()\n"
        )
        words = [sys.executable, "-c", code, "--home", str(sent.home.root), "tick", "--now", FIXED]
        ended = subprocess.run(words, cwd=checkout, check=False, capture_output=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        killing(sent.home.root)
    else:

        def full(*_words):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(superseding, "enter_package", full)
            report = sent.tick(FIXED)
        assert [fault.code for fault in report.faults] == ["disk.full"]
        assert "disk.full" in sent.alarms()
        before += 1
    assert standing(sent) == {OLD: "placed"}
    assert len(sent.leaves()) == before
    assert f"{OLD}.zip.gpg" in sent.outbox()
    report = sent.tick(FIXED)
    assert [item.code for item in report.acts] == [None]
    assert report.faults == []
    assert "disk.full" not in sent.alarms()
    assert standing(sent) == {OLD: "superseded", NEW: "placed"}
    assert opened(sent, NEW)[0]["2"] == "Male"
    assert len(sent.leaves("package.superseded")) == 1
    assert list(sent.home.packages_work.iterdir()) == []


def test_placed_later_from_the_very_bytes_in_the_vault(sent):
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    outbox = sent.home.outbox_of("dfe", "notifications")
    aside = outbox.with_name("aside")
    outbox.rename(aside)
    report = act(sent, superseded, OLD, fixed)
    assert {fault.code for fault in report.faults} == {"outbox.missing"}
    assert standing(sent) == {OLD: "superseded", NEW: "sealed"}
    aside.rename(outbox)
    report = sent.tick("2026-03-02T17:10")
    assert report.faults == []
    assert standing(sent)[NEW] == "placed"
    assert opened(sent, NEW)[0]["2"] == "Male"
    assert f"{OLD}.recalled.json" in sent.outbox()
    assert f"{OLD}.zip.gpg" not in sent.outbox()


def test_what_can_no_longer_be_superseded(sent):
    older = sent.query("SELECT id FROM drops")[0][0]
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    with sent.parts(FIXED) as (parts, now):
        asking = asking_about(parts, OLD, FIRST, now)
        for drop, code in (
            ("no-such-drop", "supersede.unknown-drop"),
            (older, "supersede.drop-not-waiting"),
        ):
            with pytest.raises(ActRefused) as refused:
                ask_supersede(asking, OLD, drop, "merged", REASON)
            assert refused.value.code == code
        superseded(parts, now, OLD, fixed)
        withdraw_drop(parts.database, fixed, now)
        ended, _ = carry_out(parts, now)
    assert [item.code for item in ended] == ["supersede.drop-not-waiting"]
    assert "request.failed" in sent.alarms()
    assert standing(sent) == {OLD: "placed"}
    another = drop_of(sent, clean_row(2, gender="Unknown"), at="2026-03-02T17:10")
    act(sent, superseded, OLD, another, at="2026-03-02T17:10")
    assert "request.failed" not in sent.alarms()
    assert standing(sent)[OLD] == "superseded"
    last = drop_of(sent, clean_row(3, gender="Male"), at="2026-03-02T17:20")
    with sent.parts(FIXED) as (parts, now), pytest.raises(ActRefused) as refused:
        asked(
            parts,
            now + timedelta(minutes=1),
            OLD,
            lambda asking: ask_supersede(asking, OLD, last, "merged", REASON),
        )
    assert refused.value.code == "supersede.not-standing"


# --- staged rows ---------------------------------------------------------------------------------


def staged(work: AtWork) -> int:
    """How many drops' accepted rows are staged."""
    return len(list(work.home.staged.glob("*.accepted")))


def test_staged_rows_go_when_all_have_accepted(sent):
    moved(sent, OLD, "dfe", "collected", "opened", "accepted")
    sent.tick(FIXED)
    assert staged(sent) == 1  # the panel has not accepted yet
    moved(sent, OLD, "panel", "collected", "opened", "accepted")
    with sent.parts(FIXED) as (parts, _), parts.database.transaction() as tx:
        advance(tx, "package", {"id": OLD}, "placed", "accepted")
    vault = {path.name for path in sent.home.vault.rglob("*") if path.is_file()}
    sent.tick(FIXED)
    assert staged(sent) == 0
    assert {path.name for path in sent.home.vault.rglob("*") if path.is_file()} == vault
    fixed = drop_of(sent, clean_row(2, gender="Male"), clean_row(1))
    with sent.parts(FIXED) as (parts, now):
        asking = asking_about(parts, OLD, FIRST, now)
        with pytest.raises(ActRefused) as refused:
            ask_supersede(asking, OLD, fixed, "merged", REASON)
    assert refused.value.code == "supersede.rows-gone"
    act(sent, superseded, OLD, fixed, "alone")
    assert opened(sent, NEW)[0] == {"1": "Female", "2": "Male"}


def test_staged_rows_stay_while_the_original_does_not_read_back(sent):
    accepted(sent, OLD)
    [(original,)] = sent.query("SELECT original FROM drops")
    path: Path = sent.home.vault / original[:2] / original
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[:-1])
    report = sent.tick(FIXED)
    assert [fault.code for fault in report.faults] == ["vault.damaged"]
    assert staged(sent) == 1
    path.write_bytes(whole)
    assert sent.tick(FIXED).faults == []
    assert staged(sent) == 0
    assert "vault.damaged" not in sent.alarms()


def test_staged_rows_of_a_superseded_package_wait_for_the_one_that_stands(sent):
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    act(sent, superseded, OLD, fixed)
    sent.tick(FIXED)
    assert staged(sent) == 2
    accepted(sent, NEW)
    sent.tick(FIXED)
    assert staged(sent) == 0


def test_a_window_takes_no_drop_that_an_approved_request_is_about(sent):
    """The act comes first, so that its drop does not travel as an update meanwhile."""
    fixed = drop_of(sent, clean_row(2, gender="Male"))
    with sent.parts(FIXED) as (parts, now):
        superseded(parts, now, OLD, fixed)
    report = sent.tick(NEXT)
    assert [item.code for item in report.acts] == [None]
    assert [item.kind for item in packed(report)] == ["nothing-received"]
    assert standing(sent)[NEW] == "placed"
