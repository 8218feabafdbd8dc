"""The migrations make exactly the tables of the schema, and guard what is only ever added to."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gateway.store import counts
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.schema import drops, metadata, windows

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def described(path: Path) -> dict[str, Any]:
    """Everything that can be asked of the tables in a file, but for the migrations' own."""
    engine = sa.create_engine(f"sqlite:///{path}")
    asked = sa.inspect(engine)
    told = {}
    for table in sorted(set(asked.get_table_names()) - {"alembic_version"}):
        told[table] = {
            "columns": [
                (item["name"], repr(item["type"]), item["nullable"], item["default"])
                for item in asked.get_columns(table)
            ],
            "key": asked.get_pk_constraint(table),
            "foreign": asked.get_foreign_keys(table),
            "unique": sorted(map(repr, asked.get_unique_constraints(table))),
            "checks": sorted(map(repr, asked.get_check_constraints(table))),
            "indexes": sorted(
                (item["name"], tuple(item["column_names"]), item["unique"])
                for item in asked.get_indexes(table)
            ),
        }
    with engine.connect() as connection:
        partial = "SELECT sql FROM sqlite_master WHERE name = 'uq_alarms_open'"
        told["the index of open alarms"] = connection.exec_driver_sql(partial).scalar_one()
        own = "SELECT sql FROM sqlite_master WHERE name = 'ledger'"
        made = connection.exec_driver_sql(own).scalar_one()
        told["places in the ledger are never used again"] = "AUTOINCREMENT" in made
    engine.dispose()
    return told


def test_the_migrations_make_the_schema(database_file: Path, tmp_path: Path) -> None:
    direct = tmp_path / "direct.db"
    engine = sa.create_engine(f"sqlite:///{direct}")
    metadata.create_all(engine)
    engine.dispose()
    assert described(database_file) == described(direct)


def test_alembic_sees_no_difference(database_file: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{database_file}")
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def dumped(path: Path) -> list[str]:
    plain = sqlite3.connect(path)
    lines = list(plain.iterdump())
    plain.close()
    return lines


def test_upgrading_again_changes_nothing(database: Database, database_file: Path) -> None:
    before = dumped(database_file)
    database.upgrade()
    database.upgrade()
    database.require_current()
    assert dumped(database_file) == before


@pytest.mark.parametrize("version", ["9999", None])
def test_the_tables_of_another_version_are_refused(
    database: Database, database_file: Path, version: str | None
) -> None:
    plain = sqlite3.connect(database_file)
    plain.execute("DELETE FROM alembic_version")
    if version is not None:
        plain.execute("INSERT INTO alembic_version VALUES (?)", (version,))
    plain.commit()
    plain.close()
    with pytest.raises(StoreFault) as told:
        database.require_current()
    assert told.value.code == "database.version"
    assert "init" in told.value.hint


def test_upgrading_a_database_of_a_later_version_is_told_plainly(
    database: Database, database_file: Path
) -> None:
    plain = sqlite3.connect(database_file)
    plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.commit()
    plain.close()
    before = dumped(database_file)
    with pytest.raises(StoreFault) as told:
        database.upgrade()
    assert told.value.code == "database.version"
    assert dumped(database_file) == before


# --- what is only ever added to ------------------------------------------------------------------


@pytest.fixture
def filled(database_file: Path) -> sqlite3.Connection:
    """A direct connection to a database with one row in each guarded table."""
    plain = sqlite3.connect(database_file)
    plain.execute("INSERT INTO ledger (leaf, leaf_hash) VALUES (x'00', x'01')")
    plain.execute("INSERT INTO ledger_salts VALUES (1, 'rows', x'02')")
    plain.execute("INSERT INTO vault VALUES ('aa', 'original', 3, '2026-03-02 16:00:00')")
    plain.commit()
    return plain


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET leaf = x'FF'",
        "DELETE FROM ledger",
        "UPDATE ledger_salts SET salt = x'FF'",
        "DELETE FROM ledger_salts",
        "UPDATE vault SET size = 0",
        "DELETE FROM vault WHERE kind = 'original'",
    ],
)
def test_ledger_salts_and_vault_cannot_be_changed(
    filled: sqlite3.Connection, statement: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        filled.execute(statement)
    filled.rollback()
    kept = [
        filled.execute("SELECT leaf, leaf_hash FROM ledger").fetchall(),
        filled.execute("SELECT salt FROM ledger_salts").fetchall(),
        filled.execute("SELECT sha256, size FROM vault").fetchall(),
    ]
    assert kept == [[(b"\x00", b"\x01")], [(b"\x02",)], [("aa", 3)]]
    filled.close()


def test_replacing_a_row_of_the_ledger_is_a_change_as_well(filled: sqlite3.Connection) -> None:
    filled.execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        filled.execute("REPLACE INTO ledger (seq, leaf, leaf_hash) VALUES (1, x'EE', x'0E')")
    filled.close()


Counts = tuple[int | None, int | None, int | None, int | None]


def add_drop(tx: Transaction, counts: Counts) -> None:
    fixed = {"id": "d", "flow": "f", "party": "p", "state": "received", "received_at": AT}
    hashes = {"size": 1, "sha256": "s", "original": "o", "agreement_hash": "h"}
    told = dict(zip(("rows", "accepted", "held", "repeats"), counts, strict=True))
    tx.execute(sa.insert(drops).values(**fixed, **hashes, **told))


@pytest.mark.parametrize("counts", [(10, 5, 3, 1), (0, 0, 0, 1), (1, 0, 0, 0), (3, 2, 2, -2)])
def test_rows_that_do_not_add_up_are_refused(database: Database, counts: Counts) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        add_drop(tx, counts)


@pytest.mark.parametrize("counts", [(10, 5, 3, 2), (0, 0, 0, 0), (None, None, None, None)])
def test_rows_that_add_up_are_taken(database: Database, counts: Counts) -> None:
    with database.transaction() as tx:
        add_drop(tx, counts)


# --- what is counted -----------------------------------------------------------------------------


def window(tx: Transaction, day: int, state: str = "due") -> None:
    values = {"flow": "notifications", "due_at": AT, "missed": False, "state": state}
    tx.execute(sa.insert(windows).values(day=date(2026, 3, day), **values))


def test_a_database_of_before_is_counted_once(tmp_path: Path) -> None:
    database = Database.at(tmp_path / "gateway.db")
    try:
        database.upgrade("0010")
        with database.transaction() as tx:
            window(tx, 2)
            window(tx, 3, "packed")
        database.upgrade()
        with database.transaction() as tx:
            window(tx, 4)
        with database.snapshot() as tx:
            assert counts.by_state(tx, "windows") == counts.counted(tx, "windows")
            assert counts.by_state(tx, "windows")["notifications", "due"] == 2
    finally:
        database.close()
