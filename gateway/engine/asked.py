"""What may be asked at the worker's door (`door`), and the answers.

Programs show a token, and are answered here; people show their session (`onsite`).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.access.tokens import Principal, Scope, TokenRefused, check_token
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.engine.faults import as_fault, own_words
from gateway.engine.onsite import answer_on_site, require_package, withdraw
from gateway.engine.parts import Parts
from gateway.receipts import Offered, acknowledge
from gateway.receipts.refused import ReceiptRefused
from gateway.records.ledger import event, record

LARGEST_LINE = 512 * 1024  # bytes: a receipt and its signature, however JSON writes them
_WAY: Literal["api"] = "api"


class Asked(BaseModel):
    """Base of what is asked: who asks is in the token."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: str = Field(max_length=200)


class PasswordAsked(Asked):
    """The password of a package of the token's party and flow. Scope ``password``."""

    op: Literal["password"]
    package: str = Field(max_length=100)


class ReceiptAsked(Asked):
    """A receipt and its armoured signature. Scope ``receipt``."""

    op: Literal["receipt"]
    receipt: str
    signature: str


class WithdrawAsked(Asked):
    """A drop to take back before its window. Scope ``drop``."""

    op: Literal["withdraw"]
    drop: str = Field(max_length=100)


_ASKED: TypeAdapter[PasswordAsked | ReceiptAsked | WithdrawAsked] = TypeAdapter(
    Annotated[PasswordAsked | ReceiptAsked | WithdrawAsked, Field(discriminator="op")]
)


def answer_to(parts: Parts, line: bytes, now: datetime) -> dict[str, Any]:
    """The answer to one line; whatever goes wrong is an answer too."""
    try:
        told = json.loads(line)
        on_site = isinstance(told, dict) and "session" in told
        asked = None if on_site else _ASKED.validate_json(line)
    except ValueError:  # ValidationError is one
        return _malformed()
    try:
        if asked is None:
            return _yes(answer_on_site(parts, told, now))
        if isinstance(asked, PasswordAsked):
            return _yes(_password(parts, asked, now))
        if isinstance(asked, ReceiptAsked):
            return _yes(_receipt(parts, asked, now))
        return _yes(_withdraw(parts, asked, now))
    except ValidationError:
        return _malformed()
    except Exception as error:  # the worker lives on, and whoever asked is told
        told = own_words(error)
        if told is not None:
            return _no(*told)
        fault = as_fault("door", error)
        return _no(fault.code, fault.words, "")


def _malformed() -> dict[str, Any]:
    hint = "The face and the worker are of different versions: restart both."
    return _no("asked.malformed", "The worker was asked something it does not know.", hint)


def _yes(told: Mapping[str, str]) -> dict[str, Any]:
    return {"ok": True, **told}


def _no(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"ok": False, "code": code, "message": message, "hint": hint}


def _password(parts: Parts, asked: PasswordAsked, now: datetime) -> dict[str, str]:
    party, about = "", "door"
    try:
        with parts.database.transaction() as tx:
            principal = check_token(tx, asked.token, now)
            party = principal.party
            _require_scope(principal, "password")
            require_package(tx, asked.package, party, principal.flow)
            about = f"package:{asked.package}"
            password = released_password(tx, parts.sealer, asked.package, party)
            facts = {"package": asked.package, "party": party, "way": _WAY}
            commits = {"principal": f"token:{principal.prefix}"}
            record(tx, event("password.released", about, "", facts, commits), now)
            return {"password": password}
    except (TokenRefused, ReceiptRefused, PasswordRefused) as refused:
        _record_refusal(parts, "password.refused", about, party, refused.code, now)
        raise


def _receipt(parts: Parts, asked: ReceiptAsked, now: datetime) -> dict[str, str]:
    principal = _let_in(parts, asked, "receipt", now)
    signature = asked.signature.encode() or None
    offered = Offered(asked.receipt.encode(), signature, _WAY, principal.party, principal.flow)
    return acknowledge(parts.receipts(), offered, now).as_json()


def _withdraw(parts: Parts, asked: WithdrawAsked, now: datetime) -> dict[str, str]:
    principal = _let_in(parts, asked, "drop", now)
    return withdraw(parts, asked.drop, principal.party, principal.flow, now)


def _let_in(parts: Parts, asked: Asked, scope: Scope, now: datetime) -> Principal:
    party = ""
    try:
        with parts.database.transaction() as tx:
            principal = check_token(tx, asked.token, now)
        party = principal.party
        _require_scope(principal, scope)
    except TokenRefused as refused:
        _record_refusal(parts, "access.refused", "door", party, refused.code, now)
        raise
    return principal


def _require_scope(principal: Principal, scope: Scope) -> None:
    if not principal.may(scope):
        raise TokenRefused(
            "token.scope",
            f"The token was not made for that: it lacks the scope `{scope}`.",
            "Ask the gateway's administrator for a token that has it.",
        )


def _record_refusal(
    parts: Parts, name: str, about: str, party: str, code: str, now: datetime
) -> None:
    facts = {"party": party, "way": _WAY, "code": code}
    with parts.database.transaction() as tx:
        record(tx, event(name, about, "", facts), now)
