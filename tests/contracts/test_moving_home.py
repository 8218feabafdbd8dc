"""`migrate-home`: a home that lived on SQLite goes on where it was, on PostgreSQL."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from commanding import Commanded, RunGateway
from pgserver import PostgreSQL
from s3server import REGION, VAULT, S3Server, vault_policy

from gateway.settings import Home


@pytest.fixture(scope="module")
def lived(
    template_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: PostgreSQL,
    run_gateway: RunGateway,
) -> Path:
    """A home that took a drop, sent it and had it accepted by one of two. Copy it."""
    root = tmp_path_factory.mktemp("lived") / "home"
    shutil.copytree(template_home, root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    home = Commanded(Home(root), postgresql_server, "", run_gateway)
    home.drop(1)
    home.tick("2026-03-02T10:00")
    placed = home.tick("2026-03-02T16:00")["deliveries"]
    file = next(item["file"] for item in placed if item["party"] == "dfe")
    who = ("--party", "dfe", "--now", "2026-03-02T16:30")
    home.call("open", file, "--to", str(root / "opened"), "--receipt", *who)
    home.call("acknowledge", file, *who, "--officer", "dfe-officer-1")
    home.tick("2026-03-02T16:40")
    return root


@pytest.fixture
def moving(
    lived: Path, rehearsal_home: Path, postgresql_server: PostgreSQL, run_gateway: RunGateway
) -> Commanded:
    """A copy of it."""
    shutil.rmtree(rehearsal_home)
    shutil.copytree(lived, rehearsal_home, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    postgresql_server.write_password(Home(rehearsal_home).keys)
    return Commanded(Home(rehearsal_home), postgresql_server, "", run_gateway)


@pytest.fixture
def empty(postgresql_server: PostgreSQL) -> Iterator[str]:
    """A database without tables."""
    name = postgresql_server.make_empty()
    yield name
    postgresql_server.drop(name)


def test_the_home_goes_on_where_it_was(moving: Commanded, empty: str) -> None:
    before = moving.head()
    moving.use(empty)
    assert "migrate-home" in moving.refused("init", "--rehearsal")
    said = moving.call("migrate-home")
    assert f"{before[0]} leaves" in said
    assert moving.head() == before
    moving.call("ledger", "verify")
    assert "PostgreSQL" in moving.call("doctor", "--deep")
    moving.drop(2)
    report = moving.tick("2026-03-03T16:00")
    assert report["faults"] == []
    assert [item["rows"] for item in report["packages"]] == [1]
    states = json.loads(moving.call("status", "--json"))["deliveries"]
    assert sorted(item["state"] for item in states) == ["accepted", "placed", "placed", "placed"]
    assert "backup.not-sqlite" in moving.refused("backup", str(moving.home.root.parent / "copy"))
    assert moving.head()[0] > before[0]
    moving.call("ledger", "verify")


def test_the_vault_goes_to_its_bucket(moving: Commanded, empty: str, s3_server: S3Server) -> None:
    name = s3_server.make_bucket(f"m-{empty.replace('_', '-')}-vault", locked=True)
    s3_server.client().put_bucket_policy(Bucket=name, Policy=vault_policy(name))
    VAULT.credentials(moving.home.keys / "s3" / "vault.toml")
    moving.use(empty)
    with moving.home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(f'[vault]\nendpoint = "{s3_server.endpoint}"\n')
        settings.write(f'region = "{REGION}"\nbucket = "{name}"\n')
    moving.call("migrate-home")
    kept = {f"{path.name[:2]}/{path.name}" for path in moving.home.vault.glob("*/*")}
    assert kept and set(s3_server.names(name)) == kept
    assert "The vault is as it was kept." in moving.call("vault", "audit")


def test_the_file_is_closed_for_good(moving: Commanded, empty: str) -> None:
    settings = moving.home.settings_file.read_text()
    moving.use(empty)
    moving.call("migrate-home")
    moving.home.settings_file.write_text(settings)
    assert "database.moved" in moving.refused("tick", "--now", "2026-03-03T10:00")
    moving.call("ledger", "verify")  # to look is allowed


def test_once_is_enough(moving: Commanded, empty: str) -> None:
    moving.use(empty)
    moving.call("migrate-home")
    before = moving.head()
    assert "move.not-empty" in moving.refused("migrate-home")
    assert moving.head() == before


def test_without_somewhere_to_go_nothing_goes(moving: Commanded) -> None:
    assert "move.nowhere" in moving.refused("migrate-home")


def test_without_records_nothing_goes(moving: Commanded, empty: str) -> None:
    moving.use(empty)
    moving.home.database.unlink()
    assert "move.nothing" in moving.refused("migrate-home")


ALTERS = """
CREATE FUNCTION alters() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.officer := NEW.officer || ' '; RETURN NEW; END $$;
CREATE TRIGGER alters BEFORE INSERT ON receipts FOR EACH ROW EXECUTE FUNCTION alters();
"""


def test_what_does_not_read_back_as_it_was_is_not_moved(moving: Commanded) -> None:
    with closing(sqlite3.connect(moving.home.database)) as plain:
        assert plain.execute("SELECT count(officer) FROM receipts").fetchone()[0] > 0
    name = moving.server.make()
    try:
        moving.server.ask(ALTERS, name)
        settings = moving.home.settings_file.read_text()
        moving.use(name)
        assert "move.differs" in moving.refused("migrate-home")
        assert moving.server.ask("SELECT count(*) FROM ledger", name) == [(0,)]
        moving.home.settings_file.write_text(settings)
        moving.drop(2)
        moving.tick("2026-03-03T10:00")
        moving.call("ledger", "verify")
    finally:
        moving.server.drop(name)
