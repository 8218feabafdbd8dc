"""Rows of requests for what two officers must approve, and of their approvals (only added to)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import approvals, requests

GOING = ("open", "approved")


@dataclass(frozen=True)
class RequestRow:
    """A request; ``digest`` is the SHA-256 of all that it asks."""

    id: str
    act: str
    party: str
    subject: str
    body_sealed: bytes
    digest: str
    requested_by: str
    requested_at: datetime
    state: str
    ended_at: datetime | None
    fault: str | None


@dataclass(frozen=True)
class ApprovalRow:
    """An approval of a request by a signature; ``fingerprint``: the officer's key that made it.

    Where it was given on the site, ``statement`` is what the gateway's key signed, and
    ``fingerprint`` names the person.
    """

    request_id: str
    officer: str
    fingerprint: str
    signature: bytes
    at: datetime
    statement: bytes | None = None


def add(tx: Transaction, request: RequestRow) -> None:
    """A request was made."""
    tx.execute(sa.insert(requests).values(**vars(request)))


def get(tx: Transaction, request_id: str) -> RequestRow | None:
    """The request of that id, or None."""
    row = tx.execute(sa.select(requests).where(requests.c.id == request_id)).mappings().first()
    return RequestRow(**row) if row else None


def approved(tx: Transaction) -> list[RequestRow]:
    """Requests that two have approved and that wait to be carried out, oldest first."""
    return latest(tx, ("approved",))[::-1]


def latest(
    tx: Transaction, states: Sequence[str] = (), limit: int | None = None
) -> list[RequestRow]:
    """Requests, newest first; in those states where given."""
    asked = sa.select(requests).order_by(requests.c.requested_at.desc(), requests.c.id)
    if states:
        asked = asked.where(requests.c.state.in_(states))
    return [RequestRow(**row) for row in tx.execute(asked.limit(limit)).mappings()]


def ended(tx: Transaction, limit: int) -> list[RequestRow]:
    """Requests that are over, newest first: read from the newest on, not from all that are over."""
    asked = sa.select(requests).where(requests.c.state.not_in(GOING))
    asked = asked.order_by(requests.c.requested_at.desc(), requests.c.id)
    return [RequestRow(**row) for row in tx.execute(asked.limit(limit)).mappings()]


def add_approval(tx: Transaction, approval: ApprovalRow) -> None:
    """An officer has approved; the table takes one approval of an officer, and one of a key."""
    tx.execute(sa.insert(approvals).values(**vars(approval)))


def approvals_of(tx: Transaction, request_id: str) -> list[ApprovalRow]:
    """The approvals of a request, oldest first."""
    rows = tx.execute(
        sa.select(approvals)
        .where(approvals.c.request_id == request_id)
        .order_by(approvals.c.at, approvals.c.officer)
    ).mappings()
    return [ApprovalRow(**row) for row in rows]


def approvals_by_request(
    tx: Transaction, request_ids: Iterable[str]
) -> dict[str, list[ApprovalRow]]:
    """The approvals of those requests, oldest first, by request."""
    found: dict[str, list[ApprovalRow]] = {request_id: [] for request_id in request_ids}
    asked = sa.select(approvals).where(approvals.c.request_id.in_(list(found)))
    for row in tx.execute(asked.order_by(approvals.c.at, approvals.c.officer)).mappings():
        found[row["request_id"]].append(ApprovalRow(**row))
    return found
