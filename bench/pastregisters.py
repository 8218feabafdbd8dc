"""What stands beside a past package: looks at the account, e-mails, handovers, requests, registers.

Each day somebody of its recipient looked, officers had an e-mail, and the original was handed over.
Now and then two approved something, an object was destroyed, and a request for information came.
"""

import hashlib
from datetime import datetime, timedelta

from pastrows import Rows, put

from gateway.store import schema

_SEALED = b"\0" * 80


def beside(
    rows: Rows, number: int, sender: str, recipient: str, package: str, at: datetime
) -> None:
    """What comes with every package."""
    looked = at + timedelta(minutes=15)
    _entry(rows, f"mon-{number:012x}", "monitoring", recipient, looked, None)
    put(
        rows,
        schema.mails,
        key=f"package:{package}",
        kind="digest",
        party=recipient,
        officer=f"{recipient}-officer-1",
        address="officer@example.invalid",
        subject="Gateway: the day",
        body="What is owed, and what has come.",
        state="sent",
        attempts=1,
        made_at=at,
        next_at=at,
        sent_at=at,
    )
    put(rows, schema.handovers, sha256=_hash("original", package), party=sender, placed_at=at)


def seldom(
    rows: Rows, number: int, sender: str, package: str, at: datetime, open_still: bool
) -> None:
    """What comes with few: a request that two approved, a destruction, an entry about an FOI."""
    request, later = f"past-{number:012x}", at + timedelta(days=1)
    put(
        rows,
        schema.requests,
        id=request,
        act="recall",
        party=sender,
        subject=f"package:{package}",
        body_sealed=_SEALED,
        digest=_hash("request", package),
        requested_by=f"{sender}-officer-1",
        requested_at=at,
        state="open" if open_still else "failed",
        ended_at=None if open_still else later,
    )
    for officer in () if open_still else (f"{sender}-officer-2", f"{sender}-officer-3"):
        put(
            rows,
            schema.approvals,
            request_id=request,
            officer=officer,
            fingerprint=_hash(officer)[:40],
            signature=_SEALED,
            at=later,
        )
    if not open_still:
        put(
            rows,
            schema.destructions,
            id=f"gone-{number:012x}",
            request_id=request,
            sha256=_hash("gone", package),
            kind="original",
            subject=f"drop:{number:012x}",
            destroyed_at=later,
            certificate=_SEALED,
        )
    due = at + timedelta(days=28)
    _entry(rows, f"foi-{number:012x}", "foi", sender, at, due if open_still else None)


def _entry(
    rows: Rows, name: str, register: str, party: str, at: datetime, due: datetime | None
) -> None:
    """An entry that has ended; with ``due``, one that has not."""
    put(
        rows,
        schema.register_entries,
        id=name,
        register=register,
        party=party,
        state="open" if due else "closed",
        opened_on=at.date(),
        due_at=due,
        body_sealed=_SEALED,
        made_at=at,
        ended_at=None if due else at,
    )
    put(
        rows,
        schema.register_steps,
        entry_id=name,
        step="entered",
        party=party,
        officer=f"{party}-officer-1",
        words_sealed=None,
        signature=None,
        made_at=at,
    )


def _hash(*parts: str) -> str:
    return hashlib.sha256(":".join(parts).encode()).hexdigest()
