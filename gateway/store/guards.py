"""The triggers by which the database refuses to remove or rewrite what is kept.

They refuse whoever opens the database, our own code included; whoever may write the file may also
drop them, so that `missing` tells when one is gone or altered. These are SQLite's, as its
migrations made them; PostgreSQL's are in `serverguards`.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from gateway.store import serverguards
from gateway.store.kept import (
    APPEND_ONLY,
    KEPT_PEOPLE,
    KEYS,
    NEVER_REMOVED,
    grant_changes,
    hold_changes,
    invitation_changes,
)

_OVER = "never written over"


def made_in_0005() -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger that the migration 0005 makes."""
    for table in NEVER_REMOVED:
        yield _trigger(f"{table}_no_delete", "DELETE", table, "", "never removed from")
    for table, keys in KEYS.items():
        taken = " OR ".join(_already(table, key) for key in keys)
        words = "only ever added to" if table in APPEND_ONLY else _OVER
        yield _trigger(f"{table}_no_replace", "INSERT", table, taken, words)
    yield _trigger("holds_no_update", "UPDATE", "holds", f"NOT ({hold_changes('IS')})", _OVER)


def made_in_0007() -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger that the migration 0007 makes."""
    for table, keys in KEPT_PEOPLE.items():
        yield _trigger(f"{table}_no_delete", "DELETE", table, "", "never removed from")
        taken = " OR ".join(_already(table, key) for key in keys)
        yield _trigger(f"{table}_no_replace", "INSERT", table, taken, _OVER)
    for table, changes in (("grants", grant_changes), ("invitations", invitation_changes)):
        yield _trigger(f"{table}_no_update", "UPDATE", table, f"NOT ({changes('IS')})", _OVER)


def missing(tx: sa.Connection) -> list[str]:
    """The triggers that are not there, and at work, as they were made."""
    if tx.dialect.name != "sqlite":
        return serverguards.missing(tx)
    asked = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    there = {row.name: row.sql for row in tx.execute(asked)}
    return [name for name, sql in _every() if there.get(name) != sql]


def renew(tx: sa.Connection) -> list[str]:
    """Make those that are missing anew; their names. For whoever owns the tables."""
    if tx.dialect.name != "sqlite":
        return serverguards.renew(tx)
    gone = missing(tx)
    made = dict(_every())
    for name in gone:
        tx.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        tx.exec_driver_sql(made[name])
    return gone


def _every() -> Iterator[tuple[str, str]]:
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            yield _trigger(f"{table}_no_{verb.lower()}", verb, table, "", "only ever added to")
    yield from made_in_0005()
    yield from made_in_0007()


def _trigger(name: str, verb: str, table: str, when: str, words: str) -> tuple[str, str]:
    only = f"WHEN {when} " if when else ""
    told = f"{table} is {words}"
    sql = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {only}"
    return name, f"{sql}BEGIN SELECT RAISE(ABORT, '{told}'); END"


def _already(table: str, key: str) -> str:
    """SQL: a row of that key is there. Both names are ours, written in this module."""
    return f"EXISTS (SELECT 1 FROM {table} WHERE {_same(key)})"  # noqa: S608


def _same(key: str) -> str:
    return " AND ".join(f"{name} = NEW.{name}" for name in key.split(", "))
