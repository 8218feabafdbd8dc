"""Alarms about tokens: 14 and 3 days before one ends, so that no program stops without warning."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.engine.parts import Parts
from gateway.records.alarms import clear_others, raise_alarm
from gateway.store import tokens
from gateway.store.tokens import TokenRow

_LEVELS = (3, 14)  # days before the end, the nearest first
_CODE = "token.ending"


def watch_tokens(parts: Parts, now: datetime) -> None:
    """Alarm each token that soon ends; end it for those revoked, ended, or followed by another.

    A token is followed by one of the same party and flow that may do as much and ends later. The
    level is part of the subject, so that each is told; one made for few days is told of later.
    """
    still: set[str] = set()
    with parts.database.transaction() as tx:
        good = [row for row in tokens.listed(tx) if row.revoked_at is None and now < row.expires_at]
        for row in good:
            level = _level(row, now)
            if level is None or _is_followed(row, good):
                continue
            subject = f"token:{row.party}:{row.prefix}:{level}"
            still.add(subject)
            words = (
                f"The token {row.prefix} of {row.party} for {row.flow} ends on "
                f"{row.expires_at:%-d %B %Y}. Make a new one (`token make`), put it where the "
                "party's program reads it, and revoke this one."
            )
            raise_alarm(tx, _CODE, subject, words, now)
    clear_others(parts.database, _CODE, still, now)


def _level(row: TokenRow, now: datetime) -> int | None:
    for days in _LEVELS:
        before = row.expires_at - timedelta(days=days)
        if row.made_at < before <= now:
            return days
    return None


def _is_followed(row: TokenRow, good: Sequence[TokenRow]) -> bool:
    return any(
        (other.party, other.flow) == (row.party, row.flow)
        and other.expires_at > row.expires_at
        and set(row.scopes.split()) <= set(other.scopes.split())
        for other in good
    )
