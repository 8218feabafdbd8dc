"""The clock: what a jump back or ahead means, and the latest moment that the home has seen."""

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.engine.parts import Parts
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.records.ledger import event, record
from gateway.store import meta
from gateway.store.database import Database

LATEST = "latest-moment"
_OFFSET = "clock-offset"
_TOLERATED_SECONDS = 60
_JUMP_SECONDS = 300
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def note_moment(parts: Parts, now: datetime) -> None:
    """Remember the time; alarm a clock that went back. Nothing is sent twice for it: windows that
    were recorded stay recorded, whatever the clock says.
    """
    with parts.database.transaction() as tx:
        known = meta.get(tx, LATEST)
        latest = datetime.fromisoformat(known) if known else None
        behind = int((latest - now).total_seconds()) if latest else 0
        if behind > _TOLERATED_SECONDS:
            words = (
                "The clock stands before a moment that this gateway has already seen. Set it right."
            )
            if raise_alarm(tx, "clock.back", "home", words, now):
                record(tx, event("clock.back", "home", facts={"seconds": behind}), now)
            return
        clear_alarm(tx, "clock.back", "home", now)
        if latest is None or now > latest:
            meta.put(tx, LATEST, now.astimezone(UTC).isoformat())


def latest_moment(database: Database) -> datetime | None:
    """The latest moment that the home has seen; None before its first tick. Raises StoreFault."""
    with database.transaction() as tx:
        known = meta.get(tx, LATEST)
    return datetime.fromisoformat(known) if known else None


@dataclass(frozen=True)
class Reading:
    """One look at the computer's clocks. ``offset``: wall clock less time since boot, seconds.

    ``synchronised``: whether the kernel says that a time source keeps the clock; None: unknown.
    """

    wall: datetime
    boot: str
    offset: int
    synchronised: bool | None


def read_clock() -> Reading:
    """Look at the clocks now."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    wall = time.time()
    offset = int(wall - time.clock_gettime(time.CLOCK_BOOTTIME))
    return Reading(datetime.fromtimestamp(wall, UTC), boot, offset, _synchronised())


def watch_clock(parts: Parts, now: datetime, reading: Reading) -> None:
    """Alarm a wall clock that jumped while the computer ran, unless a time source vouches for it.

    A long silence is an outage and no jump: the time since boot grows with it. A tick that was
    told another time than the clock's (a rehearsal's --now) says nothing about the clock.
    """
    if not reading.boot or abs((reading.wall - now).total_seconds()) > _TOLERATED_SECONDS:
        return
    with parts.database.transaction() as tx:
        boot, _, known = (meta.get(tx, _OFFSET) or "").partition(" ")
        jump = reading.offset - int(known) if boot == reading.boot else 0
        if abs(jump) <= _JUMP_SECONDS or reading.synchronised:
            clear_alarm(tx, "clock.wrong", "home", now)
            if boot != reading.boot or jump:
                meta.put(tx, _OFFSET, f"{reading.boot} {reading.offset}")
            return
        words = (
            "The computer's clock has jumped by more than five minutes, and no time source vouches "
            "for it. Windows and deadlines go by this clock: check it, and keep it by NTP."
        )
        raise_alarm(tx, "clock.wrong", "home", words, now)


def _synchronised() -> bool | None:
    """What the kernel says (adjtimex(2), asked without changing anything)."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
