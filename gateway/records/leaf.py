"""The ledger's leaf: its form is final (design §5.1).

A leaf is RFC 8785 canonical JSON with these members, all always present:

``at``       when, UTC, RFC 3339 with ``Z`` and microseconds
``agreement`` SHA-256 of the agreement in force, hex; empty for acts on the home itself
``commits``  name → SHA-256(salt ‖ canonical JSON of the value), hex; the 128-bit salts lie apart
``event``    one of `EVENTS`
``facts``    name → number, text or truth, open to all readers of the ledger
``id``       128 random bits, hex: no two leaves are the same
``subject``  what it is about, such as ``drop:…`` or ``package:…``
``v``        1

It holds nothing about children, families or cases: which facts and commitments an event may carry
is a closed list, and none of them is taken from a cell. The leaf's hash is RFC 6962's:
SHA-256(0x00 ‖ leaf).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import rfc8785

Fact = str | int | bool


@dataclass(frozen=True)
class EventKind:
    """What a leaf of an event may say openly, and what it commits to with a salt."""

    facts: frozenset[str]
    commits: frozenset[str]


def _event(facts: str, commits: str = "") -> EventKind:
    return EventKind(frozenset(facts.split()), frozenset(commits.split()))


EVENTS: Mapping[str, EventKind] = {
    "home.made": _event("rehearsal version"),
    "home.upgraded": _event("version"),
    "key.pinned": _event("party role fingerprint"),
    "drop.received": _event("flow party sealed", "original size"),
    "drop.judged": _event("flow state", "rows accepted held repeats findings"),
    "drop.sent": _event("flow package"),
    "drop.withdrawn": _event("flow party"),
    "drop.replaced": _event("flow party by"),
    "drop.recounted": _event("flow", "accepted repeats"),
    "window.due": _event("flow day due missed"),
    "window.packed": _event("flow day package"),
    "window.covered": _event("flow day package"),
    "package.sealed": _event("flow day kind zip recipients", "rows updates held repeats"),
    "package.placed": _event("flow day"),
    "delivery.placed": _event("package party sha256 protection"),
    "alarm.raised": _event("code"),
    "alarm.cleared": _event("code"),
    "alarm.escalated": _event("code level"),
    "officer.pinned": _event("party key", "officer"),
    "officer.away": _event("party from until", "officer deputy"),
    "request.made": _event("act party digest", "officer"),
    "request.approved": _event("act party key", "officer"),
    "request.refused": _event("act party code"),
    "request.withdrawn": _event("act party", "officer"),
    "request.done": _event("act party"),
    "request.failed": _event("act party code"),
    "token.made": _event("party flow scopes expires"),
    "token.revoked": _event("party flow"),
    "access.refused": _event("party way code"),
    "password.released": _event("package party way", "principal"),
    "password.refused": _event("party way code"),
    "receipt.recorded": _event("kind package party way digest receipt", "officer"),
    "receipt.refused": _event("party way code"),
    "package.accepted": _event("flow day"),
    "package.recalled": _event("flow day request"),
    "package.superseded": _event("flow day by"),
    "delivery.recalled": _event("package party"),
    "rows.released": _event("drop request", "rows"),
    "query.opened": _event("package party", "officer"),
    "query.answered": _event("package party", "officer"),
    "query.closed": _event("package party", "officer"),
    "reconciliation.listed": _event("flow day party", "unknown unanswered"),
    "reconciliation.placed": _event("flow day party sha256"),
    "rehearsal.begun": _event("party package"),
    "rehearsal.passed": _event("party package"),
    "mail.sent": _event("kind party", "officer"),
    "mail.given-up": _event("kind party code", "officer"),
    "clock.back": _event("seconds"),
    "log.opened": _event("log origin lost-from lost-to"),
    "ledger.key-changed": _event("old new"),
    "checkpoint.made": _event("log size root"),
    "witness.seen": _event("party log size root verdict receipt"),
    "witness.lost": _event("party log size root"),
    "package.lost": _event(""),
    "agreement.seen": _event("agreement version"),
    "agreement.signed": _event("party key signature"),
    "agreement.withdrawn": _event("party key signature"),
    "agreement.effective": _event("agreement version from"),
    "hold.begun": _event("scope flow review", "officer"),
    "hold.reviewed": _event("scope flow review", "officer"),
    "hold.ended": _event("scope flow request"),
    "vault.audited": _event("objects wrong missing"),
    "original.handed-over": _event("party sha256"),
    "object.destroyed": _event("kind sha256 request certificate"),
    "deletion.refused": _event("code"),
    "register.entered": _event("register party", "officer"),
    "register.step": _event("register party step", "officer"),
    "register.moved": _event("register party to"),
    "person.invited": _event("party", "person by"),
    "person.enrolled": _event("party", "person"),
    "person.reset": _event("party", "person by"),
    "person.left": _event("party", "person by"),
    "person.proof": _event("party what", "person"),
    "grant.made": _event("party flow role", "person by"),
    "grant.revoked": _event("party flow role", "person by"),
    "session.begun": _event("party way", "person"),
    "session.ended": _event("party count", "person by"),
    "sign-in.paused": _event("kind"),
    "evidence.exported": _event("from until size sha256 case"),
}


@dataclass(frozen=True)
class Leaf:
    """A leaf's bytes, its hash, and the salts that open its commitments."""

    body: bytes
    hash: bytes
    salts: Mapping[str, bytes]


class LeafRefused(ValueError):
    """Something was about to be written that the event's closed list does not allow."""


def make_leaf(
    event: str,
    subject: str,
    at: datetime,
    agreement_hash: str,
    facts: Mapping[str, Fact],
    commits: Mapping[str, Fact],
) -> Leaf:
    """Make a leaf. Raises LeafRefused for an unknown event, fact or commitment."""
    kind = EVENTS.get(event)
    if kind is None or set(facts) != kind.facts or set(commits) != kind.commits:
        raise LeafRefused(f"the ledger has no event {event} with these facts and commitments")
    salts = {name: secrets.token_bytes(16) for name in sorted(commits)}
    body = rfc8785.dumps(
        {
            "agreement": agreement_hash,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "commits": {name: commitment(salts[name], commits[name]) for name in salts},
            "event": event,
            "facts": dict(facts),
            "id": secrets.token_hex(16),
            "subject": subject,
            "v": 1,
        }
    )
    return Leaf(body, leaf_hash(body), salts)


def commitment(salt: bytes, value: Fact) -> str:
    """SHA-256(salt ‖ canonical JSON of the value), hex."""
    return hashlib.sha256(salt + rfc8785.dumps(value)).hexdigest()


def leaf_hash(body: bytes) -> bytes:
    """The Merkle leaf hash of RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + body).digest()
