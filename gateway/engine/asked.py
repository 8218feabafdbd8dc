"""What may be asked at the worker's door (`door`), and the answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.access.tokens import Principal, Scope, TokenRefused, check_token
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.engine.faults import as_fault, own_words
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.intake.change import ChangeRefused, withdraw_drop
from gateway.receipts import Offered, acknowledge
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import require_servable
from gateway.records.ledger import event, record
from gateway.store import drops, packages
from gateway.store.database import Transaction

LARGEST_LINE = 512 * 1024  # bytes: a receipt and its signature, however JSON writes them
_PATIENCE_SECONDS = 10.0
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
        asked = _ASKED.validate_json(line)
    except ValidationError:
        hint = "The face and the worker are of different versions: restart both."
        return _no("asked.malformed", "The worker was asked something it does not know.", hint)
    try:
        if isinstance(asked, PasswordAsked):
            return _yes(_password(parts, asked, now))
        if isinstance(asked, ReceiptAsked):
            return _yes(_receipt(parts, asked, now))
        return _yes(_withdraw(parts, asked, now))
    except Exception as error:  # the worker lives on, and whoever asked is told
        told = own_words(error)
        if told is not None:
            return _no(*told)
        fault = as_fault("door", error)
        return _no(fault.code, fault.words, "")


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
            _require_package(tx, principal, asked.package)
            about = f"package:{asked.package}"
            password = released_password(tx, parts.sealer, asked.package, party)
            facts = {"package": asked.package, "party": party, "way": _WAY}
            commits = {"principal": f"token:{principal.prefix}"}
            record(tx, event("password.released", about, "", facts, commits), now)
            return {"password": password}
    except (TokenRefused, ReceiptRefused, PasswordRefused) as refused:
        _record_refusal(parts, "password.refused", about, party, refused.code, now)
        raise


def _require_package(tx: Transaction, principal: Principal, package_id: str) -> None:
    """The package is its party's, of its flow, and may be fetched still."""
    package = packages.get(tx, package_id)
    if package is None or package.flow != principal.flow:
        raise refusal("package.unknown")
    require_servable(tx, package_id, principal.party)


def _receipt(parts: Parts, asked: ReceiptAsked, now: datetime) -> dict[str, str]:
    principal = _let_in(parts, asked, "receipt", now)
    signature = asked.signature.encode() or None
    offered = Offered(asked.receipt.encode(), signature, _WAY, principal.party, principal.flow)
    return acknowledge(parts.receipts(), offered, now).as_json()


def _withdraw(parts: Parts, asked: WithdrawAsked, now: datetime) -> dict[str, str]:
    principal = _let_in(parts, asked, "drop", now)
    with only_worker(parts.home.lock, _PATIENCE_SECONDS):
        with parts.database.transaction() as tx:
            drop = drops.get(tx, asked.drop)
        if drop is None or (drop.party, drop.flow) != (principal.party, principal.flow):
            raise ChangeRefused(
                "drop.unknown",
                "There is no drop of that id of this party and flow.",
                "The list of drops shows those there are.",
            )
        withdraw_drop(parts.database, drop.id, now)
    return {"drop": drop.id}


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
