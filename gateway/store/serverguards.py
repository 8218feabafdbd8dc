"""The guards of PostgreSQL: the same refusals, in the same words, as SQLite's (`guards`).

What no row may be replaced by needs none of them here: every such key is unique, and what writes
over a row is an update. TRUNCATE, which SQLite has not, is refused as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store.kept import (
    APPEND_ONLY,
    KEPT_PEOPLE,
    NEVER_REMOVED,
    grant_changes,
    hold_changes,
    invitation_changes,
)

_SAME = "IS NOT DISTINCT FROM"
_RAISE = (
    "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is ' || TG_ARGV[0],"
    " ERRCODE = 'restrict_violation';"
)
_ADDED, _REMOVED, _OVER = "only ever added to", "never removed from", "never written over"


@dataclass(frozen=True)
class Guard:
    """A trigger, and the function that it calls with what it is to say."""

    name: str
    verb: str
    table: str
    function: str
    words: str

    @property
    def sql(self) -> str:
        """As PostgreSQL tells it."""
        each = "STATEMENT" if self.verb == "TRUNCATE" else "ROW"
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.verb} ON {self.table}"
            f" FOR EACH {each} EXECUTE FUNCTION {self.function}('{self.words}')"
        )


def functions() -> dict[str, str]:
    """What each function does, by name."""
    made = {"gateway_refuse": f"BEGIN {_RAISE} END"}
    for table, changes in (
        ("holds", hold_changes),
        ("grants", grant_changes),
        ("invitations", invitation_changes),
    ):
        body = f"BEGIN IF {changes(_SAME)} THEN RETURN NEW; END IF; {_RAISE} END"
        made[f"gateway_refuse_{table}"] = body
    return made


def every() -> Iterator[Guard]:
    """Every guard."""
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            yield _guard(table, verb, "gateway_refuse", _ADDED)
    for table in (*NEVER_REMOVED, *KEPT_PEOPLE):
        for verb in ("DELETE", "TRUNCATE"):
            yield _guard(table, verb, "gateway_refuse", _REMOVED)
    for table in ("holds", "grants", "invitations"):
        yield _guard(table, "UPDATE", f"gateway_refuse_{table}", _OVER)


def missing(tx: sa.Connection) -> list[str]:
    """Those that are not there as they were made, are switched off, or call what was altered."""
    asked = sa.text(
        "SELECT tgname, pg_get_triggerdef(t.oid, true) AS sql, tgenabled, proname, prosrc"
        " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT tgisinternal AND pronamespace = 'public'::regnamespace"
    )
    bodies = functions()
    there = {
        row.tgname: row.sql
        for row in tx.execute(asked)
        if row.tgenabled in ("O", "A") and bodies.get(row.proname) == row.prosrc
    }
    return [guard.name for guard in every() if there.get(guard.name) != guard.sql]


def renew(tx: sa.Connection) -> list[str]:
    """Make those that are missing anew; their names. For the owner of the tables."""
    gone = missing(tx)
    if gone:
        for name, body in functions().items():
            tx.exec_driver_sql(function_sql(name, body))
    for guard in every():
        if guard.name in gone:
            tx.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name} ON {guard.table}")
            tx.exec_driver_sql(guard.sql)
    return gone


def function_sql(name: str, body: str) -> str:
    """What makes a trigger's function, or makes it anew."""
    head = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
    return f"{head} AS $gateway${body}$gateway$"


def _guard(table: str, verb: str, function: str, words: str) -> Guard:
    return Guard(f"{table}_no_{verb.lower()}", verb, table, function, words)
