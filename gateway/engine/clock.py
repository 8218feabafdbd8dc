"""The clock: what a jump back means, and the latest moment that the home has seen."""

from datetime import UTC, datetime

from gateway.engine.parts import Parts
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.records.ledger import event, record
from gateway.store import meta

_LATEST = "latest-moment"
_TOLERATED_SECONDS = 60


def note_moment(parts: Parts, now: datetime) -> None:
    """Remember the time; alarm a clock that went back. Nothing is sent twice for it: windows that
    were recorded stay recorded, whatever the clock says.
    """
    with parts.database.transaction() as tx:
        known = meta.get(tx, _LATEST)
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
            meta.put(tx, _LATEST, now.astimezone(UTC).isoformat())
