"""The triggers by which SQLite refuses to remove or rewrite what is kept.

They refuse whoever opens the database, our own code included; whoever may write the file may also
drop them, so that `missing` tells when one is gone or altered. Migrations made them as they are
here: a list is never changed, only added to by another.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from gateway.store.database import Transaction

# Of 0001 to 0003: neither changed nor removed.
APPEND_ONLY = (
    "ledger",
    "ledger_salts",
    "vault",
    "approvals",
    "receipts",
    "thread_entries",
    "logs",
    "checkpoints",
    "witnesses",
    "agreement_versions",
    "agreement_signatures",
    "destructions",
    "handovers",
    "register_steps",
)
# Of 0005: changed by their lifecycles, never removed.
NEVER_REMOVED = (
    "drops",
    "windows",
    "packages",
    "deliveries",
    "sent_references",
    "answers",
    "requests",
    "threads",
    "reconciliations",
    "alarms",
    "tokens",
    "holds",
    "register_entries",
)
# Of 0005: what a row may not be replaced by. INSERT OR REPLACE removes without a DELETE.
KEYS = {
    "ledger": ("seq", "leaf_hash"),
    "ledger_salts": ("seq, name",),
    "vault": ("sha256",),
    "approvals": ("request_id, officer", "request_id, fingerprint"),
    "receipts": ("id", "sha256"),
    "thread_entries": ("thread_id, number",),
    "logs": ("number", "origin"),
    "checkpoints": ("log, size",),
    "witnesses": ("id",),
    "agreement_versions": ("hash",),
    "agreement_signatures": ("id",),
    "destructions": ("id", "sha256"),
    "handovers": ("sha256",),
    "register_steps": ("id",),
    "drops": ("number", "id"),
    "packages": ("id", "flow, day, number"),
    "deliveries": ("id", "package_id, party"),
    "requests": ("id", "digest"),
    "holds": ("id",),
    "register_entries": ("id",),
}
_HOLD_KEPT = ("id", "scope", "flow", "reference_mac", "reference_sealed", "reason_sealed")
_HOLD_ENDED = "NEW.state = 'ended' AND NEW.request_id IS NOT NULL AND NEW.ended_at IS NOT NULL"
_HOLD_REVIEWED = "NEW.state = 'on' AND NEW.review_on >= OLD.review_on"


def made_in_0005() -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger that the migration 0005 makes."""
    for table in NEVER_REMOVED:
        yield _trigger(f"{table}_no_delete", "DELETE", table, "", "never removed from")
    for table, keys in KEYS.items():
        taken = " OR ".join(_already(table, key) for key in keys)
        words = "only ever added to" if table in APPEND_ONLY else "never written over"
        yield _trigger(f"{table}_no_replace", "INSERT", table, taken, words)
    kept = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in (*_HOLD_KEPT, "begun_at"))
    allowed = f"OLD.state = 'on' AND ({_HOLD_ENDED} OR {_HOLD_REVIEWED}) AND {kept}"
    yield _trigger("holds_no_update", "UPDATE", "holds", f"NOT ({allowed})", "never written over")


# Of 0007: a person, a grant and an invitation stay, and each ends one way.
KEPT_PEOPLE = {
    "people": ("id", "email"),
    "grants": ("id",),
    "invitations": ("token_hash",),
    "recovery_codes": ("person_id, mac",),
}
_GRANT_KEPT = ("id", "person_id", "party", "flow", "role", "granted_by", "granted_at")
_INVITATION_KEPT = ("token_hash", "person_id", "made_by", "made_at", "expires_at")


def made_in_0007() -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger that the migration 0007 makes."""
    for table, keys in KEPT_PEOPLE.items():
        yield _trigger(f"{table}_no_delete", "DELETE", table, "", "never removed from")
        taken = " OR ".join(_already(table, key) for key in keys)
        yield _trigger(f"{table}_no_replace", "INSERT", table, taken, "never written over")
    for table, kept, end in (
        ("grants", _GRANT_KEPT, "revoked_at"),
        ("invitations", _INVITATION_KEPT, "ended_at"),
    ):
        same_rest = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in kept)
        ended = f"OLD.{end} IS NULL AND NEW.{end} IS NOT NULL AND {same_rest}"
        words = "never written over"
        yield _trigger(f"{table}_no_update", "UPDATE", table, f"NOT ({ended})", words)


def missing(tx: Transaction) -> list[str]:
    """The triggers that are not there as they were made; none for a database without them."""
    if tx.dialect.name != "sqlite":
        return []
    asked = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    there = {row.name: row.sql for row in tx.execute(asked)}
    return [name for name, sql in _every() if there.get(name) != sql]


def renew(tx: Transaction) -> list[str]:
    """Make those that are missing anew; their names."""
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
