"""How many there are of everything that has a state: for figures, never row by row.

The database keeps count by triggers, whoever writes. They refuse nothing (`guards` does).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from gateway.store.columns import metadata
from gateway.store.database import Transaction
from gateway.store.schema import alarms, deliveries
from gateway.store.schema_counts import state_counts
from gateway.store.serverguards import function_sql

_ADD = (
    "INSERT INTO state_counts (subject, kind, state, count) VALUES ({}, 1) "
    "ON CONFLICT (subject, kind, state) DO UPDATE SET count = count + 1;"
)
_SUBTRACT = "UPDATE state_counts SET count = count - 1 WHERE (subject, kind, state) = ({});"
# What is counted, and the column that says of what kind each is. As the guards, all this is never
# changed, only added to by another list and migration.
STATED: Mapping[str, str] = {
    "drops": "flow",
    "windows": "flow",
    "packages": "flow",
    "deliveries": "party",
    "requests": "act",
    "mails": "kind",
}


def made_in_0011() -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger by which SQLite keeps count; the migration 0011 makes them."""
    for table, kind in STATED.items():
        old, new = (f"'{table}', {row}.{kind}, {row}.state" for row in ("OLD", "NEW"))
        less = _SUBTRACT.format(old)
        more = _ADD.format(new)
        moved = f"NEW.state IS NOT OLD.state OR NEW.{kind} IS NOT OLD.{kind}"
        for verb, when, does in (
            ("INSERT", "", more),
            ("DELETE", "", less),
            ("UPDATE", f" WHEN {moved}", f"{less} {more}"),
        ):
            name = f"{table}_counted_{verb.lower()}"
            head = f"CREATE TRIGGER {name} AFTER {verb} ON {table}"
            yield name, f"{head} FOR EACH ROW{when} BEGIN {does} END"


def made_in_0013() -> Iterator[str]:
    """SQL of what makes PostgreSQL keep count likewise; the migration 0013 makes it."""
    more = _ADD.replace("SET count = count", "SET count = state_counts.count")
    for table, kind in STATED.items():
        old, new = (f"'{table}', {row}.{kind}, {row}.state" for row in ("OLD", "NEW"))
        less = f"IF TG_OP <> 'INSERT' THEN {_SUBTRACT.format(old)} END IF;"
        then = f"IF TG_OP <> 'DELETE' THEN {more.format(new)} END IF;"
        name = f"gateway_count_{table}"
        yield function_sql(name, f"BEGIN {less} {then} RETURN NULL; END")
        moved = f"NEW.state IS DISTINCT FROM OLD.state OR NEW.{kind} IS DISTINCT FROM OLD.{kind}"
        for trigger, verbs, when in (
            (f"{table}_counted", "INSERT OR DELETE", ""),
            (f"{table}_counted_update", "UPDATE", f" WHEN ({moved})"),
        ):
            head = f"CREATE TRIGGER {trigger} AFTER {verbs} ON {table}"
            yield f"{head} FOR EACH ROW{when} EXECUTE FUNCTION {name}()"


def by_state(tx: Transaction, what: str) -> dict[tuple[str, str], int]:
    """How many drops, windows, packages, deliveries, requests or mails: by kind, and by state.

    The kind is their flow; of a delivery its party, of a request its act, of a mail its kind.
    """
    asked = sa.select(state_counts.c.kind, state_counts.c.state, state_counts.c["count"]).where(
        state_counts.c.subject == what, state_counts.c["count"] > 0
    )
    return {(row[0], row[1]): row[2] for row in tx.execute(asked)}


def counted(tx: Transaction, what: str) -> dict[tuple[str, str], int]:
    """The same, counted row by row."""
    table = metadata.tables[what]
    kind, state = table.c[STATED[what]], table.c.state
    asked = sa.select(kind, state, sa.func.count()).group_by(kind, state)
    return {(row[0], row[1]): row[2] for row in tx.execute(asked)}


def open_alarms(tx: Transaction) -> dict[str, int]:
    """How many alarms are open, by code."""
    asked = sa.select(alarms.c.code, sa.func.count()).where(alarms.c.cleared_at.is_(None))
    return {row[0]: row[1] for row in tx.execute(asked.group_by(alarms.c.code))}


def oldest_waiting(tx: Transaction) -> dict[str, datetime]:
    """By party: since when the oldest delivery waits that nobody has collected yet."""
    asked = sa.select(deliveries.c.party, sa.func.min(deliveries.c.placed_at)).where(
        deliveries.c.state == "placed", deliveries.c.placed_at.is_not(None)
    )
    return {row[0]: row[1] for row in tx.execute(asked.group_by(deliveries.c.party))}
