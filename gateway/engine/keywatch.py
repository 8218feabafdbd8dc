"""Alarms about keys: 60, 30 and 7 days before one expires, and when one cannot be used."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.crypto.keys import KeyReport
from gateway.engine.parts import Parts
from gateway.records.alarms import clear_others, raise_alarm
from gateway.store import alarms, meta
from gateway.store.database import Transaction

_CODES = (
    "key.expiring",
    "key.expired",
    "key.revoked",
    "key.missing",
    "key.mismatched",
    "key.unfit",
)


_EVERY = timedelta(hours=1)
_LOOKED = "keys-looked-at"
_SEEN = "keys-seen"


def watch_keys(parts: Parts, now: datetime) -> None:
    """Raise an alarm for each pinned key that is not well, and clear those that are well again.

    A key nearing its end is alarmed anew at 60, 30 and 7 days: the level is part of the subject.
    """
    if not _is_time(parts, now):
        return
    still: dict[str, set[str]] = {code: set() for code in _CODES}
    reports = parts.key_reports(now)
    for report in reports:
        if report.state == "ok":
            continue
        code = f"key.{report.state}"
        level = f":{report.level}" if report.state == "expiring" else ""
        subject = f"key:{report.party}:{report.role}{level}"
        still[code].add(subject)
        with parts.database.transaction() as tx:
            raise_alarm(tx, code, subject, report.words, now)
    for code, subjects in still.items():
        clear_others(parts.database, code, subjects, now, kind="key:")
    with parts.database.transaction() as tx:
        meta.put(tx, _SEEN, _told(reports))
        meta.put(tx, _LOOKED, now.isoformat())  # only now: a look that failed is made again


@dataclass(frozen=True)
class KeySeen:
    """A pinned key, as the worker saw it last. ``ends``: None for one that never does."""

    party: str
    role: str
    state: str
    ends: datetime | None


def keys_seen(tx: Transaction) -> list[KeySeen]:
    """Every pinned key, for those who have no gpg to ask: the site. Empty before the first look."""
    known = json.loads(meta.get(tx, _SEEN) or "[]")
    return [
        KeySeen(party, role, state, datetime.fromisoformat(ends) if ends else None)
        for party, role, state, ends in known
    ]


def key_ends(tx: Transaction) -> dict[tuple[str, str], datetime]:
    """When each pinned key ends, by party and role, as the worker saw it last; some never do."""
    return {(it.party, it.role): it.ends for it in keys_seen(tx) if it.ends}


def key_health(tx: Transaction) -> tuple[int, int]:
    """How many pinned keys are in order, and how many there are, as the worker saw them last."""
    seen = keys_seen(tx)
    return sum(key.state in ("ok", "expiring") for key in seen), len(seen)


def _told(reports: Iterable[KeyReport]) -> str:
    return json.dumps(
        [
            (it.party, it.role, it.state, it.expires.isoformat() if it.expires else None)
            for it in reports
        ]
    )


def _is_time(parts: Parts, now: datetime) -> bool:
    """Look each hour, and at every tick while an alarm about a key is open: gpg is slow to ask."""
    with parts.database.transaction() as tx:
        known = meta.get(tx, _LOOKED)
        alarmed = any(item.code.startswith("key.") for item in alarms.open_alarms(tx))
        if known is not None and not alarmed:
            since = now - datetime.fromisoformat(known)
            return not timedelta(0) <= since < _EVERY
    return True
