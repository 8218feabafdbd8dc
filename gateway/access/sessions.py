"""The site's sessions: kept here, not in the cookie, which holds 256 random bits and nothing else.

A session ends by signing out, after 15 minutes of rest or 12 hours in all, and when its person
leaves or is signed out everywhere: at once, for every request, and every act of the worker's, reads
it anew.
A new secret is given at each sign-in and each time the person proves again who they are.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.access.grants import Grant, may, valid_grants
from gateway.access.training import NOT_TRAINED, Training, training_of
from gateway.refusal import Refusal
from gateway.store import grants, people
from gateway.store import sessions as rows
from gateway.store.database import Transaction
from gateway.store.people import PersonRow
from gateway.store.sessions import SessionRow

IDLE, LONGEST, FRESH = timedelta(minutes=15), timedelta(hours=12), timedelta(minutes=10)
NOTED_EVERY = timedelta(minutes=1)  # no write at every request
_NOBODY_KEPT, _ANYBODY_KEPT = timedelta(hours=1), timedelta(days=30)


class SessionRefused(Refusal):
    """The session lets nobody in, or not to that. Codes: session.*"""

    def __init__(self, code: str, message: str, hint: str = "Sign in again.") -> None:
        super().__init__(code, message, hint)


@dataclass(frozen=True)
class SiteSession:
    """Who is signed in by a session, what they may do now, and whether they proved it lately.

    ``way``: by what they proved who they are, ``proved_at``: when they last did. There are no
    grants where the ``training`` does not count.
    """

    id: int
    person: PersonRow
    grants: frozenset[Grant]
    fresh: bool
    way: str = ""
    proved_at: datetime | None = None
    training: Training = NOT_TRAINED


def new_secret() -> str:
    """A secret for a cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def begin(
    tx: Transaction,
    secret: str,
    *,
    contents_sealed: bytes,
    agent: str,
    now: datetime,
    person_id: str | None = None,
    begun_at: datetime | None = None,
    fresh_at: datetime | None = None,
    way: str = "",
) -> None:
    """Begin a session. ``begun_at``: of the one that it follows, so that it lasts no longer.

    ``way``: by what its person proved who they are.
    """
    rows.add(
        tx,
        secret_hash=hashed(secret),
        person_id=person_id,
        contents_sealed=contents_sealed,
        agent=agent,
        begun_at=begun_at or now,
        seen_at=now,
        fresh_at=fresh_at,
        way=way,
    )


def living(tx: Transaction, secret: str, now: datetime, used: bool = True) -> SessionRow:
    """The session of that secret, if it lasts still; that it was used is noted.

    ``used``: False where a page asks by itself, with nobody at it perhaps.
    Raises SessionRefused: session.unknown, .ended, .idle, .expired.
    """
    row = rows.get(tx, hashed(secret))
    if row is None:
        raise SessionRefused("session.unknown", "There is no such session.")
    if row.ended_at is not None:
        raise SessionRefused("session.ended", "The session was ended.")
    if now - row.seen_at >= IDLE:
        raise SessionRefused("session.idle", "The session was not used for 15 minutes.")
    if now - row.begun_at >= LONGEST:
        raise SessionRefused("session.expired", "The session has lasted for 12 hours.")
    if used and now - row.seen_at >= NOTED_EVERY:
        rows.change(tx, row.id, seen_at=now)
    return row


def session_of(tx: Transaction, secret: str, now: datetime, used: bool = True) -> SiteSession:
    """Who is signed in by that secret, judged anew: session, person, training and grants.

    Raises SessionRefused: also session.nobody (nobody signed in), .left, .unfinished (no second
    factor yet).
    """
    row = living(tx, secret, now, used)
    person = people.get(tx, row.person_id) if row.person_id else None
    if person is None:
        raise SessionRefused("session.nobody", "Nobody has signed in.", "Sign in.")
    if not person.active:
        raise SessionRefused("session.left", "The person has left.", "Ask an administrator.")
    if person.enrolled_at is None:
        raise SessionRefused(
            "session.unfinished",
            "Setting up the account was not finished.",
            "Follow the link of the invitation to its end.",
        )
    training = training_of(tx, person, now)
    valid = valid_grants(person, grants.in_force(tx, person.id), training.until, training.today)
    fresh = _is_fresh(row, now)
    return SiteSession(row.id, person, valid, fresh, row.way, row.fresh_at, training)


def require_grant(session: SiteSession, roles: Iterable[str], party: str, flow: str) -> None:
    """Raises SessionRefused unless the person may act so, there, now: session.training, .grant."""
    if may(session.grants, roles, party, flow):
        return
    if not session.training.counts:
        raise SessionRefused(
            "session.training",
            "Your training is not on record, or has run out: none of your grants counts.",
            "Once you are trained, an officer of your organisation enters it in the register.",
        )
    raise SessionRefused(
        "session.grant",
        "You have no grant for that.",
        "Ask an administrator of your organisation.",
    )


def require_role(session: SiteSession, roles: Iterable[str], party: str) -> None:
    """As `require_grant`, for any of the party's flows."""
    flows = [item.flow for item in session.grants if item.party == party]
    if not any(may(session.grants, roles, party, flow) for flow in flows):
        require_grant(session, roles, party, "")


def require_fresh(session: SiteSession) -> None:
    """Raises SessionRefused (session.stale) unless the person has just proved who they are."""
    if not session.fresh:
        raise SessionRefused(
            "session.stale",
            "This needs you to prove again who you are.",
            "Enter your password, or use your security key, and do it again.",
        )


def sweep(tx: Transaction, now: datetime) -> None:
    """Remove sessions that ended long ago, and those by which nobody signed in."""
    rows.sweep(tx, now - _NOBODY_KEPT, now - _ANYBODY_KEPT)


def hashed(secret: str) -> bytes:
    """What is kept of a secret. It is 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).digest()


def _is_fresh(row: SessionRow, now: datetime) -> bool:
    return row.fresh_at is not None and now - row.fresh_at < FRESH
