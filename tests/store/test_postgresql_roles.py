"""The roles for PostgreSQL, tried on a real server: what the service's own role may not do."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.store import guards
from gateway.store.schema import metadata

SQL = Path(guards.__file__).with_name("postgresql_roles.sql")
Ask = Callable[..., "subprocess.CompletedProcess[str]"]


def tables() -> str:
    """The schema as PostgreSQL takes it."""
    told: list[str] = []
    for table in metadata.sorted_tables:
        told.append(str(CreateTable(table).compile(dialect=postgresql.dialect())))
        told += [str(CreateIndex(i).compile(dialect=postgresql.dialect())) for i in table.indexes]
    return ";\n".join(told) + ";"


@pytest.fixture(scope="module")
def ask(need_program: Callable[[str], str], _account: object) -> Iterator[Ask]:
    """``ask(role, sql)``: psql on a server of its own, as that role."""
    uid, gid = _account.pw_uid, _account.pw_gid  # type: ignore[attr-defined]
    who = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
    bin_ = Path(need_program("initdb")).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    os.chown(folder, uid, gid)
    words = {"cwd": folder, "capture_output": True, "text": True, "check": False, "timeout": 120}

    def run(*command: str, **more: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, **words, **who, **more)  # type: ignore[call-overload,no-any-return]

    def asked(role: str, sql: str, *more: str) -> "subprocess.CompletedProcess[str]":
        psql = ("-h", str(folder), "-U", role, "-d", "postgres", "-X", "-q", "-At")
        stop = ("-v", "ON_ERROR_STOP=1", *more)
        return run(str(bin_ / "psql"), *psql, *stop, input=sql)

    data = str(folder / "data")
    made = run(str(bin_ / "initdb"), "-D", data, "-U", "owner", "-A", "trust", "-N")
    assert made.returncode == 0, made.stderr
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=1MB"
    log = str(folder / "log")
    control = (str(bin_ / "pg_ctl"), "-D", data)
    begun = run(*control, "-w", "-l", log, "-o", options, "start")
    try:
        assert begun.returncode == 0, begun.stderr
        yield asked
    finally:
        run(*control, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def service(ask: Ask) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """``service(sql)``: as the gateway's own role, which has put a row into the vault."""
    assert (made := ask("owner", f"CREATE ROLE gateway_service LOGIN;\n{tables()}")).returncode == 0
    assert not made.stderr, made.stderr
    roles = ask("owner", SQL.read_text(), "-v", "service=gateway_service")
    assert roles.returncode == 0, roles.stderr
    row = "INSERT INTO vault VALUES (repeat('a', 64), 'original', 1, now())"
    assert ask("gateway_service", row).returncode == 0
    return lambda sql: ask("gateway_service", sql)


def test_what_is_only_added_to_is_neither_changed_nor_removed(
    service: Callable[[str], object],
) -> None:
    for table in guards.APPEND_ONLY:
        column = next(iter(metadata.tables[table].columns)).name
        for sql in (
            f"DELETE FROM {table}",  # noqa: S608
            f"UPDATE {table} SET {column} = {column}",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
            f"DROP TABLE {table} CASCADE",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"ALTER TABLE {table} OWNER TO gateway_service",
        ):
            told = service(sql)
            assert told.returncode != 0, sql  # type: ignore[attr-defined]
            assert "denied" in told.stderr or "must be owner" in told.stderr  # type: ignore[attr-defined]


def test_nothing_is_removed_and_a_hold_stays_what_it_is(service: Callable[[str], object]) -> None:
    refused = [f"DELETE FROM {table}" for table in (*guards.NEVER_REMOVED, "meta")]  # noqa: S608
    refused += ["UPDATE holds SET scope = 'flow'", "UPDATE holds SET reason_sealed = ''"]
    refused += ["CREATE TABLE mine (a int)", "SET ROLE owner", "DROP SCHEMA public CASCADE"]
    refused += ["GRANT DELETE ON vault TO gateway_service; DELETE FROM vault"]
    refused += ["INSERT INTO vault SELECT * FROM vault ON CONFLICT (sha256) DO UPDATE SET size = 2"]
    for sql in refused:
        assert service(sql).returncode != 0, sql  # type: ignore[attr-defined]
    assert service("SELECT size FROM vault").stdout == "1\n"  # type: ignore[attr-defined]


def test_the_roles_name_every_table_once() -> None:
    lines = SQL.read_text().split("GRANT USAGE ON ALL SEQUENCES")[1].splitlines()
    words = " ".join(line for line in lines if not line.startswith("--"))
    told = [word.strip(",;") for word in words.split() if word.strip(",;") in metadata.tables]
    assert sorted(set(told)) == sorted(metadata.tables)
    assert sorted(told) == sorted([*metadata.tables, "holds", "grants", "invitations"])


def test_the_service_can_do_its_own_work(service: Callable[[str], object]) -> None:
    for sql in (
        "INSERT INTO meta VALUES ('k', 'v'); UPDATE meta SET value = 'w'",
        "DELETE FROM served",
        "UPDATE holds SET state = 'ended', ended_at = now()",
        "INSERT INTO alarms (code, subject, words, raised_at) VALUES ('c', 's', 'w', now())",
    ):
        told = service(sql)
        assert told.returncode == 0, told.stderr  # type: ignore[attr-defined]
