"""Tokens: what a party's own program shows to the gateway's faces, ``prefix.secret``.

The prefix is public and finds the row; of the secret only a hash is kept. The secret is 256 random
bits, so that a plain SHA-256 protects it: there is nothing to guess, as there is with a password.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from gateway.agreement.model import Flow
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store import tokens as rows
from gateway.store.database import Transaction

Scope = Literal["collect", "password", "receipt", "drop", "status"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
RECIPIENTS: frozenset[Scope] = frozenset({"collect", "password", "receipt", "status"})
SENDERS: frozenset[Scope] = frozenset({"drop", "status"})
DEFAULT_DAYS = 90
LONGEST_DAYS = 366
_TOKEN = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")
_NOTED_EVERY = timedelta(minutes=1)  # the last use is for people: no write at every request
_NO_HASH = bytes(32)


class TokenRefused(Refusal):
    """The token does not let anybody in, or may not be made. Codes: token.*"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who showed a good token: a party's program, for one flow, with these scopes."""

    prefix: str
    party: str
    flow: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the token was made for that."""
        return scope in self.scopes


def require_fit(flow: Flow, party: str, scopes: Collection[str]) -> None:
    """Refuse a token that the agreement gives no use for.

    Raises TokenRefused: token.not-a-party (of the flow), token.scope (not for that side of it).
    """
    fitting: set[Scope] = set()
    if party == flow.sender:
        fitting |= SENDERS
    if party in {recipient.party for recipient in flow.recipients}:
        fitting |= RECIPIENTS
    if not fitting:
        raise TokenRefused(
            "token.not-a-party",
            f"{party} neither sends nor receives the flow {flow.id}.",
            "`agreement explain` says who does.",
        )
    if strange := sorted(set(scopes) - fitting):
        raise TokenRefused(
            "token.scope",
            f"{party} has no use for {', '.join(strange)} in the flow {flow.id}.",
            f"It may have: {', '.join(scope for scope in SCOPES if scope in fitting)}.",
        )


def make_token(
    tx: Transaction, party: str, flow: str, scopes: Collection[str], days: int, now: datetime
) -> str:
    """Make a token for ``days`` days: its text, which is kept nowhere and so is told once.

    Whether the agreement has a use for it, `require_fit` says. Raises TokenRefused: token.scope,
    token.life.
    """
    wanted = [scope for scope in SCOPES if scope in scopes]
    if not wanted or set(scopes) - set(wanted):
        raise TokenRefused(
            "token.scope",
            "A token needs at least one scope, and only those there are.",
            f"Scopes: {', '.join(SCOPES)}.",
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise TokenRefused(
            "token.life",
            f"A token lives from 1 to {LONGEST_DAYS} days.",
            "Choose a shorter life, and make a new one before it ends.",
        )
    prefix, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    expires = now + timedelta(days=days)
    told = " ".join(wanted)
    rows.add(
        tx,
        prefix=prefix,
        secret_hash=_hashed(secret),
        party=party,
        flow=flow,
        scopes=told,
        made_at=now,
        expires_at=expires,
    )
    until = expires.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    facts = {"party": party, "flow": flow, "scopes": told, "expires": until}
    record(tx, event("token.made", f"token:{prefix}", facts=facts), now)
    return f"{prefix}.{secret}"


def check_token(tx: Transaction, text: str, now: datetime) -> Principal:
    """Who a token speaks for.

    Raises TokenRefused: token.malformed, token.unknown (no such prefix, or a wrong secret: nobody
    learns which), token.revoked, token.expired.
    """
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise TokenRefused(
            "token.malformed",
            "That is not a token of this gateway.",
            "Give it whole, as it was told when it was made.",
        )
    row = rows.get(tx, match[1])
    good = hmac.compare_digest(row.secret_hash if row else _NO_HASH, _hashed(match[2]))
    if row is None or not good:
        raise _unknown()
    if row.revoked_at is not None:
        raise TokenRefused(
            "token.revoked",
            "The token was revoked.",
            "Ask the gateway's administrator for a new one.",
        )
    if now >= row.expires_at:
        raise TokenRefused(
            "token.expired",
            f"The token ended on {row.expires_at:%-d %B %Y}.",
            "Ask the gateway's administrator for a new one.",
        )
    if row.last_used_at is None or abs(now - row.last_used_at) >= _NOTED_EVERY:
        rows.used(tx, row.prefix, now)
    return Principal(row.prefix, row.party, row.flow, frozenset(row.scopes.split()))


def revoke_token(tx: Transaction, prefix: str, now: datetime) -> None:
    """Let a token be worth nothing from now on. Raises TokenRefused: token.unknown, .revoked."""
    row = rows.get(tx, prefix)
    if row is None:
        raise _unknown()
    if not rows.revoke(tx, prefix, now):
        raise TokenRefused("token.revoked", "The token was revoked before.", "Nothing is to do.")
    facts = {"party": row.party, "flow": row.flow}
    record(tx, event("token.revoked", f"token:{prefix}", facts=facts), now)


def _unknown() -> TokenRefused:
    return TokenRefused(
        "token.unknown",
        "There is no such token.",
        "`token list` shows the first halves of those there are; ask for a new one if it is lost.",
    )


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
