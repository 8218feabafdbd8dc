"""What people on the site ask of the worker, since the site holds no key.

A person shows their session's secret, as a program shows its token. The worker judges session,
person, training, grant and, for what is sensitive, how lately they proved who they are: whatever
the site has found. A new thing to ask for is one more line of `OPS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.access.sessions import (
    SessionRefused,
    SiteSession,
    require_fresh,
    require_grant,
    session_of,
)
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.intake.change import ChangeRefused, withdraw_drop
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import require_servable
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import drops, packages
from gateway.store.database import Transaction

PATIENCE_SECONDS = 10.0
_WAY: Literal["web"] = "web"


class OnSite(BaseModel):
    """Base of what is asked: who asks is in the session, and for which party and flow."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    op: str
    session: str = Field(max_length=200)
    party: str = Field(max_length=40)
    flow: str = Field(max_length=40)


class PackageOnSite(OnSite):
    """About a package of the party and flow."""

    package: str = Field(max_length=100)


class DropOnSite(OnSite):
    """About a drop of the party and flow."""

    drop: str = Field(max_length=100)


Act = Callable[[Parts, Any, SiteSession, datetime], Mapping[str, str]]


@dataclass(frozen=True)
class Op:
    """One thing that can be asked for. ``refused``: the event of a refusal."""

    shape: type[OnSite]
    roles: frozenset[str]
    act: Act
    fresh: bool = False
    refused: str = "access.refused"


def answer_on_site(parts: Parts, asked: Mapping[str, Any], now: datetime) -> Mapping[str, str]:
    """Judge who asks, and do it. Raises ValidationError, SessionRefused, and what the act raises.

    A refusal is in the ledger.
    """
    op = OPS.get(str(asked.get("op")))
    told = (op.shape if op else OnSite).model_validate(asked)
    if op is None:
        raise SessionRefused("session.op", "The worker was asked something it does not know.", "")
    try:
        with parts.database.transaction() as tx:
            who = session_of(tx, told.session, now)
            require_grant(who, op.roles, told.party, told.flow)
            if op.fresh:
                require_fresh(who)
        return op.act(parts, told, who, now)
    except (SessionRefused, ReceiptRefused, PasswordRefused) as refused:
        facts: dict[str, Fact] = {"party": told.party, "way": _WAY, "code": refused.code}
        with parts.database.transaction() as tx:
            record(tx, event(op.refused, _about(told), "", facts), now)
        raise


def require_package(tx: Transaction, package_id: str, party: str, flow: str) -> None:
    """The package is its party's, of its flow, and may be fetched still. Raises ReceiptRefused."""
    package = packages.get(tx, package_id)
    if package is None or package.flow != flow:
        raise refusal("package.unknown")
    require_servable(tx, package_id, party)


def withdraw(parts: Parts, drop_id: str, party: str, flow: str, now: datetime) -> dict[str, str]:
    """Take a drop of the party and flow back. Raises ChangeRefused."""
    with only_worker(parts.home.lock, PATIENCE_SECONDS):
        with parts.database.transaction() as tx:
            drop = drops.get(tx, drop_id)
        if drop is None or (drop.party, drop.flow) != (party, flow):
            raise ChangeRefused(
                "drop.unknown",
                "There is no drop of that id of this party and flow.",
                "The list of drops shows those there are.",
            )
        withdraw_drop(parts.database, drop.id, now)
    return {"drop": drop.id}


def _password(
    parts: Parts, asked: PackageOnSite, who: SiteSession, now: datetime
) -> dict[str, str]:
    """The password of a package; who saw it is in the ledger, as a commitment."""
    with parts.database.transaction() as tx:
        require_package(tx, asked.package, asked.party, asked.flow)
        password = released_password(tx, parts.sealer, asked.package, asked.party)
        facts: dict[str, Fact] = {"package": asked.package, "party": asked.party, "way": _WAY}
        commits: dict[str, Fact] = {"principal": f"person:{who.person.id}"}
        record(tx, event("password.released", _about(asked), "", facts, commits), now)
    return {"password": password}


def _withdraw(parts: Parts, asked: DropOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    del who  # that they may is judged; the drop's own event says what was done
    return withdraw(parts, asked.drop, asked.party, asked.flow, now)


def _about(asked: OnSite) -> str:
    if isinstance(asked, PackageOnSite):
        return f"package:{asked.package}"
    return f"drop:{asked.drop}" if isinstance(asked, DropOnSite) else "door"


OPS: Mapping[str, Op] = {
    "password": Op(
        PackageOnSite, frozenset({"recipient"}), _password, fresh=True, refused="password.refused"
    ),
    "withdraw": Op(DropOnSite, frozenset({"sender"}), _withdraw),
}
