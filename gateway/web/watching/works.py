"""How the gateway itself is: its worker, queue, disk, clock, keys, backup and checkpoint."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.engine.backupwatch import LastBackup, last_backup
from gateway.engine.clock import LATEST, read_clock
from gateway.engine.keywatch import KeySeen, keys_seen
from gateway.store import alarms, checkpoints, meta, watching
from gateway.store.checkpoints import CheckpointRow
from gateway.store.database import Transaction
from gateway.store.watching import Waiting
from gateway.web.site import Site

_MISSED_TICKS = 4  # so many in a row, and people should look at the worker
_DAY, _WARN_DAYS = timedelta(days=1), 60
_GIB = 1024**3
_CLOCK = ("clock.back", "clock.wrong")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Line:
    """One part and how it is. ``well``: False where somebody must look."""

    name: str
    words: str
    well: bool = True


@dataclass(frozen=True)
class Key:
    """A pinned key. ``days``: until it ends; None: it never does."""

    party: str
    role: str
    state: str
    days: int | None

    @property
    def well(self) -> bool:
        """Whether nobody need do anything about it."""
        return self.state == "ok" and (self.days is None or self.days > _WARN_DAYS)


@dataclass(frozen=True)
class Works:
    """The gateway itself."""

    lines: tuple[Line, ...]
    keys: tuple[Key, ...]


def works_of(tx: Transaction, site: Site, now: datetime) -> Works:
    """Look at each part."""
    every = site.parts.settings.tick_seconds
    lines = (
        _worker(meta.get(tx, LATEST), timedelta(seconds=every * _MISSED_TICKS), now),
        _queue(watching.waiting(tx)),
        _disk(site),
        _clock({item.code for item in alarms.open_alarms(tx)}),
        _backup(last_backup(tx), site.parts.settings.backup.overdue_hours, now),
        _checkpoint(checkpoints.latest(tx), now),
    )
    return Works(lines, tuple(_key(item, now) for item in keys_seen(tx)))


def _worker(known: str | None, patience: timedelta, now: datetime) -> Line:
    if known is None:
        return Line("Worker", "It has never looked. Start it with `gateway run`.", False)
    since = max(now - datetime.fromisoformat(known), timedelta(0))
    words = f"It last looked {ago(since)} ago."
    if since <= patience:
        return Line("Worker", words)
    return Line("Worker", f"{words} An administrator looks whether `gateway run` runs.", False)


def _queue(waiting: Waiting) -> Line:
    words = (
        f"Drops being read: {waiting.unread}. Drops that wait for their window: {waiting.staged}. "
        f"Deliveries to be placed: {waiting.unplaced}. E-mails to be sent: {waiting.unsent}."
    )
    return Line("Queue", words)


def _disk(site: Site) -> Line:
    usage = shutil.disk_usage(site.parts.home.var)
    words = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.1f} GiB are free."
    return Line("Disk", words, usage.free >= site.parts.settings.minimum_free_bytes)


def _clock(open_alarms: set[str]) -> Line:
    if any(code in open_alarms for code in _CLOCK):
        return Line("Clock", "It is wrong, or was: see the alarm.", False)
    kept = {
        True: "A time source keeps it.",
        False: "No time source keeps it, as far as the system says.",
        None: "The system does not say whether a time source keeps it.",
    }
    return Line("Clock", kept[read_clock().synchronised])


def _backup(last: LastBackup | None, overdue_hours: int, now: datetime) -> Line:
    if last is None:
        return Line("Last backup", "None was made yet: see `gateway backup`.", False)
    since = max(now - last.made_at, timedelta(0))
    words = f"{ago(since)} ago, with {last.leaves:,} leaves of the ledger."
    return Line("Last backup", words, not overdue_hours or since <= timedelta(hours=overdue_hours))


def _checkpoint(latest: CheckpointRow | None, now: datetime) -> Line:
    if latest is None:
        return Line("Last checkpoint", "None yet: the ledger was never signed.", False)
    since = ago(max(now - latest.made_at, timedelta(0)))
    return Line("Last checkpoint", f"{since} ago, over {latest.size:,} leaves of the ledger.")


def _key(seen: KeySeen, now: datetime) -> Key:
    days = (seen.ends - now) // _DAY if seen.ends is not None else None
    return Key(seen.party, seen.role, seen.state, days)


def ago(since: timedelta) -> str:
    """A time gone by, in its largest whole unit."""
    seconds = int(since.total_seconds())
    for unit, length in _UNITS:
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"
