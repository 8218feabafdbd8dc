"""How often somebody may try to sign in: pauses that grow, for a person and for an address.

What is counted lies in the database, so that it holds for all processes together. An attempt is
counted before its password is looked at, so that many at once gain nothing. While a pause lasts
nobody is heard and nothing is counted, so that no stranger can keep a person out for ever; and from
where a person has signed in lately, only what goes wrong there counts.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.records.alarms import raise_alarm
from gateway.records.ledger import event, record
from gateway.store import signins
from gateway.store.database import Transaction
from gateway.store.signins import CounterRow

FREE = {"person": 5, "place": 10, "address": 30, "factor": 5}  # attempts before the first pause
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=12)
USUAL_FOR = timedelta(days=30)
STORM = {"person": 15, "place": 30, "address": 100, "factor": 10}
STORM_CODE = "sign-in.storm"
SLIPS = 2  # wrong second factors in a row that a person may give from a usual place, unremarked
_COST = 2  # attempts that one whole sign-in takes: the password, and the second factor


class SignInPaused(Exception):
    """There were too many attempts. Code: sign-in.paused. It is the same for whom nobody knows."""

    code = "sign-in.paused"

    def __init__(self, until: datetime, now: datetime) -> None:
        minutes = max(1, -(-int((until - now).total_seconds()) // 60))
        self.hint = f"Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        super().__init__("There were too many attempts to sign in.")
        self.until = until


@dataclass(frozen=True)
class Counted:
    """One counter: what it counts, by a hash that tells nobody who it is."""

    kind: str
    key: bytes


def count_attempt(tx: Transaction, identity: str, address: str, now: datetime) -> None:
    """Count an attempt with a password, before it is judged. Raises SignInPaused."""
    _count(tx, (_person(tx, identity, address, now), _counted("address", address)), now)


def count_factor(tx: Transaction, identity: str, address: str, now: datetime) -> None:
    """Count an attempt with a second factor or of signing in again. Raises SignInPaused."""
    _count(tx, (_factor(tx, identity, address, now), _counted("address", address)), now)


def signed_in(
    tx: Transaction, identity: str, address: str, now: datetime, browser: str = ""
) -> None:
    """Somebody has signed in with all it takes: their counters end, and the place is a usual one.

    The address gets back what this sign-in cost it and no more: nobody clears an address's counter
    with an account of their own, and an office of many people behind one address is not held up.
    """
    for counted in (
        _counted("person", identity),
        _counted("place", identity, address),
        _counted("factor", identity),
        _counted("factor", identity, address),
    ):
        signins.clear(tx, counted.key)
    signins.give_back(tx, _counted("address", address).key, _COST)
    note_usual(tx, identity, address, browser, now)


def note_usual(tx: Transaction, identity: str, address: str, browser: str, now: datetime) -> None:
    """Somebody is where they say, with that browser: both are usual ones from now on."""
    signins.note_place(tx, _counted("usual", identity, address).key, now)
    signins.note_place(tx, _counted("browser", identity, browser).key, now)


def proved_again(tx: Transaction, identity: str, address: str) -> None:
    """Somebody who is signed in has proved again who they are."""
    for counted in (_counted("factor", identity), _counted("factor", identity, address)):
        signins.clear(tx, counted.key)
    signins.give_back(tx, _counted("address", address).key, 1)


def is_usual(tx: Transaction, identity: str, address: str, browser: str, now: datetime) -> bool:
    """Whether they signed in lately from that address, and by such a browser."""
    browsers = _counted("browser", identity, browser).key
    known = signins.knows_place(tx, browsers, now - USUAL_FOR)
    return _usual(tx, identity, address, now) and known


def is_held_up(tx: Transaction, identity: str, address: str, now: datetime) -> bool:
    """Whether a pause is on for who tries to be that person from there."""
    counters = (_person(tx, identity, address, now), _factor(tx, identity, address, now))
    rows = [signins.get(tx, counted.key) for counted in counters]
    return any(row and row.paused_until and row.paused_until > now for row in rows)


def is_no_slip(tx: Transaction, identity: str, address: str, now: datetime) -> bool:
    """Whether a wrong second factor is more than its own person's slip, as far as can be told."""
    row = signins.get(tx, _factor(tx, identity, address, now).key)
    slips = SLIPS if _usual(tx, identity, address, now) else 0
    return row is not None and row.failures > slips


def sweep(tx: Transaction, now: datetime) -> bool:
    """Forget old counters; whether a storm may still be on."""
    signins.sweep(tx, now - 2 * FORGOTTEN_AFTER, now - USUAL_FOR)
    since = now - timedelta(hours=1)
    return any(signins.failures_since(tx, kind, since) >= enough for kind, enough in STORM.items())


def _person(tx: Transaction, identity: str, address: str, now: datetime) -> Counted:
    if _usual(tx, identity, address, now):
        return _counted("place", identity, address)
    return _counted("person", identity)


def _factor(tx: Transaction, identity: str, address: str, now: datetime) -> Counted:
    if _usual(tx, identity, address, now):
        return _counted("factor", identity, address)
    return _counted("factor", identity)


def _usual(tx: Transaction, identity: str, address: str, now: datetime) -> bool:
    return signins.knows_place(tx, _counted("usual", identity, address).key, now - USUAL_FOR)


def _counted(kind: str, *named: str) -> Counted:
    text = "\x00".join((kind, *(name.strip().casefold() for name in named)))
    return Counted(kind, hashlib.sha256(text.encode()).digest())


def _count(tx: Transaction, counters: tuple[Counted, ...], now: datetime) -> None:
    found = [(counted, signins.get(tx, counted.key)) for counted in counters]
    until = [row.paused_until for _, row in found if row and row.paused_until]
    if until and max(until) > now:
        raise SignInPaused(max(until), now)
    for counted, row in found:
        _add(tx, counted, row, now)


def _add(tx: Transaction, counted: Counted, row: CounterRow | None, now: datetime) -> None:
    known = row or CounterRow(counted.key, counted.kind, 0, now, None)
    failures = 1 if now - known.last_at >= FORGOTTEN_AFTER else known.failures + 1
    pause = _pause(failures - FREE[counted.kind])
    until = now + pause if pause else None
    changed = replace(known, failures=failures, last_at=now, paused_until=until)
    signins.put(tx, changed, new=row is None)
    if until is not None:
        record(tx, event("sign-in.paused", "sign-in", facts={"kind": counted.kind}), now)
    if failures >= STORM[counted.kind]:
        words = (
            "Somebody tries again and again to sign in to the site, and fails. Pauses hold them "
            "back. Ask the people concerned whether it was they; look at the proxy's log for "
            "the addresses, and block them there."
        )
        raise_alarm(tx, STORM_CODE, f"sign-in:{counted.kind}", words, now)


def _pause(over: int) -> timedelta | None:
    """The pause after an attempt that is so many over the free ones."""
    if over < 0:
        return None
    doubled: timedelta = FIRST_PAUSE * (1 << min(over, 16))
    return min(doubled, LONGEST_PAUSE)
