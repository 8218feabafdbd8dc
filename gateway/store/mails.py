"""Rows of e-mails to officers: queued, sent, or given up after days of trying."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import mails

INVITATION = "invitation"  # its text lets somebody in: it is kept no longer than it must be
_GONE = "The text of this e-mail is not kept."


@dataclass(frozen=True)
class MailRow:
    """One e-mail. ``state`` is ``queued``, ``sent`` or ``given-up``; ``key`` names its news."""

    id: int
    key: str
    kind: str
    party: str
    officer: str
    address: str
    subject: str
    body: str
    state: str
    attempts: int
    last_fault: str | None
    made_at: datetime
    next_at: datetime
    sent_at: datetime | None


def add_once(
    tx: Transaction,
    *,
    key: str,
    kind: str,
    party: str,
    officer: str,
    address: str,
    subject: str,
    body: str,
    made_at: datetime,
) -> bool:
    """Queue an e-mail unless its news was queued before; whether it is new."""
    if tx.execute(sa.select(mails.c.id).where(mails.c.key == key)).first() is not None:
        return False
    tx.execute(
        sa.insert(mails).values(
            key=key,
            kind=kind,
            party=party,
            officer=officer,
            address=address,
            subject=subject,
            body=body,
            state="queued",
            made_at=made_at,
            next_at=made_at,
        )
    )
    return True


def due(tx: Transaction, now: datetime, limit: int = 200) -> list[MailRow]:
    """The e-mails whose time to be tried has come, oldest first."""
    rows = tx.execute(
        sa.select(mails)
        .where(mails.c.state == "queued", mails.c.next_at <= now)
        .order_by(mails.c.id)
        .limit(limit)
    ).mappings()
    return [MailRow(**row) for row in rows]


def claim(tx: Transaction, row: MailRow, next_at: datetime) -> bool:
    """Count an attempt before it is made, and when the next would be; False: another has it."""
    return _change(tx, row, row.attempts, attempts=row.attempts + 1, next_at=next_at)


def mark_sent(tx: Transaction, row: MailRow, at: datetime) -> bool:
    """The server has taken it; False when it is no longer as it was claimed."""
    values = _without_secret(row)
    return _change(tx, row, row.attempts + 1, state="sent", sent_at=at, last_fault=None, **values)


def mark_failed(tx: Transaction, row: MailRow, fault: str, given_up: bool) -> bool:
    """The attempt failed, with that code; False when it is no longer as it was claimed."""
    state = "given-up" if given_up else "queued"
    values = _without_secret(row) if given_up else {}
    return _change(tx, row, row.attempts + 1, state=state, last_fault=fault, **values)


def failing_since(tx: Transaction) -> datetime | None:
    """When the oldest e-mail was made that was tried in vain and waits; None: there is none."""
    oldest: datetime | None = tx.execute(
        sa.select(sa.func.min(mails.c.made_at, type_=mails.c.made_at.type)).where(
            mails.c.state == "queued", mails.c.attempts > 0
        )
    ).scalar_one()
    return oldest


def _without_secret(row: MailRow) -> dict[str, str]:
    return {"body": _GONE} if row.kind == INVITATION else {}


def _change(tx: Transaction, row: MailRow, counted: int, **values: object) -> bool:
    changed = tx.execute(
        sa.update(mails)
        .where(mails.c.id == row.id, mails.c.state == "queued", mails.c.attempts == counted)
        .values(**values)
    ).rowcount
    return changed == 1
