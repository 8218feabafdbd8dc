"""The roles for PostgreSQL, tried on a real server: what the service's own role may not do."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest
from pgserver import PASSWORD, PostgreSQL

from gateway.engine.queue import Job, flow_job
from gateway.engine.queue.distributed import DistributedQueue, make_queue
from gateway.settings import DatabaseSettings, Home, Settings
from gateway.store import guards, meta, serverguards
from gateway.store.database import Database, StoreFault
from gateway.store.kept import APPEND_ONLY, NEVER_REMOVED
from gateway.store.making import ROLES, bring_up_to_date
from gateway.store.schema import metadata

SERVICE, OWNER = "gateway_service", "gateway_owner"


@dataclass(frozen=True)
class Roles:
    """A home whose tables one role owns, and another works with."""

    home: Home
    settings: Settings
    server: PostgreSQL
    name: str

    def service(self, sql: str) -> list[tuple[object, ...]]:
        """As the gateway's own role."""
        return self.server.ask(sql, self.name, SERVICE)


@pytest.fixture(scope="module")
def roles(
    postgresql_server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Roles]:
    """A home as `init` makes it with an owner set; the service has put a row into the vault."""
    server, home = postgresql_server, Home(tmp_path_factory.mktemp("roles"))
    for role in (SERVICE, OWNER):
        server.ask(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    name = server.make_empty()
    server.ask(f"ALTER DATABASE {name} OWNER TO {OWNER}")
    for file in ("database.password", "database-owner.password"):
        server.write_password(home.keys, file)
    told = DatabaseSettings(url=server.url(name, SERVICE), owner=OWNER)
    made = Roles(home, Settings(database=told), server, name)
    bring_up_to_date(home, made.settings)
    made.service("INSERT INTO vault VALUES (repeat('a', 64), 'original', 1, now())")
    yield made
    server.drop(name)
    for role in (SERVICE, OWNER):
        server.ask(f"DROP ROLE {role}")


def test_what_is_only_added_to_is_neither_changed_nor_removed(roles: Roles) -> None:
    for table in APPEND_ONLY:
        column = next(iter(metadata.tables[table].columns)).name
        for sql in (
            f"DELETE FROM {table}",  # noqa: S608
            f"UPDATE {table} SET {column} = {column}",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
            f"DROP TABLE {table} CASCADE",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"ALTER TABLE {table} OWNER TO {SERVICE}",
        ):
            with pytest.raises(psycopg.Error, match=r"denied|must be owner"):
                roles.service(sql)


@pytest.mark.parametrize(
    "sql",
    [
        *(f"DELETE FROM {table}" for table in (*NEVER_REMOVED, "meta")),  # noqa: S608
        "UPDATE holds SET scope = 'flow'",
        "UPDATE holds SET reason_sealed = ''",
        "CREATE TABLE mine (a int)",
        f"SET ROLE {OWNER}",
        "DROP SCHEMA public CASCADE",
        f"GRANT DELETE ON vault TO {SERVICE}; DELETE FROM vault",  # noqa: S608
        "INSERT INTO vault SELECT * FROM vault ON CONFLICT (sha256) DO UPDATE SET size = 2",
        "CREATE OR REPLACE FUNCTION gateway_refuse() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = 'replica'",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_nothing_is_removed_and_a_hold_stays_what_it_is(roles: Roles, sql: str) -> None:
    with pytest.raises(psycopg.Error):
        roles.service(sql)
    assert roles.service("SELECT size FROM vault") == [(1,)]


def test_the_roles_name_every_table_once() -> None:
    lines = ROLES.read_text().split("GRANT USAGE ON ALL SEQUENCES")[1].splitlines()
    words = " ".join(line for line in lines if not line.startswith("--"))
    told = [word.strip(",;") for word in words.split() if word.strip(",;") in metadata.tables]
    assert sorted(set(told)) == sorted(metadata.tables)
    assert sorted(told) == sorted([*metadata.tables, "holds", "grants", "invitations"])


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO meta VALUES ('k', 'v'); UPDATE meta SET value = 'w' WHERE key = 'k'",
        "DELETE FROM served",
        "UPDATE holds SET state = 'ended', ended_at = now()",
        "INSERT INTO alarms (code, subject, words, raised_at) VALUES ('c', 's', 'w', now())",
        "INSERT INTO windows VALUES ('f', '2026-03-02', now(), 'due', false)",  # it is counted
    ],
)
def test_the_service_can_do_its_own_work(roles: Roles, sql: str) -> None:
    roles.service(sql)


@pytest.fixture
def opened(roles: Roles) -> Iterator[Database]:
    """The home's database, as the service opens it."""
    database = Database.of(roles.home, roles.settings)
    yield database
    database.close()


def test_the_service_opens_what_the_owner_made_and_sees_its_guards(opened: Database) -> None:
    opened.require_current()
    with opened.transaction() as tx:
        assert guards.missing(tx) == []
        meta.put(tx, "a", "b")
    assert [state for state, _ in opened.look()] == ["ok"]


def test_what_the_role_may_not_do_is_told_plainly(opened: Database) -> None:
    with pytest.raises(StoreFault) as told, opened.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM vault")
    assert told.value.code == "database.rights"


def _switched_off(roles: Roles) -> list[str]:
    with_owner = roles.server.ask
    with_owner("ALTER TABLE vault DISABLE TRIGGER vault_no_update", roles.name)
    with_owner("DROP TRIGGER drops_no_delete ON drops", roles.name)
    return ["drops_no_delete", "vault_no_update"]


def _altered(roles: Roles) -> list[str]:
    body = serverguards.function_sql("gateway_refuse_holds", "BEGIN RETURN NEW; END")
    roles.server.ask(body, roles.name)
    return ["holds_no_update"]


@pytest.mark.parametrize("harm", [_switched_off, _altered])
def test_guards_that_are_gone_are_told_and_made_anew(
    roles: Roles, opened: Database, harm: Callable[[Roles], list[str]]
) -> None:
    gone = harm(roles)
    with opened.transaction() as tx:
        assert sorted(guards.missing(tx)) == gone
    bring_up_to_date(roles.home, roles.settings)
    with opened.transaction() as tx:
        assert guards.missing(tx) == []


def test_init_again_changes_nothing_of_the_roles(roles: Roles) -> None:
    asked = "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
    before = sorted(roles.server.ask(asked, roles.name))
    bring_up_to_date(roles.home, roles.settings)
    assert sorted(roles.server.ask(asked, roles.name)) == before


def test_the_services_own_role_works_with_the_queue(roles: Roles) -> None:
    """As two calls of `init` leave it: each first gives the rights to our own tables anew."""
    for _ in range(2):
        bring_up_to_date(roles.home, roles.settings)
        with closing(Database.of(roles.home, roles.settings, as_owner=True)) as owned:
            make_queue(owned, SERVICE)
    seen: list[str] = []
    with closing(Database.of(roles.home, roles.settings)) as database:
        queue = DistributedQueue(database, 30.0)

        def look(job: Job, _: Database) -> None:
            seen.append(job.subject)
            queue.stop()

        queue.hint(flow_job("notes"))
        assert queue.rescue() == 0
        queue.work(look)
    assert seen == ["notes"]
    assert roles.service("SELECT count(*) FROM procrastinate_jobs") == [(0,)]
