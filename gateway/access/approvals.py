"""What one officer asks for and others must approve, each with their own key (design §5.1).

Two of the asker's own party approve what the party alone answers for. What touches the evidence
itself (a hold's end, destruction, a new log, other keys) takes an approver of each party that
signs the agreement, so that neither can do it alone.

An approval is an OpenPGP signature over `statement`, which names the request and the SHA-256 of
all it asks: nobody's approval can be carried over to another request, or to other words. Approvers
differ in person and in key from one another and from who asked. Every refusal is ledgered.
"""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from typing import Literal, get_args

from gateway.access.officers import Officer, Officers, OfficersFault
from gateway.access.statements import (
    Body,
    body_of,
    new_request,
    signed_statement,
    statement,
    verify_statement,
)
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import require_usable
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.sealing import Sealer
from gateway.records.ledger import Event, event, move, record
from gateway.store import requests as rows
from gateway.store.database import Database, Transaction
from gateway.store.requests import ApprovalRow, RequestRow

__all__ = [
    "ACTS",
    "NEEDED",
    "ApprovalRefused",
    "approve",
    "body_of",
    "make_request",
    "note_refusal",
    "parties_deciding",
    "request_of",
    "require_proven",
    "signed_statement",
    "statement",
    "withdraw_request",
]

Act = Literal[
    "recall",
    "supersede",
    "release-held",
    "end-hold",
    "destroy",
    "recover-ledger",
    "change-keys",
]
ACTS: tuple[Act, ...] = get_args(Act)
NEEDED = 2
_TOGETHER = frozenset({"end-hold", "destroy", "recover-ledger", "change-keys"})
_MAY_ASK = frozenset({"sender", "approver", "administrator"})
_NONE = "none"  # in the ledger, where the request or the officer is not known
_CODES = {
    "signature.missing": "approval.not-signed",
    "signature.wrong-key": "approval.wrong-key",
    "signature.bad": "approval.bad-signature",
}


class ApprovalRefused(Exception):
    """A request, or its approval, is refused. Codes: request.*, approval.*

    ``subject``, ``act`` and ``party`` are what `note_refusal` tells the ledger.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.subject, self.act, self.party = "request:unknown", _NONE, _NONE

    def about(self, request: RequestRow) -> "ApprovalRefused":
        """The same, known to be about that request."""
        self.subject, self.act, self.party = f"request:{request.id}", request.act, request.party
        return self


def note_refusal(database: Database, refused: ApprovalRefused, now: datetime) -> None:
    """Ledger a refusal, in a transaction of its own: the refused one was rolled back."""
    facts = {"act": refused.act, "party": refused.party, "code": refused.code}
    with database.transaction() as tx:
        record(tx, event("request.refused", refused.subject, facts=facts), now)


def request_of(tx: Transaction, request_id: str) -> RequestRow:
    """The request of that id. Raises ApprovalRefused request.unknown."""
    request = rows.get(tx, request_id)
    if request is None:
        raise ApprovalRefused(
            "request.unknown", "There is no request of that id.", "`request list` shows them."
        )
    return request


# --- asking ---------------------------------------------------------------------------------------


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
    if officer.party not in _deciding(officers, act, officer.party):
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
            request = _open(tx, request_id)
            officer = _officer_of(officers, request, officer_id)
            if officer.id != request.requested_by and not officer.has("approver"):
                raise _not_approver(request)
            facts = {"act": request.act, "party": request.party}
            subject, commits = f"request:{request.id}", {"officer": officer.id}
            happened = event("request.withdrawn", subject, "", facts, commits)
            key, ended = {"id": request.id}, {"ended_at": now}
            move(tx, "request", key, "open", "withdrawn", happened, now, ended)
    except ApprovalRefused as refused:
        note_refusal(database, refused, now)
        raise


# --- approving ------------------------------------------------------------------------------------


def approve(
    database: Database,
    officers: Officers,
    openpgp: OpenPGP,
    request_id: str,
    officer_id: str,
    signature: bytes,
    now: datetime,
) -> RequestRow:
    """Count an officer's detached signature over `statement`; the last one needed approves.

    Gives the request as it is then. Raises ApprovalRefused, ledgered, with nothing else changed.
    """
    try:
        with database.transaction() as tx:
            request, officer, key = _judged(tx, officers, request_id, officer_id)
            earlier = rows.approvals_of(tx, request_id)
        _require_signed(openpgp, request, key, signature, now)
        fallen = {row.officer for row in earlier if not _stands(officers, openpgp, request, row)}
        with database.transaction() as tx:
            request, officer, key = _judged(tx, officers, request_id, officer_id)
            rows.add_approval(tx, ApprovalRow(request.id, officer.id, key, signature, now))
            standing = {row.officer for row in rows.approvals_of(tx, request.id)} - fallen
            happened = _approved(request, officer, key)
            if not _enough(officers, request, standing):
                record(tx, happened, now)
                return request
            move(tx, "request", {"id": request.id}, "open", "approved", happened, now)
            return replace(request, state="approved")
    except ApprovalRefused as refused:
        note_refusal(database, refused, now)
        raise


def require_proven(
    tx: Transaction, officers: Officers, openpgp: OpenPGP, request: RequestRow
) -> None:
    """Judge the approvals anew, from their signatures alone, before what was asked is done.

    A state that somebody wrote into the database is then worth nothing. Raises ApprovalRefused
    approval.not-proven.
    """
    approvals = rows.approvals_of(tx, request.id)
    standing = {
        row.fingerprint: row.officer
        for row in approvals
        if _stands(officers, openpgp, request, row)
    }
    if not _enough(officers, request, set(standing.values())):
        raise ApprovalRefused(
            "approval.not-proven",
            "The request has no longer the approvals that it needs.",
            "Make the request anew, and have it approved by officers in office.",
        ).about(request)


def parties_deciding(officers: Officers, request: RequestRow) -> tuple[str, ...]:
    """The parties whose approvers decide about a request: each of them has to, by one at least."""
    return _deciding(officers, request.act, request.party)


def _deciding(officers: Officers, act: str, party: str) -> tuple[str, ...]:
    return officers.signatories if act in _TOGETHER else (party,)


def _enough(officers: Officers, request: RequestRow, standing: Set[str]) -> bool:
    """Whether the approvals of those officers, all standing, are all that the act needs."""
    if request.act not in _TOGETHER:
        return len(standing) >= NEEDED
    told = {officer.party for officer in officers if officer.id in standing}
    return bool(officers.signatories) and told >= set(officers.signatories)


def _judged(
    tx: Transaction, officers: Officers, request_id: str, officer_id: str
) -> tuple[RequestRow, Officer, str]:
    """The open request, the officer who may approve it, and the officer's key."""
    request = _open(tx, request_id)
    officer = _officer_of(officers, request, officer_id)
    if not officer.has("approver"):
        raise _not_approver(request)
    if officer.id == request.requested_by:
        raise ApprovalRefused(
            "approval.own-request",
            "Nobody approves what they have asked for.",
            "Other approvers sign.",
        ).about(request)
    if officer.key is None:
        raise ApprovalRefused(
            "approval.no-key",
            "No key of that officer is pinned.",
            "Pin it in config/officers.toml (docs/officers.md), then run `init`.",
        ).about(request)
    asker = _asker(officers, request)
    approvals = rows.approvals_of(tx, request.id)
    if officer.id in {row.officer for row in approvals}:
        raise ApprovalRefused(
            "approval.repeated",
            "That officer has approved the request already.",
            "Another officer signs with another key.",
        ).about(request)
    in_office = {item.id: item for item in officers}
    if request.act in _TOGETHER and any(
        row.officer in in_office
        and in_office[row.officer].party == officer.party
        and in_office[row.officer].key == row.fingerprint
        for row in approvals
    ):
        raise ApprovalRefused(
            "approval.one-of-each",
            "An officer of that party has approved the request already.",
            "It takes one approver of each party: an officer of the other signs.",
        ).about(request)
    if officer.key in {asker.key, *(row.fingerprint for row in approvals)}:
        raise ApprovalRefused(
            "approval.same-key",
            "That key is the asker's, or has approved the request already.",
            "Each approver signs with a key of their own.",
        ).about(request)
    return request, officer, officer.key


def _open(tx: Transaction, request_id: str) -> RequestRow:
    request = request_of(tx, request_id)
    if request.state != "open":
        raise ApprovalRefused(
            "request.not-open",
            f"The request is {request.state}: nothing about it can be changed.",
            "Make a new request if it is still needed.",
        ).about(request)
    return request


def _officer_of(officers: Officers, request: RequestRow, officer_id: str) -> Officer:
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


def _asker(officers: Officers, request: RequestRow) -> Officer:
    """Who asked: unless it is known with which key, an approver might be the same person."""
    try:
        return officers.get(request.requested_by)
    except OfficersFault as fault:
        raise ApprovalRefused(
            "approval.asker-gone",
            "Who made the request is no officer any more.",
            "Withdraw it; an officer in office makes it anew.",
        ).about(request) from fault


def _not_approver(request: RequestRow) -> ApprovalRefused:
    return ApprovalRefused(
        "approval.not-approver",
        "That officer is no approver.",
        "`officers` shows who has the role approver.",
    ).about(request)


def _require_signed(
    openpgp: OpenPGP, request: RequestRow, key: str, signature: bytes, now: datetime
) -> None:
    try:
        require_usable(openpgp, key, now, "sign")
        verify_statement(openpgp, request, signature, key)
    except CryptoFault as fault:
        if not _is_of_signer(fault):
            raise
        code = _CODES.get(fault.code, "approval.key-unusable")
        raise ApprovalRefused(code, fault.args[0], fault.hint).about(request) from fault


def _is_of_signer(fault: CryptoFault) -> bool:
    """Whether it lies with the signature or its key, and not with gpg or this computer."""
    return fault.code.startswith(("signature.", "key."))


def _stands(officers: Officers, openpgp: OpenPGP, request: RequestRow, row: ApprovalRow) -> bool:
    """Whether an approval still counts: its officer in office, its key pinned, its signature good.

    A key that was revoked as stolen takes with it what it approved.
    """
    officer = next(iter(item for item in officers if item.id == row.officer), None)
    asker = next(iter(item for item in officers if item.id == request.requested_by), None)
    if officer is None or asker is None or row.fingerprint != officer.key:
        return False
    if officer.party not in parties_deciding(officers, request) or not officer.has("approver"):
        return False
    if officer.id == asker.id or officer.key == asker.key:
        return False
    try:
        verify_statement(openpgp, request, row.signature, row.fingerprint)
    except CryptoFault as fault:
        if not _is_of_signer(fault):
            raise
        return False
    return True


def _approved(request: RequestRow, officer: Officer, key: str) -> Event:
    facts = {"act": request.act, "party": request.party, "key": key}
    return event("request.approved", f"request:{request.id}", "", facts, {"officer": officer.id})
