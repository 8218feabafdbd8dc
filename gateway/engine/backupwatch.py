"""When the last backup was made, and an alarm where one is overdue."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.engine.parts import Parts
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.store import meta
from gateway.store.database import Transaction

OVERDUE = "backup.overdue"
_LAST, _SUBJECT = "backup-last", "home"
_FIRST_DAY = "backup-wanted-since"


@dataclass(frozen=True)
class LastBackup:
    """The last backup that was made whole, and how many leaves of the ledger it holds."""

    made_at: datetime
    leaves: int


def note_backup(tx: Transaction, leaves: int, now: datetime) -> None:
    """Remember a backup. It is no event of the ledger: with a leaf for it, it would be behind."""
    made_at = now.astimezone(UTC).isoformat()
    meta.put(tx, _LAST, json.dumps({"made_at": made_at, "leaves": leaves}))


def last_backup(tx: Transaction) -> LastBackup | None:
    """The last backup; None where none was made yet."""
    told = meta.get(tx, _LAST)
    if told is None:
        return None
    kept = json.loads(told)
    return LastBackup(datetime.fromisoformat(kept["made_at"]), int(kept["leaves"]))


def watch_backup(parts: Parts, now: datetime) -> None:
    """Alarm a backup that is overdue by the settings; a new one ends it."""
    hours = parts.settings.backup.overdue_hours
    with parts.database.transaction() as tx:
        if not hours:
            clear_alarm(tx, OVERDUE, _SUBJECT, now)
            return
        last = last_backup(tx)
        since = last.made_at if last else _wanted_since(tx, now)
        if now - since <= timedelta(hours=hours):
            clear_alarm(tx, OVERDUE, _SUBJECT, now)
            return
        words = (
            f"No backup was made for more than {hours} hours. See why `gateway backup` did not run "
            "or failed (docs/operate.md), and make one."
        )
        raise_alarm(tx, OVERDUE, _SUBJECT, words, now)


def _wanted_since(tx: Transaction, now: datetime) -> datetime:
    """From when on backups are counted in a home that has none yet."""
    known = meta.get(tx, _FIRST_DAY)
    if known is None:
        known = now.astimezone(UTC).isoformat()
        meta.put(tx, _FIRST_DAY, known)
    return datetime.fromisoformat(known)
