"""Both databases keep the same rules: one writer, looks of one moment, faults in the same words."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from twins import Twin

from gateway.settings import DatabaseSettings
from gateway.store import drops, meta
from gateway.store import ledger as ledger_rows
from gateway.store.address import address
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.dump import dumped
from gateway.store.ledger import LeafRow
from gateway.store.schema import ledger, ledger_salts

AT = datetime(2026, 3, 2, 16, 0, 0, 123456, tzinfo=UTC)


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fails() -> None:
        with database.transaction() as tx:
            meta.put(tx, "a", "b")
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    with database.snapshot() as tx:
        assert meta.get(tx, "a") is None


def test_a_second_writer_waits_and_then_sees_what_the_first_wrote(twin: Twin) -> None:
    begun, done = threading.Event(), []

    def write_second() -> None:
        begun.set()
        with twin.database.transaction() as tx:
            meta.put(tx, "order", f"{meta.get(tx, 'order')} second")
        done.append(True)

    with closing(twin.again()) as other:
        with other.transaction() as tx:
            thread = threading.Thread(target=write_second)
            thread.start()
            begun.wait()
            meta.put(tx, "order", "first")
            assert not done
        thread.join()
    with twin.database.snapshot() as tx:
        assert meta.get(tx, "order") == "first second"


def test_a_writer_that_waits_too_long_is_told_plainly(twin: Twin) -> None:
    with closing(twin.again(busy_seconds=0)) as impatient:
        refused = pytest.raises(StoreFault)
        with twin.database.transaction(), refused as told, impatient.transaction():
            pytest.fail("it began although another writes")
        assert told.value.code == "database.locked"
        with impatient.transaction() as tx:
            meta.put(tx, "a", "b")


def test_a_snapshot_waits_for_no_writer_and_is_of_one_moment(twin: Twin) -> None:
    with closing(twin.again()) as other:
        with twin.database.snapshot() as seen:
            assert meta.get(seen, "a") is None
            with other.transaction() as tx:
                meta.put(tx, "a", "b")
                with twin.database.snapshot() as during:
                    assert meta.get(during, "a") is None
            assert meta.get(seen, "a") is None
        with twin.database.snapshot() as seen:
            assert meta.get(seen, "a") == "b"


def test_in_a_snapshot_nothing_is_written_and_afterwards_all_is_as_before(
    database: Database,
) -> None:
    with pytest.raises(StoreFault) as told, database.snapshot() as seen:
        meta.put(seen, "a", "b")
    assert told.value.code == "database.unavailable"
    with database.transaction() as tx:
        meta.put(tx, "a", "c")
        assert meta.get(tx, "a") == "c"


def test_what_is_kept_cannot_be_rewritten_and_the_refusal_has_its_code(database: Database) -> None:
    with database.transaction() as tx:
        ledger_rows.append(tx, leaf(1), {"rows": b"s" * 16})
    before = dumped(database)
    for act in (
        sa.update(ledger).values(leaf=b"x"),
        sa.delete(ledger_salts),
        sa.insert(ledger).values(**vars(leaf(1))),
    ):
        with pytest.raises(StoreFault) as told, database.transaction() as tx:
            tx.execute(act)
        assert told.value.code == "deletion.refused"
    assert dumped(database) == before


def leaf(seq: int) -> LeafRow:
    told = b'{"at": "2026-03-02T16:00:00Z", "event": "drop.received", "subject": "drop:x"}'
    return LeafRow(seq, told, seq.to_bytes(32), b"")


def test_a_fault_of_a_caller_is_not_mistaken_for_the_database_s(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        tx.execute(sa.insert(ledger_salts).values(seq=9, name="a", salt=b""))


def test_values_come_back_as_they_were_put(database: Database) -> None:
    counts = {"rows": 1, "accepted": 1, "held": 0, "repeats": 0, "findings": {"é": 2}}
    with database.transaction() as tx:
        add_drop(tx, "x")
        told = {**counts, "columns_sealed": bytes(range(256))}
        tx.execute(sa.update(drops.drops).values(**told))
    with database.snapshot() as tx:
        row = drops.get(tx, "x")
    assert row is not None
    assert (row.received_at, row.findings, row.size) == (AT, {"é": 2}, 2**40)
    assert row.columns_sealed == bytes(range(256))


def add_drop(tx: Transaction, drop_id: str) -> None:
    told = {"flow": "f", "party": "p", "received_at": AT, "size": 2**40}
    drops.add(tx, drop_id=drop_id, **told, sha256="s", original="o", agreement_hash="h")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["x" * 500, "nul\0 within", "\N{GRINNING FACE}", "'\"%(a)s:b\\"])
def test_any_text_can_be_put_and_sought(database: Database, text: str) -> None:
    with database.transaction() as tx:
        assert meta.get(tx, text) is None
        meta.put(tx, text, text)
        assert meta.get(tx, text) in (text, text.replace("\0", "\ufffd"))


def test_text_is_put_in_order_as_python_does(database: Database) -> None:
    names = ["a-b", "a", "B", "ab", "a b", "é", "Z", "_", "10", "9"]
    with database.transaction() as tx:
        for name in names:
            meta.put(tx, name, "")
        found = tx.scalars(sa.select(meta.meta.c.key).order_by(meta.meta.c.key)).all()
    assert [name for name in found if name in names] == sorted(names)


def test_statement_by_statement_keeps_each_at_once(twin: Twin) -> None:
    engine = twin.database.statement_by_statement()
    with engine.connect() as connection:
        connection.execute(sa.insert(meta.meta).values(key="a", value="b"))
        assert twin.by_hand("SELECT value FROM meta WHERE key = 'a'") == [("b",)]


def test_a_dump_tells_every_change(database: Database) -> None:
    before = dumped(database)
    with database.transaction() as tx:
        add_drop(tx, "x")
    after = dumped(database)
    assert {name for name in after if after[name] != before[name]} == {"drops", "state_counts"}


# --- PostgreSQL alone: what a file cannot do ------------------------------------------------------


@pytest.fixture
def served(twin: Twin) -> Twin:
    """A database of the server."""
    if twin.server is None:
        pytest.skip("a file has no server")
    return twin


def test_a_server_that_was_restarted_is_used_again(served: Twin) -> None:
    assert served.server is not None
    with served.database.transaction() as tx:
        meta.put(tx, "a", "b")

    def cut_off() -> None:
        with served.database.transaction() as tx:
            meta.put(tx, "a", "lost")
            served.server.restart()  # type: ignore[union-attr]
            meta.get(tx, "a")

    with pytest.raises(StoreFault) as told:
        cut_off()
    assert told.value.code == "database.unavailable"
    with served.database.transaction() as tx:
        assert meta.get(tx, "a") == "b"
    served.server.stop()
    try:
        for act in (served.database.require_current, served.database.upgrade):
            with pytest.raises(StoreFault) as told:
                act()
            assert told.value.code == "database.unavailable"
    finally:
        served.server.begin()
    served.database.require_current()


def test_a_writer_that_froze_is_ended_and_changes_nothing(served: Twin) -> None:
    """The server ends its transaction, so that others write; on waking it is told."""

    def freeze() -> None:
        with served.database.transaction() as tx:
            meta.put(tx, "a", "frozen")
            tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            with closing(served.again(busy_seconds=30)) as other, other.transaction() as later:
                meta.put(later, "a", "awake")
            meta.put(tx, "a", "woken")

    with pytest.raises(StoreFault) as told:
        freeze()
    assert told.value.code == "database.unavailable"
    with served.database.snapshot() as tx:
        assert meta.get(tx, "a") == "awake"


def test_every_session_is_bounded(served: Twin) -> None:
    asked = (
        "SELECT name, setting || coalesce(unit, '') FROM pg_settings WHERE name IN ('lock_timeout',"
        " 'idle_in_transaction_session_timeout', 'TimeZone', 'default_transaction_isolation',"
        " 'client_connection_check_interval', 'search_path')"
    )
    with served.database.transaction() as tx:
        told = {row.name: row[1] for row in tx.exec_driver_sql(asked)}
    assert told == {
        "lock_timeout": "5000ms",
        "idle_in_transaction_session_timeout": "20000ms",
        "client_connection_check_interval": "10000ms",
        "default_transaction_isolation": "read committed",
        "search_path": "public",
        "TimeZone": "UTC",
    }


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "disk.full"),
        ("55P03", "database.locked"),
        ("40P01", "database.locked"),
        ("XX001", "database.damaged"),
        ("57P03", "database.unavailable"),
        ("25006", "database.unavailable"),
        ("42501", "database.rights"),
        ("42P01", "database.unavailable"),
    ],
)
def test_what_the_server_says_is_told_in_the_same_words(
    served: Twin, state: str, code: str
) -> None:
    say = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(StoreFault) as told, served.database.transaction() as tx:
        tx.exec_driver_sql(say)
    assert told.value.code == code


def wrong_password(keys: Path) -> None:
    keys.mkdir()
    (keys / "database.password").touch(mode=0o600)
    (keys / "database.password").write_text("another")


@pytest.mark.parametrize("wrong", [wrong_password, Path.mkdir])
def test_a_password_that_is_not_right_is_told_plainly_and_not_repeated(
    served: Twin, tmp_path: Path, wrong: Callable[[Path], None]
) -> None:
    assert served.server is not None
    wrong(keys := tmp_path / "keys")
    url = address(DatabaseSettings(url=served.server.url(str(served.place))), keys)
    with closing(Database(url)) as database, pytest.raises(StoreFault) as told:
        database.is_made()
    assert told.value.code == "database.unavailable"
    assert "another" not in f"{told.value.message} {told.value.hint} {told.value.__cause__}"
