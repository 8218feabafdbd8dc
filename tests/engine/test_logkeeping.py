"""The ledger and its checkpoints outside the database: an older database is found at once."""

import os
import shutil

import pytest
from rehearsing import PLACED, AtWork, clean_row

from gateway.cli.opening import open_for, receipts_of_opening
from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import read_keys
from gateway.records.checkpoints import read
from gateway.store.database import Database

BEFORE, WINDOW, LATER, NEXT = (
    "2026-03-02T09:00",
    "2026-03-02T16:00",
    "2026-03-02T16:10",
    "2026-03-03T16:00",
)


def placed(work: AtWork) -> list[str]:
    """The packages that lie in dfe's outbox."""
    folder = work.home.outbox_of("dfe", "notifications")
    return sorted(path.name for path in folder.glob("*.zip.gpg"))


def kept_apart(work: AtWork) -> None:
    """Keep the database as it is now; `put_back` brings it."""
    database = Database.at(work.home.database)
    with database.transaction():
        pass
    database.close()
    shutil.copy(work.home.database, work.home.root / "older.db")


def put_back(work: AtWork) -> None:
    """Put the older database in place of the one that is there."""
    for more in ("-wal", "-shm"):
        work.home.database.with_name(f"gateway.db{more}").unlink(missing_ok=True)
    shutil.copy(work.home.root / "older.db", work.home.database)


@pytest.fixture
def sent(work: AtWork) -> AtWork:
    """A home that has sent one package, and whose database of before is kept."""
    work.tick(BEFORE)
    kept_apart(work)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    return work


def test_checkpoints_lie_with_every_party_and_name_what_was_sent(sent: AtWork) -> None:
    home = sent.home
    note = home.checkpoint.read_text()
    seen = read(note, read_keys(home.log_keys))
    leaves = sent.leaves()
    told = [leaf["event"] for leaf in leaves[: seen.size]]
    assert told.count("delivery.placed") == len(PLACED)
    assert leaves[seen.size]["event"] == "checkpoint.made"
    assert all(
        home.checkpoint_of(party).read_text() == note for party in ("ofsted", "dfe", "panel")
    )
    sent.tick(LATER)
    assert home.checkpoint.read_text() == note, "nothing happened"
    sent.tick(NEXT)
    assert home.checkpoint.read_text() != note


def test_an_older_database_stops_dispatch_until_the_latest_is_back(sent: AtWork) -> None:
    latest = sent.home.root / "latest.db"
    shutil.copy(sent.home.database, latest)
    put_back(sent)
    sent.rows(clean_row(2))
    sent.tick(NEXT)
    assert sent.alarms()["ledger.rolled-back"] == "log:files"
    assert placed(sent) == ["notifications-2026-03-02-01.zip.gpg"], "nothing more went out"
    assert sent.query("SELECT count(*) FROM packages")[0][0] == 0
    shutil.move(latest, sent.home.root / "older.db")
    put_back(sent)
    sent.rows(clean_row(3))
    sent.tick(NEXT)
    assert "ledger.rolled-back" not in sent.alarms()
    assert len(placed(sent)) == 2


def test_one_witness_is_enough(sent: AtWork) -> None:
    put_back(sent)
    for path in (
        sent.home.checkpoint,
        *(sent.home.checkpoint_of(who) for who in ("ofsted", "dfe")),
    ):
        path.unlink()
    sent.tick(NEXT)
    assert "ledger.rolled-back" in sent.alarms()


def test_another_past_is_found(sent: AtWork) -> None:
    put_back(sent)
    for number in range(9):  # as much happens again, and otherwise
        sent.rows(clean_row(number + 10))
        with sent.parts(LATER) as (parts, now):
            shutil.move(sent.home.checkpoint, sent.home.root / "aside")
            others = [sent.home.checkpoint_of(who) for who in ("ofsted", "dfe", "panel")]
            for path in others:
                path.unlink(missing_ok=True)
            del parts, now
        sent.tick(LATER)
        shutil.move(sent.home.root / "aside", sent.home.checkpoint)
    sent.tick(NEXT)
    assert "ledger.forked" in sent.alarms()


def test_a_file_that_nobody_signed_stops_nothing(sent: AtWork) -> None:
    sent.home.checkpoint.write_text("not a note")
    sent.rows(clean_row(2))
    sent.tick(NEXT)
    assert len(placed(sent)) == 2
    assert read(sent.home.checkpoint.read_text(), read_keys(sent.home.log_keys))


def test_a_lost_key_is_alarmed_and_stops_nothing(sent: AtWork) -> None:
    key = HomeKeys(sent.home.root).log_key
    aside = key.read_bytes()
    key.unlink()
    sent.rows(clean_row(2))
    sent.tick(NEXT)
    assert "note.no-key" in sent.alarms()
    assert len(placed(sent)) == 2
    key.write_bytes(aside)
    key.chmod(0o600)
    sent.tick("2026-03-03T16:10")
    assert "note.no-key" not in sent.alarms()


def test_an_older_copy_of_the_whole_home_is_found_by_the_next_receipt(work: AtWork) -> None:
    work.tick(BEFORE)
    older = work.home.root.with_name("older")
    shutil.copytree(work.home.root, older, symlinks=True)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    package = work.home.outbox_of("dfe", "notifications") / "notifications-2026-03-02-01.zip.gpg"
    opened = open_for(work.home, package, "dfe", work.home.root / "opened", None)
    receipts_of_opening(work.home, opened.outer, "dfe", work.home.root / "opened", LATER)
    copy = AtWork(older, work.reader)
    for path in work.home.receipts_of("dfe").iterdir():
        shutil.copy2(path, copy.home.receipts_of("dfe"))
        os.utime(copy.home.receipts_of("dfe") / path.name, (0, 0))
    copy.rows(clean_row(2))
    copy.tick(LATER)
    assert copy.alarms()["ledger.rolled-back"] == "log:witnesses"
    assert placed(copy) == [], "nothing is sent a second time"
    copy.tick(NEXT)
    assert placed(copy) == []


def test_a_checkpoint_that_could_not_be_given_out_is_given_out_at_the_next_tick(
    work: AtWork,
) -> None:
    work.rows(clean_row(1))
    work.tick("2026-03-02T10:00")
    place = work.home.checkpoint_of("dfe")
    place.unlink()
    (place / "in the way").mkdir(parents=True)
    work.tick("2026-03-02T16:05")
    assert "log:checkpoint" in work.alarms().values()
    (place / "in the way").rmdir()
    place.rmdir()
    work.tick("2026-03-02T16:06")
    assert "log:checkpoint" not in work.alarms().values()
    assert place.read_text(encoding="utf-8") == work.home.checkpoint.read_text(encoding="utf-8")
