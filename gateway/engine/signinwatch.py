"""Looks after sign-in: a storm that is over ends its alarm, and what is old is forgotten."""

from datetime import datetime

from gateway.access import pauses, sessions
from gateway.engine.parts import Parts
from gateway.records.alarms import clear_others


def watch_sign_in(parts: Parts, now: datetime) -> None:
    """Forget old counters and sessions; end the alarm of a storm that was over an hour ago."""
    with parts.database.transaction() as tx:
        still = pauses.sweep(tx, now)
        sessions.sweep(tx, now)
    if not still:
        clear_others(parts.database, pauses.STORM_CODE, set(), now)
