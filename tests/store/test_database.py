"""The database: how it is opened, how it waits, what it says when it cannot."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gateway.store import alarms, meta
from gateway.store.database import Database, StoreFault
from gateway.store.schema import UtcDateTime, metadata

LONDON = ZoneInfo("Europe/London")


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the database open for writing."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def test_every_connection_is_safe_against_loss_of_power(
    database: Database, database_file: Path
) -> None:
    with database.transaction() as tx:
        asked = {
            name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    plain = sqlite3.connect(database_file)
    assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_a_snapshot_waits_for_no_writer_and_stays_as_it_was(
    database: Database, database_file: Path
) -> None:
    with held(database_file) as other, database.snapshot() as seen:
        assert meta.get(seen, "first-day:x") is None
        other.execute("INSERT INTO meta (key, value) VALUES ('first-day:x', '2026-03-02')")
        other.execute("COMMIT")
        assert meta.get(seen, "first-day:x") is None
    with database.snapshot() as seen:
        assert meta.get(seen, "first-day:x") == "2026-03-02"


def test_in_a_snapshot_nothing_is_written_and_afterwards_all_is_as_before(
    database: Database,
) -> None:
    with pytest.raises(StoreFault), database.snapshot() as seen:
        meta.put(seen, "first-day:x", "2026-03-02")
    with database.transaction() as tx:
        meta.put(tx, "first-day:x", "2026-03-03")
        assert meta.get(tx, "first-day:x") == "2026-03-03"


def test_a_transaction_takes_the_write_lock_from_the_start(
    database: Database, database_file: Path
) -> None:
    """IMMEDIATE: a second writer is refused before the first one has written anything."""
    other = sqlite3.connect(database_file, timeout=0, isolation_level=None)
    with database.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_second_writer_waits_for_the_first(database: Database, database_file: Path) -> None:
    begun, done = threading.Event(), []

    def write_second() -> None:
        begun.set()
        with database.transaction() as tx:
            meta.put(tx, "order", f"{meta.get(tx, 'order')} second")
        done.append(True)

    other = Database.at(database_file)
    with other.transaction() as tx:
        thread = threading.Thread(target=write_second)
        thread.start()
        begun.wait()
        meta.put(tx, "order", "first")
        assert not done
    thread.join()
    with database.transaction() as tx:
        assert meta.get(tx, "order") == "first second"
    other.close()


def test_a_locked_database_is_told_plainly(database_file: Path) -> None:
    impatient = Database.at(database_file, busy_seconds=0)
    with held(database_file), pytest.raises(StoreFault) as told, impatient.transaction():
        pytest.fail("it began although another program writes")
    assert told.value.code == "database.locked"
    assert "next tick" in told.value.hint
    with impatient.transaction() as tx:
        meta.put(tx, "a", "b")
    impatient.close()


def test_a_database_locked_while_the_tables_are_looked_at_or_made(database_file: Path) -> None:
    impatient = Database.at(database_file, busy_seconds=0)
    for act in (impatient.require_current, impatient.upgrade):
        with held(database_file), pytest.raises(StoreFault) as told:
            act()
        assert told.value.code == "database.locked"
    impatient.close()


def test_a_database_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    absent = Database.at(tmp_path / "no folder" / "gateway.db")
    with pytest.raises(StoreFault) as told, absent.transaction():
        pytest.fail("it began without a database")
    assert told.value.code == "database.unavailable"


@pytest.mark.parametrize(
    "content", [b"this is no database at all" * 100, b"SQLite format 3\0" * 80]
)
def test_a_damaged_database_is_told_plainly(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(content)
    damaged = Database.at(path)
    for act in (damaged.require_current, damaged.upgrade):
        with pytest.raises(StoreFault) as told:
            act()
        assert told.value.code == "database.damaged"
        assert "backup" in told.value.hint
    damaged.close()


def test_a_full_disk_is_told_plainly(database: Database) -> None:
    with pytest.raises(StoreFault) as told, database.transaction() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(200):
            meta.put(tx, f"key {number}", "x" * 1000)
    assert told.value.code == "disk.full"


def test_a_fault_of_a_caller_is_not_mistaken_for_the_database_s(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        tx.execute(sa.insert(metadata.tables["ledger_salts"]).values(seq=9, name="a", salt=b""))


# --- time ----------------------------------------------------------------------------------------


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 2, 16, 0)
    with pytest.raises(sa.exc.StatementError, match="without a zone"), database.transaction() as tx:
        alarms.raise_once(tx, "a.b", "home", "words", naive)


@given(
    moment=st.datetimes(
        min_value=datetime(1900, 1, 1),
        max_value=datetime(2200, 1, 1),
        timezones=st.one_of(
            st.just(UTC),
            st.just(LONDON),
            st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
        ),
    )
)
def test_a_time_comes_back_as_the_same_moment_in_utc(moment: datetime) -> None:
    dialect = sa.create_engine("sqlite://").dialect
    kept = UtcDateTime().process_bind_param(moment, dialect)
    assert kept is not None and kept.tzinfo is None
    back = UtcDateTime().process_result_value(kept, dialect)
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_times_round_trip_through_the_file(database: Database) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=LONDON)
    with database.transaction() as tx:
        alarms.raise_once(tx, "a.b", "home", "words", moment)
    with database.transaction() as tx:
        (alarm,) = alarms.open_alarms(tx)
    assert alarm.raised_at == moment.astimezone(UTC)
    assert alarm.cleared_at is None
    assert UtcDateTime().process_bind_param(None, sa.create_engine("sqlite://").dialect) is None
