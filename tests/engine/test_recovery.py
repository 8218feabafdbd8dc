"""`ledger recover` and `ledger rotate-key`: what both parties approve, and what then goes on."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from approving import FIRST, SECOND, approved_by
from rehearsing import AtWork, clean_row

from gateway.cli.opening import open_for, receipts_of_opening
from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import open_note, read_keys
from gateway.engine.evidence import export_pack
from gateway.engine.parts import Parts
from gateway.engine.recovery import ask_key_change, ask_recovery, gap_of
from gateway.receipts.recall import ActRefused
from gateway.records import ledger as book
from gateway.records.checkpoints import compare, read, unsound
from gateway.records.logfiles import export_log
from gateway.store import logs
from gateway.store.database import Database

BEFORE, WINDOW, LATER, NEXT, AFTER = (
    "2026-03-02T09:00",
    "2026-03-02T16:00",
    "2026-03-02T16:30",
    "2026-03-03T16:00",
    "2026-03-04T16:00",
)
OTHER, REASON = "dfe-officer-2", "The disk was restored from last week's backup."
PACKAGE = "notifications-2026-03-02-01"


@pytest.fixture
def older(work: AtWork) -> AtWork:
    """A home that has sent a package, and behind whose back an older database was put."""
    work.tick(BEFORE)
    kept_apart(work)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    put_back(work)
    return work


def kept_apart(work: AtWork) -> None:
    """Keep the database as it is now."""
    Database.at(work.home.database).close()
    shutil.copy(work.home.database, work.home.root / "older.db")


def put_back(work: AtWork) -> None:
    """Put the older database in place of the one that is there."""
    for more in ("-wal", "-shm"):
        work.home.database.with_name(f"gateway.db{more}").unlink(missing_ok=True)
    shutil.copy(work.home.root / "older.db", work.home.database)


def recovery(parts: Parts, now: datetime) -> str:
    """A request for recovery that both parties have approved."""
    request = ask_recovery(parts, FIRST, REASON, now)
    assert approved_by(parts, now, request, SECOND).state == "open"
    assert approved_by(parts, now, request, OTHER).state == "approved"
    return request.id


def seen_of(work: AtWork, path: Path | None = None) -> tuple[str, int]:
    """The log's number and size of the checkpoint that lies about."""
    seen = read((path or work.home.checkpoint).read_text(), read_keys(work.home.log_keys))
    return seen.origin.rpartition("/")[2], seen.size


def test_both_parties_bring_dispatch_back(older: AtWork) -> None:
    lost = older.home.checkpoint.read_text()
    older.rows(clean_row(2))
    older.tick(LATER)
    assert older.alarms()["ledger.rolled-back"] == "log:files"
    with older.parts(LATER) as (parts, now):
        gap = gap_of(parts)
        assert gap is not None
        assert gap.packages == (PACKAGE,)
        assert gap.last == read(lost, read_keys(older.home.log_keys)).size
        with parts.database.transaction() as tx:
            assert gap.first == book.head(tx).size + 1, "each leaf since is gone"
        request = recovery(parts, now)
    report = older.tick(LATER)
    assert [(act.act, act.code) for act in report.acts] == [("recover-ledger", None)]
    assert not {"ledger.rolled-back", "ledger.forked"} & set(older.alarms())
    assert sorted(older.packages()) == [PACKAGE, "notifications-2026-03-02-02"]

    (opened,) = older.leaves("log.opened")
    assert opened["facts"]["lost-from"] == gap.first
    assert opened["facts"]["lost-to"] == gap.last
    assert [leaf["subject"] for leaf in older.leaves("package.lost")] == [f"package:{PACKAGE}"]
    assert {leaf["facts"]["party"] for leaf in older.leaves("witness.lost")} >= {"dfe", "ofsted"}
    with older.parts(NEXT) as (parts, _):
        with parts.database.transaction() as tx:
            first, second = logs.every(tx)
            at = second.first_seq - 1
            known = read_keys(parts.home.log_keys)
            assert compare(tx, read(lost, known)) == "recovered"
        assert (second.number, second.request_id) == (2, request)
        assert json.loads(leaf_at(older, at + 1))["event"] == "log.opened"
        assert book.verify(parts.database).wrong == ()
        assert unsound(parts.database, known) == []
        assert first.cites is None
        assert second.cites
        assert gap_of(parts) is None
    older.rows(clean_row(3))
    older.tick(NEXT)
    assert len(older.packages()) == 3
    assert seen_of(older)[0] == "2"


def leaf_at(work: AtWork, seq: int) -> bytes:
    """The bytes of a leaf."""
    ((leaf,),) = work.query("SELECT leaf FROM ledger WHERE seq = ?", seq)
    return bytes(leaf)


def test_an_older_database_yet_again_is_found_after_a_recovery(older: AtWork) -> None:
    older.tick(LATER)
    with older.parts(LATER) as (parts, now):
        recovery(parts, now)
    older.tick(LATER)
    put_back(older)
    older.rows(clean_row(2))
    older.tick(NEXT)
    assert "ledger.rolled-back" in older.alarms(), "the second log is not known here"
    with older.parts(NEXT) as (parts, now):
        recovery(parts, now)
    older.tick(NEXT)
    assert "ledger.rolled-back" not in older.alarms()
    assert seen_of(older)[0] == "3"


def test_an_older_home_is_found_by_a_receipt_and_recovered(work: AtWork) -> None:
    work.tick(BEFORE)
    older = work.home.root.with_name("older")
    shutil.copytree(work.home.root, older, symlinks=True)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    package = work.home.outbox_of("dfe", "notifications") / f"{PACKAGE}.zip.gpg"
    opened = open_for(work.home, package, "dfe", work.home.root / "opened", None)
    receipts_of_opening(work.home, opened.outer, "dfe", work.home.root / "opened", LATER)
    copy = AtWork(older, work.reader)
    for path in work.home.receipts_of("dfe").iterdir():
        shutil.copy2(path, copy.home.receipts_of("dfe"))
        os.utime(copy.home.receipts_of("dfe") / path.name, (0, 0))
    copy.tick(LATER)
    assert copy.alarms()["ledger.rolled-back"] == "log:witnesses"
    with copy.parts(LATER) as (parts, now):
        gap = gap_of(parts)
        assert gap is not None
        note = work.home.checkpoint_of("dfe").read_text()
        assert gap.cited == read(note, read_keys(work.home.log_keys))
        recovery(parts, now)
    copy.rows(clean_row(2))
    copy.tick(NEXT)
    assert "ledger.rolled-back" not in copy.alarms()
    assert len(copy.packages()) == 1


def test_nothing_is_recovered_that_stands(work: AtWork) -> None:
    work.tick(BEFORE)
    with work.parts(BEFORE) as (parts, now), pytest.raises(ActRefused) as refused:
        ask_recovery(parts, FIRST, REASON, now)
    assert refused.value.code == "ledger.stands"


def test_what_is_shown_after_it_was_asked_makes_it_be_asked_anew(older: AtWork) -> None:
    later = older.home.checkpoint_of("dfe")
    note = later.read_text()
    for path in (older.home.checkpoint, *map(older.home.checkpoint_of, ("ofsted", "dfe", "panel"))):
        path.unlink()
    with older.parts(LATER) as (parts, _):
        assert gap_of(parts) is None
    older.tick(LATER)
    put_back(older)
    with older.parts(NEXT) as (parts, now):  # it has seen what that tick gave out
        request = recovery(parts, now)
        del request
    later.write_text(note)
    older.tick(NEXT)
    assert "request.failed" in older.alarms()
    assert "ledger.rolled-back" in older.alarms()


# --- the key of checkpoints -----------------------------------------------------------------------


def changed_key(work: AtWork, at: str) -> None:
    """A new key, approved by both parties and made by the next tick."""
    with work.parts(at) as (parts, now):
        approved_by(parts, now, ask_key_change(parts, FIRST, "It is due.", now), SECOND, OTHER)
    work.tick(at)


def test_the_old_key_signs_once_more_with_the_new(work: AtWork) -> None:
    work.tick(BEFORE)
    before = HomeKeys(work.home.root).log_key.read_bytes()
    changed_key(work, WINDOW)
    old, new = known = read_keys(work.home.log_keys)
    (told,) = work.leaves("ledger.key-changed")
    assert told["facts"] == {"old": old.id.hex(), "new": new.id.hex()}
    notes = [row[0] for row in work.query("SELECT note FROM checkpoints ORDER BY size")]
    by = [open_note(note, known)[1] for note in notes]
    assert by[0] == (old,)
    assert (old, new) in by
    assert by[-1] in {(old, new), (new,)}
    assert HomeKeys(work.home.root).log_key.read_bytes() != before
    assert HomeKeys(work.home.root).log_key.stat().st_mode & 0o777 == 0o600
    with work.parts(NEXT) as (parts, _):
        assert unsound(parts.database, known) == []


def test_a_lost_key_is_followed_by_another(work: AtWork) -> None:
    work.tick(BEFORE)
    HomeKeys(work.home.root).log_key.unlink()
    work.rows(clean_row(1))
    work.tick(WINDOW)
    assert "note.no-key" in work.alarms()
    changed_key(work, LATER)
    assert "note.no-key" not in work.alarms()
    new = read_keys(work.home.log_keys)[-1]
    assert open_note(work.home.checkpoint.read_text(), [new])[1] == (new,)


def test_a_recovered_record_is_proven_to_strangers(
    older: AtWork, checkout: Path, tmp_path: Path
) -> None:
    """Both logs and both keys; and what the second log cites is borne out by its own leaves."""
    older.tick(LATER)
    with older.parts(LATER) as (parts, now):
        recovery(parts, now)
    older.tick(LATER)
    changed_key(older, NEXT)
    export, pack, alone = tmp_path / "log", tmp_path / "pack.zip", checkout / "tools"
    with older.parts(AFTER) as (parts, now):
        export_pack(parts, pack, (date(2026, 3, 1), date(2026, 3, 4)), None, now)
        with parts.database.transaction() as tx:
            export_log(tx, parts.home.log_keys, export)

    def told(path: Path) -> str:
        command = [sys.executable, "-P", str(alone / "verify_evidence.py"), str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    assert "what was lost of gateway/" in told(pack)
    assert told(pack).endswith("Everything that is signed holds.\n")
    assert "what it lacks is lost" in told(export)
    assert told(export).endswith("Everything that is signed holds.\n")
    note = max(
        (export / "2" / "checkpoints").iterdir(), key=lambda path: path.read_text().count("—")
    )
    for path, old in ((export / "2" / "log.json", b"\\n"), (note, b"\xe2\x80\x94 gateway/")):
        whole = path.read_bytes()
        at = whole.rindex(old) - 3 if path.suffix == ".json" else whole.index(old) + len(old)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert "NOT PROVEN" in told(export), path.name
        path.write_bytes(whole)
