"""What people on the site ask of the worker, since the site holds no key.

A person shows their session's secret, as a program shows its token. The worker judges session,
person, training, grant and, for what is sensitive, how lately they proved who they are: whatever
the site has found. A new thing to ask for is one more `Op`; `asked` puts them together.
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
    require_role,
    session_of,
)
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.engine import senders
from gateway.engine.lock import only_worker
from gateway.engine.onsitecollecting import (
    Here,
    accept,
    close_query,
    query,
    read_query,
    say_in_query,
)
from gateway.engine.parts import Parts
from gateway.intake.change import withdraw_drop
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import require_servable
from gateway.receipts.threads import Place
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import packages
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


class OfParty(OnSite):
    """About something of the party, whatever the flow."""

    flow: str = Field("*", max_length=40)


class PackageOnSite(OnSite):
    """About a package of the party and flow."""

    package: str = Field(max_length=100)


class DropOnSite(OnSite):
    """About a drop of the party and flow."""

    drop: str = Field(max_length=100)


class ColumnsOnSite(DropOnSite):
    """The columns of a drop; ``names``: those too that the agreement does not know."""

    names: bool = False


class ReplaceOnSite(DropOnSite):
    """A drop that a newer one, ``by``, is to stand for."""

    by: str = Field(max_length=100)


class QueryOnSite(PackageOnSite):
    """A question about a package, or a row of it; ``once`` is its form's own, sent twice or not."""

    text: str = Field(max_length=8_000)
    reference: str = Field(max_length=100)
    heading: str = Field(max_length=200)
    once: str = Field(pattern=r"^[0-9a-f]{12}$")


class ThreadOnSite(OnSite):
    """About a query that the party asked, or that its flow's sender answers."""

    query: str = Field(max_length=40)


class SayOnSite(ThreadOnSite):
    """What is said on in it; an answer may name the ``drop`` that corrects what was sent."""

    text: str = Field(max_length=8_000)
    drop: str | None = Field(default=None, max_length=100)


Act = Callable[[Parts, Any, SiteSession, datetime], Mapping[str, Any]]


@dataclass(frozen=True)
class Op:
    """One thing that can be asked for. ``refused``: the event of a refusal.

    ``any_flow``: a grant for any flow of the party will do, or the act judges that itself.
    """

    shape: type[OnSite]
    roles: frozenset[str]
    act: Act
    fresh: bool = False
    refused: str = "access.refused"
    any_flow: bool = False


def answer_on_site(
    parts: Parts, asked: Mapping[str, Any], now: datetime, ops: Mapping[str, Op]
) -> Mapping[str, Any]:
    """Judge who asks, and do it. Raises ValidationError, SessionRefused, and what the act raises.

    A refusal is in the ledger.
    """
    op = ops.get(str(asked.get("op")))
    told = (op.shape if op else OnSite).model_validate(asked)
    if op is None:
        raise SessionRefused("session.op", "The worker was asked something it does not know.", "")
    try:
        with parts.database.transaction() as tx:
            who = session_of(tx, told.session, now)
            if op.any_flow:
                require_role(who, op.roles, told.party)
            else:
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
    with only_worker(parts, PATIENCE_SECONDS):
        drop = senders.require_drop(parts, drop_id, party, flow)
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


def _columns(parts: Parts, asked: ColumnsOnSite, who: SiteSession, now: datetime) -> dict[str, Any]:
    del who, now
    return senders.columns(parts, asked.drop, asked.party, asked.flow, asked.names)


def _replace(parts: Parts, asked: ReplaceOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    del who
    return senders.replace(parts, asked.drop, asked.by, asked.party, asked.flow, now)


def _here(parts: Parts, asked: OnSite, who: SiteSession, now: datetime) -> Here:
    return Here(parts, who, asked.party, asked.flow, now)


def _accept(parts: Parts, asked: PackageOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    return accept(_here(parts, asked, who, now), asked.package)


def _query(parts: Parts, asked: QueryOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    place = Place(asked.reference.strip() or None, asked.heading.strip() or None)
    here = _here(parts, asked, who, now)
    return query(here, asked.package, asked.text, place, asked.once)


def _read(parts: Parts, asked: ThreadOnSite, who: SiteSession, now: datetime) -> dict[str, Any]:
    return read_query(_here(parts, asked, who, now), asked.query)


def _say(parts: Parts, asked: SayOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    return say_in_query(_here(parts, asked, who, now), asked.query, asked.text, asked.drop)


def _close(parts: Parts, asked: ThreadOnSite, who: SiteSession, now: datetime) -> dict[str, str]:
    return close_query(_here(parts, asked, who, now), asked.query)


def _about(asked: OnSite) -> str:
    if isinstance(asked, PackageOnSite):
        return f"package:{asked.package}"
    return f"drop:{asked.drop}" if isinstance(asked, DropOnSite) else "door"


_RECIPIENT, _SENDER = frozenset({"recipient"}), frozenset({"sender"})
_EITHER = _RECIPIENT | _SENDER
OPS: Mapping[str, Op] = {
    "password": Op(PackageOnSite, _RECIPIENT, _password, fresh=True, refused="password.refused"),
    "accept": Op(PackageOnSite, _RECIPIENT, _accept, fresh=True, refused="receipt.refused"),
    "query": Op(QueryOnSite, _RECIPIENT, _query, fresh=True, refused="receipt.refused"),
    "query-read": Op(ThreadOnSite, _EITHER, _read),
    "query-say": Op(SayOnSite, _EITHER, _say),
    "query-close": Op(ThreadOnSite, _RECIPIENT, _close),
    "withdraw": Op(DropOnSite, _SENDER, _withdraw),
    "replace": Op(ReplaceOnSite, _SENDER, _replace),
    "columns": Op(ColumnsOnSite, _SENDER, _columns),
}
