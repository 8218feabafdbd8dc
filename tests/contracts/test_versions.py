"""The tables: made from nothing on both databases, and which code may work on which of them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pgserver import PostgreSQL
from twins import Twin

from gateway.store import counts, meta, windows
from gateway.store.database import MIGRATIONS, Database, StoreFault
from gateway.store.dump import dumped
from gateway.store.schema import metadata
from gateway.store.versions import SERVES

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
CHECKOUT = Path(__file__).resolve().parents[2]
UPGRADE = """
import sys
from gateway.store.database import Database
database = Database(sys.argv[1])
database.upgrade()
database.require_current()
"""
ADDS = """
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = {before!r}
{serves}

def upgrade() -> None:
    op.add_column("windows", sa.Column("more", sa.Text(), nullable=True))
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
"""


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def test_the_migrations_make_the_schema(twin: Twin) -> None:
    with twin.database.statement_by_statement().connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing(twin: Twin) -> None:
    before = dumped(twin.database)
    twin.database.upgrade()
    twin.database.require_current()
    assert dumped(twin.database) == before


@pytest.fixture
def empty(postgresql_server: PostgreSQL) -> Iterator[str]:
    """The name of a database on the server without tables."""
    name = postgresql_server.make_empty()
    yield name
    postgresql_server.drop(name)


def test_two_upgrades_at_once_wait_for_one_another(
    postgresql_server: PostgreSQL, empty: str
) -> None:
    with closing(postgresql_server.database(empty)) as database:
        assert not database.is_made()
        with pytest.raises(StoreFault) as told:
            database.require_current()
        assert told.value.code == "database.version"
        url = database.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", UPGRADE, url]
        at_once = [subprocess.Popen(command, cwd=CHECKOUT) for _ in range(3)]
        assert [process.wait(timeout=120) for process in at_once] == [0, 0, 0]
        database.require_current()
        assert database.is_made()


@pytest.mark.parametrize("how", ["ENCODING 'LATIN1'", "ENCODING 'SQL_ASCII'"])
def test_a_database_that_would_sort_or_read_otherwise_is_refused(
    postgresql_server: PostgreSQL, how: str
) -> None:
    name = "unfit_" + how.split("'")[1].lower()
    postgresql_server.ask(f"CREATE DATABASE {name} OWNER gateway TEMPLATE template0 {how}")
    try:
        with closing(postgresql_server.database(name)) as database:
            with pytest.raises(StoreFault) as told:
                database.upgrade()
            assert told.value.code == "database.unfit"
            assert not database.is_made()
    finally:
        postgresql_server.drop(name)


# --- old code and newer tables --------------------------------------------------------------------


def later(tmp_path: Path, serves: str) -> Path:
    """The migrations of a later version: one more, which says whom it serves."""
    folder = tmp_path / f"later{serves}"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    line = f'serves = "{serves}"' if serves else ""
    text = ADDS.format(before=scripts().get_current_head(), serves=line)
    (folder / "versions" / "9001_adds.py").write_text(text)
    return folder


def upgraded(twin: Twin, migrations: Path) -> None:
    with closing(Database(twin.database.url, migrations=migrations)) as newer:
        newer.upgrade()
        newer.require_current()


def test_code_works_on_with_tables_that_serve_it(twin: Twin, tmp_path: Path) -> None:
    head = scripts().get_current_head()
    upgraded(twin, later(tmp_path, head or ""))
    twin.database.require_current()
    with twin.database.transaction() as tx:
        windows.add(tx, "f", date(2026, 3, 2), AT, missed=False)
        assert [row.state for row in windows.due(tx, "f")] == ["due"]
        assert counts.by_state(tx, "windows") == {("f", "due"): 1}
    with pytest.raises(StoreFault) as told:  # but it brings nothing up to date
        twin.database.upgrade()
    assert told.value.code == "database.version"


@pytest.mark.parametrize("serves", ["", "9000"])
def test_tables_that_do_not_serve_it_are_refused(twin: Twin, tmp_path: Path, serves: str) -> None:
    upgraded(twin, later(tmp_path, serves))
    with pytest.raises(StoreFault) as told:
        twin.database.require_current()
    assert told.value.code == "database.version"


def test_older_tables_are_refused_whatever_they_once_served(twin: Twin) -> None:
    with twin.database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0012'"))
        meta.put(tx, SERVES, "0001")
    with pytest.raises(StoreFault) as told:
        twin.database.require_current()
    assert told.value.code == "database.version"


def test_whom_a_migration_serves_is_older_and_all_between_serve_it_too() -> None:
    told = {item.revision: item for item in scripts().walk_revisions()}
    for revision, item in told.items():
        serves = getattr(item.module, "serves", revision)
        between = [name for name in told if serves < name <= revision]
        assert serves in told, f"{revision} serves what there is not"
        assert all(getattr(told[name].module, "serves", name) <= serves for name in between)
