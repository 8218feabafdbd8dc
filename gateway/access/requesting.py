"""Asking for what others must approve, and taking it back while it is open."""

from datetime import datetime

from gateway.access.deciding import ACTS, ApprovalRefused, note_refusal, parties_of
from gateway.access.officers import Officer, Officers, OfficersFault
from gateway.access.statements import Body, new_request
from gateway.crypto.sealing import Sealer
from gateway.records.ledger import event, move, record
from gateway.store import requests as rows
from gateway.store.database import Database, Transaction
from gateway.store.requests import RequestRow

_MAY_ASK = frozenset({"sender", "approver", "administrator"})


def request_of(tx: Transaction, request_id: str) -> RequestRow:
    """The request of that id. Raises ApprovalRefused request.unknown."""
    request = rows.get(tx, request_id)
    if request is None:
        raise ApprovalRefused(
            "request.unknown", "There is no request of that id.", "`request list` shows them."
        )
    return request


def make_request(
    tx: Transaction,
    sealer: Sealer,
    officers: Officers,
    act: str,
    subject: str,
    body: Body,
    officer_id: str,
    now: datetime,
    agreement_hash: str = "",
) -> RequestRow:
    """An officer asks for an act on a subject (such as ``package:…``); the body says the rest.

    Whether the subject can bear the act is the caller's to judge, and a refusal is the caller's to
    ledger (`note_refusal`). Raises ApprovalRefused (request.act, request.not-entitled) and
    OfficersFault.
    """
    officer = officers.get(officer_id)
    if act not in ACTS:
        refused = ApprovalRefused(
            "request.act", "There is no such act.", f"Acts: {', '.join(ACTS)}."
        )
        refused.party = officer.party
        raise refused
    if not _MAY_ASK & set(officer.roles):
        refused = ApprovalRefused(
            "request.not-entitled",
            "That officer may not ask for this.",
            "An officer with the role sender, approver or administrator asks.",
        )
        refused.act, refused.party = act, officer.party
        raise refused
    if officer.party not in parties_of(officers, act, officer.party):
        refused = ApprovalRefused(
            "request.not-your-act",
            "That officer's party has not signed the agreement itself.",
            "An officer of a party that signs the agreement asks for this.",
        )
        refused.act, refused.party = act, officer.party
        raise refused
    request = new_request(sealer, act, officer.party, subject, body, officer.id, now)
    rows.add(tx, request)
    facts = {"act": act, "party": request.party, "digest": request.digest}
    commits = {"officer": officer.id}
    record(tx, event("request.made", f"request:{request.id}", agreement_hash, facts, commits), now)
    return request


def withdraw_request(
    database: Database, officers: Officers, request_id: str, officer_id: str, now: datetime
) -> None:
    """Take an open request back: who asked may, and any approver of a party that decides.

    Raises ApprovalRefused, ledgered.
    """
    try:
        with database.transaction() as tx:
            request = open_request(tx, request_id)
            officer = officer_deciding(officers, request, officer_id)
            if officer.id != request.requested_by and not officer.has("approver"):
                raise not_approver(request)
            facts = {"act": request.act, "party": request.party}
            subject, commits = f"request:{request.id}", {"officer": officer.id}
            happened = event("request.withdrawn", subject, "", facts, commits)
            key, ended = {"id": request.id}, {"ended_at": now}
            move(tx, "request", key, "open", "withdrawn", happened, now, ended)
    except ApprovalRefused as refused:
        note_refusal(database, refused, now)
        raise


def open_request(tx: Transaction, request_id: str) -> RequestRow:
    """The request, while it is open. Raises ApprovalRefused (request.*)."""
    request = request_of(tx, request_id)
    if request.state != "open":
        raise ApprovalRefused(
            "request.not-open",
            f"The request is {request.state}: nothing about it can be changed.",
            "Make a new request if it is still needed.",
        ).about(request)
    return request


def officer_deciding(officers: Officers, request: RequestRow, officer_id: str) -> Officer:
    """An officer of a party that decides about the request. Raises ApprovalRefused (approval.*)."""
    try:
        officer = officers.get(officer_id)
    except OfficersFault as fault:
        raise ApprovalRefused("approval.unknown-officer", fault.args[0], fault.hint).about(
            request
        ) from fault
    if officer.party not in parties_deciding(officers, request):
        raise ApprovalRefused(
            "approval.not-your-party",
            "The request is not that party's to decide.",
            "`request show` names whose officers decide about it.",
        ).about(request)
    return officer


def not_approver(request: RequestRow) -> ApprovalRefused:
    """Who it is has not the role that it takes."""
    return ApprovalRefused(
        "approval.not-approver",
        "That officer is no approver.",
        "`officers` shows who has the role approver.",
    ).about(request)


def parties_deciding(officers: Officers, request: RequestRow) -> tuple[str, ...]:
    """The parties whose approvers decide about a request: each of them has to, by one at least."""
    return parties_of(officers, request.act, request.party)
