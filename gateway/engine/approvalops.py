"""What officers ask and approve on the site; the worker judges each of them by their session."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gateway.access.approvals import (
    ApprovalRefused,
    approve,
    approve_on_site,
    body_of,
    parties_deciding,
    request_of,
    withdraw_request,
)
from gateway.access.sessions import SiteSession, require_grant, require_role
from gateway.engine.acts import asking_about, asking_about_drop
from gateway.engine.custody import ask_end_hold
from gateway.engine.onsite import OfParty, Op
from gateway.engine.parts import Parts
from gateway.engine.recovery import ask_key_change
from gateway.receipts.recall import ask_recall, package_of
from gateway.receipts.release import Attested, ask_release, drop_of
from gateway.receipts.supersede import ask_supersede
from gateway.receipts.texts import taken
from gateway.store.requests import RequestRow

LONGEST_TEXT = 20_000  # characters of a reason as it comes in; `taken` says how long it may be
LONGEST_SIGNATURE = 64_000
Asks = Literal["recall", "supersede", "release-held", "end-hold", "change-keys"]


class AboutRequest(OfParty):
    """About a request that the party's officers decide, or that one of them has made."""

    request: str = Field(max_length=40)


class SignedApproval(AboutRequest):
    """An officer's own armoured signature over the request's statement."""

    signature: str = Field(max_length=LONGEST_SIGNATURE)


class AskedFor(OfParty):
    """What is asked for: ``subject`` is the package, the drop or the hold."""

    act: Asks
    subject: str = Field("", max_length=100)
    drop: str = Field("", max_length=100)
    alone: bool = False
    rows: str = Field("", max_length=2_000)
    codes: str = Field("", max_length=500)
    reason: str = Field("", max_length=LONGEST_TEXT)


def _words(parts: Parts, asked: AboutRequest, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    """What a request says, for those whose officers decide about it or asked for it."""
    del who, now
    with parts.database.transaction() as tx:
        request = request_of(tx, asked.request)
    if asked.party not in {request.party, *parties_deciding(parts.officers, request)}:
        raise ApprovalRefused("request.unknown", "There is no request of that id.", "")
    return {"body": body_of(parts.sealer, request)}


def _approve(
    parts: Parts, asked: AboutRequest, who: SiteSession, now: datetime
) -> Mapping[str, Any]:
    known = parts.officers, parts.openpgp, asked.request, who, now, parts.pins.gateway
    return _state(approve_on_site(parts.database, *known))


def _approve_by_key(
    parts: Parts, asked: SignedApproval, who: SiteSession, now: datetime
) -> Mapping[str, Any]:
    """By the signature of the officer that the person is: a session alone does not do."""
    signature = asked.signature.encode()
    known = parts.officers, parts.openpgp, asked.request, officer_of(who), signature, now
    return _state(approve(parts.database, *known, gateway=parts.pins.gateway))


def _withdraw(
    parts: Parts, asked: AboutRequest, who: SiteSession, now: datetime
) -> Mapping[str, Any]:
    withdraw_request(parts.database, parts.officers, asked.request, officer_of(who), now)
    return {"state": "withdrawn"}


def _ask(parts: Parts, asked: AskedFor, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    officer = officer_of(who)
    if asked.act == "end-hold":
        require_role(who, _DECIDING, asked.party)
        reason = taken(asked.reason.encode())
        return _made(ask_end_hold(parts, asked.subject, reason, officer, now))
    if asked.act == "change-keys":
        require_role(who, _DECIDING, asked.party)
        return _made(ask_key_change(parts, officer, taken(asked.reason.encode()), now))
    if asked.act == "release-held":
        attested = Attested.of(asked.subject, asked.rows, asked.codes)
        asking = asking_about_drop(parts, attested.drop, officer, now)
        with parts.database.transaction() as tx:
            require_grant(who, ("sender",), asked.party, drop_of(tx, attested.drop).flow)
        return _made(ask_release(asking, attested))
    asking = asking_about(parts, asked.subject, officer, now)
    with parts.database.transaction() as tx:
        require_grant(who, ("sender",), asked.party, package_of(tx, asked.subject).flow)
    reason_bytes = asked.reason.encode()
    if asked.act == "recall":
        return _made(ask_recall(asking, asked.subject, reason_bytes))
    take: Literal["alone", "merged"] = "alone" if asked.alone else "merged"
    return _made(ask_supersede(asking, asked.subject, asked.drop, take, reason_bytes))


def officer_of(who: SiteSession) -> str:
    """The officer that a person is. Raises ApprovalRefused approval.no-officer."""
    if who.person.officer is None:
        raise ApprovalRefused(
            "approval.no-officer",
            "You are no officer of your organisation here.",
            "An administrator invites you as the officer that you are in config/officers.toml.",
        )
    return who.person.officer


def _state(request: RequestRow) -> Mapping[str, Any]:
    return {"state": request.state}


def _made(request: RequestRow) -> Mapping[str, Any]:
    return {"request": request.id}


_DECIDING = frozenset({"approver", "administrator"})
_READING = frozenset({"sender", "approver", "administrator", "auditor"})
OPS: Mapping[str, Op] = {
    "request-words": Op(AboutRequest, _READING, _words, any_flow=True),
    "approve": Op(AboutRequest, frozenset({"approver"}), _approve, fresh=True, any_flow=True),
    "approve-by-key": Op(SignedApproval, frozenset({"approver"}), _approve_by_key, any_flow=True),
    "withdraw-request": Op(
        AboutRequest, frozenset({"sender", *_DECIDING}), _withdraw, any_flow=True
    ),
    "ask": Op(AskedFor, frozenset({"sender", *_DECIDING}), _ask, any_flow=True),
}
