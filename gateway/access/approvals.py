"""What one officer asks for and others must approve (design §5.1): each with their own key, or on
the site (`onsite`), where the party alone answers for it.

Two of the asker's own party approve what the party alone answers for. What touches the evidence
itself (a hold's end, destruction, a new log, other keys) takes an approver of each party that
signs the agreement, so that neither can do it alone.

An approval is an OpenPGP signature over `statement`, which names the request and the SHA-256 of
all it asks: nobody's approval can be carried over to another request, or to other words. Approvers
differ in person and in key from one another and from who asked. Every refusal is ledgered.
"""

import hashlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.access.deciding import (
    ACTS,
    NEEDED,
    ApprovalRefused,
    decides_together,
    note_refusal,
)
from gateway.access.officers import Officer, Officers, OfficersFault
from gateway.access.requesting import (
    make_request,
    not_approver,
    officer_deciding,
    open_request,
    parties_deciding,
    request_of,
    withdraw_request,
)
from gateway.access.sessions import SiteSession, require_fresh, require_grant
from gateway.access.statements import (
    body_of,
    signed_statement,
    statement,
    verify_statement,
)
from gateway.access.vouched import (
    Linked,
    flow_of,
    hand_of,
    linked,
    require_open_to_site,
    stands_vouched,
    vouch,
)
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import require_usable
from gateway.crypto.openpgp import OpenPGP
from gateway.records.ledger import Event, event, move, record
from gateway.store import requests as rows
from gateway.store.database import Database, Transaction
from gateway.store.requests import ApprovalRow, RequestRow

__all__ = [
    "ACTS",
    "NEEDED",
    "ApprovalRefused",
    "approve",
    "approve_on_site",
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

_CODES = {
    "signature.missing": "approval.not-signed",
    "signature.wrong-key": "approval.wrong-key",
    "signature.bad": "approval.bad-signature",
}


def approve(
    database: Database,
    officers: Officers,
    openpgp: OpenPGP,
    request_id: str,
    officer_id: str,
    signature: bytes,
    now: datetime,
    gateway: str = "",
) -> RequestRow:
    """Count an officer's detached signature over `statement`; the last one needed approves.

    ``gateway``: the key that vouches for approvals on the site; without it none of them counts.
    Gives the request as it is then. Raises ApprovalRefused, ledgered, with nothing else changed.
    """

    def judged(tx: Transaction) -> tuple[RequestRow, Officer, str]:
        request, officer = _judged(tx, officers, request_id, officer_id)
        return request, officer, _require_own_key(tx, officers, request, officer)

    def made(request: RequestRow, officer: Officer, key: str) -> ApprovalRow:
        _require_signed(openpgp, request, key, signature, now)
        return ApprovalRow(request.id, officer.id, key, signature, now)

    return _count(database, _Known(officers, openpgp, gateway), judged, made, now)


def approve_on_site(
    database: Database,
    officers: Officers,
    openpgp: OpenPGP,
    request_id: str,
    session: SiteSession,
    now: datetime,
    gateway: str,
) -> RequestRow:
    """Count the approval of who is signed in on the site, as an officer; the gateway's key signs.

    Gives the request as it is then. Raises ApprovalRefused, ledgered, and SessionRefused
    (session.grant, session.stale), with nothing else changed.
    """

    def judged(tx: Transaction) -> tuple[RequestRow, Officer, str]:
        request, officer = _judged(tx, officers, request_id, session.person.officer or "")
        require_open_to_site(request)
        require_grant(session, ("approver",), officer.party, flow_of(tx, request))
        require_fresh(session)
        return request, officer, _require_own_hand(tx, officers, request, officer, session)

    def made(request: RequestRow, officer: Officer, _: str) -> ApprovalRow:
        return vouch(openpgp, gateway, request, officer, session, now)

    return _count(database, _Known(officers, openpgp, gateway), judged, made, now)


def _count(
    database: Database,
    known: "_Known",
    judged: Callable[[Transaction], tuple[RequestRow, Officer, str]],
    made: Callable[[RequestRow, Officer, str], ApprovalRow],
    now: datetime,
) -> RequestRow:
    """Add the approval that ``made`` gives, judged before it and after; see `approve`."""
    try:
        with database.transaction() as tx:
            request, officer, hand = judged(tx)
            earlier = rows.approvals_of(tx, request.id)
            people = linked(tx, request, earlier)
        approval = made(request, officer, hand)
        fallen = {row.officer for row in earlier if not known.stands(request, row, people)}
        with database.transaction() as tx:
            request, officer, _ = judged(tx)
            rows.add_approval(tx, approval)
            standing = {row.officer for row in rows.approvals_of(tx, request.id)} - fallen
            happened = _approved(request, approval)
            if not _enough(known.officers, request, standing):
                record(tx, happened, now)
                return request
            move(tx, "request", {"id": request.id}, "open", "approved", happened, now)
            return replace(request, state="approved")
    except ApprovalRefused as refused:
        note_refusal(database, refused, now)
        raise


def require_proven(
    tx: Transaction,
    officers: Officers,
    openpgp: OpenPGP,
    request: RequestRow,
    gateway: str = "",
) -> None:
    """Judge the approvals anew, from their signatures, before what was asked is done.

    A state that somebody wrote into the database is then worth nothing. Raises ApprovalRefused
    approval.not-proven.
    """
    approvals = rows.approvals_of(tx, request.id)
    known, people = _Known(officers, openpgp, gateway), linked(tx, request, approvals)
    standing = {
        row.fingerprint: row.officer for row in approvals if known.stands(request, row, people)
    }
    if not _enough(officers, request, set(standing.values())):
        raise ApprovalRefused(
            "approval.not-proven",
            "The request has no longer the approvals that it needs.",
            "Make the request anew, and have it approved by officers in office.",
        ).about(request)


def _enough(officers: Officers, request: RequestRow, standing: Set[str]) -> bool:
    """Whether the approvals of those officers, all standing, are all that the act needs."""
    if not decides_together(request.act):
        return len(standing) >= NEEDED
    told = {officer.party for officer in officers if officer.id in standing}
    return bool(officers.signatories) and told >= set(officers.signatories)


def _judged(
    tx: Transaction, officers: Officers, request_id: str, officer_id: str
) -> tuple[RequestRow, Officer]:
    """The open request, and the officer who may approve it, by whichever way."""
    request = open_request(tx, request_id)
    officer = officer_deciding(officers, request, officer_id)
    if not officer.has("approver"):
        raise not_approver(request)
    if officer.id == request.requested_by:
        raise ApprovalRefused(
            "approval.own-request",
            "Nobody approves what they have asked for.",
            "Other approvers sign.",
        ).about(request)
    if officer.id in {row.officer for row in rows.approvals_of(tx, request.id)}:
        raise _repeated(request)
    return request, officer


def _require_own_key(
    tx: Transaction, officers: Officers, request: RequestRow, officer: Officer
) -> str:
    """The officer's key, which is nobody else's who has asked or approved."""
    if officer.key is None:
        raise ApprovalRefused(
            "approval.no-key",
            "No key of that officer is pinned.",
            "Pin it in config/officers.toml (docs/officers.md), then run `init`.",
        ).about(request)
    asker, approvals = _asker(officers, request), rows.approvals_of(tx, request.id)
    in_office = {item.id: item for item in officers}
    if decides_together(request.act) and any(
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
    _require_another_key(officer, {asker.key, *(row.fingerprint for row in approvals)}, request)
    return officer.key


def _require_own_hand(
    tx: Transaction,
    officers: Officers,
    request: RequestRow,
    officer: Officer,
    session: SiteSession,
) -> str:
    """The person's hand, who is nobody else who has asked or approved, by another way or name."""
    asker, approvals = _asker(officers, request), rows.approvals_of(tx, request.id)
    hand = hand_of(session.person.id)
    if hand in {row.fingerprint for row in approvals}:
        raise _repeated(request)
    if officer.key is not None:
        keys = {asker.key, *(row.fingerprint for row in approvals)}
        keys |= {item.key for item in officers for row in approvals if item.id == row.officer}
        _require_another_key(officer, keys, request)
    return hand


def _require_another_key(officer: Officer, keys: Set[str | None], request: RequestRow) -> None:
    if officer.key in keys:
        raise ApprovalRefused(
            "approval.same-key",
            "That key is the asker's, or has approved the request already.",
            "Each approver signs with a key of their own.",
        ).about(request)


def _repeated(request: RequestRow) -> ApprovalRefused:
    return ApprovalRefused(
        "approval.repeated",
        "That officer has approved the request already.",
        "Another officer approves it too.",
    ).about(request)


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


@dataclass(frozen=True)
class _Known:
    """What approvals are judged by: who is in office, gpg, and the gateway's own key."""

    officers: Officers
    openpgp: OpenPGP
    gateway: str

    def stands(self, request: RequestRow, row: ApprovalRow, people: Mapping[str, Linked]) -> bool:
        """Whether an approval still counts: its officer in office, and its signature good.

        A key that was revoked as stolen takes with it what it approved.
        """
        officer = next((item for item in self.officers if item.id == row.officer), None)
        asker = next((item for item in self.officers if item.id == request.requested_by), None)
        if officer is None or asker is None or not officer.has("approver"):
            return False
        if officer.party not in parties_deciding(self.officers, request) or officer.id == asker.id:
            return False
        if officer.key is not None and officer.key == asker.key:
            return False
        if row.statement is not None:
            known = people.get(officer.id)
            return stands_vouched(self.openpgp, self.gateway, request, row, officer, known)
        return row.fingerprint == officer.key and self._is_signed(request, row)

    def _is_signed(self, request: RequestRow, row: ApprovalRow) -> bool:
        try:
            verify_statement(self.openpgp, request, row.signature, row.fingerprint)
        except CryptoFault as fault:
            if not _is_of_signer(fault):
                raise
            return False
        return True


def _approved(request: RequestRow, approval: ApprovalRow) -> Event:
    key = approval.fingerprint
    if approval.statement is not None:  # who it was, the ledger does not say
        key = f"site:{hashlib.sha256(approval.statement).hexdigest()}"
    facts = {"act": request.act, "party": request.party, "key": key}
    commits = {"officer": approval.officer}
    return event("request.approved", f"request:{request.id}", "", facts, commits)
