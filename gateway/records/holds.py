"""Holds: while one is on, nothing that it covers is destroyed (design §5.1, holds win).

A hold covers everything, one flow, or one case. The gateway cannot open what it keeps, so a case
is taken wide: every package that may carry it, and every sealed object that nobody can tell it is
not in, such as an original with rows that never travelled. A home without any hold is under one.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from gateway.crypto.memory import KeyedMemory
from gateway.crypto.sealing import Sealer
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.refusal import Refusal
from gateway.store import holds as rows
from gateway.store.database import Transaction
from gateway.store.holds import HoldRow
from gateway.store.vault import KeptThing

Scope = Literal["everything", "flow", "case"]
BY_AGREEMENT = "agreement"  # who began the hold that a home is made with
_ALL = "all"  # in the ledger, where a hold is not about one flow


class HoldRefused(Refusal):
    """The hold cannot be begun, reviewed or ended. Codes: hold.*"""


@dataclass(frozen=True)
class Wanted:
    """A hold to be begun. ``review_on``: the day by which the parties look at it again."""

    scope: Scope
    reason: str
    review_on: date
    flow: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Cover:
    """What all holds cover at one moment. ``cases``: by hold, the packages that may carry it."""

    everything: bool
    flows: frozenset[str]
    cases: tuple[frozenset[str], ...]

    def holds(self, thing: KeptThing) -> bool:
        """Whether the object may not be destroyed."""
        return self.everything or thing.flow in self.flows or any(self._may_be(thing))

    def _may_be(self, thing: KeptThing) -> Sequence[bool]:
        """By case: unless its packages are known, and the object is of another, it may be in it."""
        told = thing.whole and thing.package_id is not None
        return [not case or not told or thing.package_id in case for case in self.cases]


def begin(
    tx: Transaction,
    sealer: Sealer,
    keyed: KeyedMemory | None,
    wanted: Wanted,
    officer: str,
    now: datetime,
) -> HoldRow:
    """Begin a hold; reason and reference are sealed. Any officer may: it takes nothing away.

    ``keyed`` is needed for a case alone. Raises HoldRefused.
    """
    if wanted.review_on <= now.date():
        raise HoldRefused(
            "hold.review-past",
            "A hold is looked at again on a later day.",
            "Give a day that is still to come.",
        )
    hold_id = f"hold-{secrets.token_hex(6)}"
    mac = sealed = None
    if wanted.scope == "case" and keyed and wanted.flow and wanted.reference:
        mac = keyed.reference(wanted.flow, wanted.reference)
        sealed = sealer.seal(wanted.reference.encode(), f"{hold_id}:reference")
    elif wanted.scope == "case" or (wanted.scope == "flow") != bool(wanted.flow):
        raise HoldRefused(
            "hold.scope",
            "That is no scope of a hold.",
            "A hold is on everything, on one flow, or on one reference of a flow.",
        )
    reason = sealer.seal(wanted.reason.encode(), f"{hold_id}:reason")
    hold = HoldRow(
        hold_id,
        wanted.scope,
        wanted.flow,
        mac,
        sealed,
        reason,
        "on",
        now,
        wanted.review_on,
        None,
        None,
    )
    rows.add(tx, hold)
    record(tx, event("hold.begun", f"hold:{hold_id}", "", _review(hold), {"officer": officer}), now)
    return hold


def begin_by_agreement(
    tx: Transaction, sealer: Sealer, reason: str, review_on: date, now: datetime
) -> HoldRow | None:
    """The hold on everything that a home is made with; None where it ever had one."""
    if any(row.scope == "everything" for row in rows.every(tx)):
        return None
    return begin(tx, sealer, None, Wanted("everything", reason, review_on), BY_AGREEMENT, now)


def review(tx: Transaction, hold_id: str, review_on: date, officer: str, now: datetime) -> HoldRow:
    """A hold was looked at and stays on until it is looked at again. Raises HoldRefused."""
    hold = require_on(tx, hold_id)
    if review_on <= max(hold.review_on, now.date()):
        raise HoldRefused(
            "hold.review-past",
            "A hold is looked at again on a later day than was set.",
            "`hold list` shows the day that is set.",
        )
    rows.reviewed(tx, hold_id, review_on)
    facts = _review(HoldRow(**(vars(hold) | {"review_on": review_on})))
    record(tx, event("hold.reviewed", f"hold:{hold_id}", "", facts, {"officer": officer}), now)
    return hold


def end(tx: Transaction, hold_id: str, request_id: str, now: datetime) -> None:
    """End a hold by a request that both parties have approved. Raises HoldRefused, MoveRefused."""
    hold = require_on(tx, hold_id)
    facts: dict[str, Fact] = {"scope": hold.scope, "flow": hold.flow or _ALL, "request": request_id}
    happened = event("hold.ended", f"hold:{hold_id}", "", facts)
    values = {"ended_at": now, "request_id": request_id}
    move(tx, "hold", {"id": hold_id}, "on", "ended", happened, now, values)


def require_on(tx: Transaction, hold_id: str) -> HoldRow:
    """The hold, which is on. Raises HoldRefused."""
    hold = rows.get(tx, hold_id)
    if hold is None or hold.state != "on":
        raise HoldRefused(
            "hold.unknown",
            "There is no hold of that id, or it has ended.",
            "`hold list` shows every hold.",
        )
    return hold


def reason_of(sealer: Sealer, hold: HoldRow) -> str:
    """Why a hold was begun."""
    return sealer.open(hold.reason_sealed, f"{hold.id}:reason").decode()


def covering(tx: Transaction, sealer: Sealer, keyed: KeyedMemory, flows: Sequence[str]) -> Cover:
    """What the holds that are on cover. ``flows``: all of the home, in any of which a case may be.

    Raises CryptoFault where a hold cannot be read; nothing is destroyed then.
    """
    known = rows.every(tx)
    on = [hold for hold in known if hold.state == "on"]
    cases = []
    for hold in on:
        if hold.reference_sealed is None:
            continue
        reference = sealer.open(hold.reference_sealed, f"{hold.id}:reference").decode()
        macs: Mapping[str, bytes] = {flow: keyed.reference(flow, reference) for flow in flows}
        cases.append(rows.carriers(tx, macs))
    return Cover(
        everything=not known or any(hold.scope == "everything" for hold in on),
        flows=frozenset(hold.flow for hold in on if hold.scope == "flow" and hold.flow),
        cases=tuple(cases),
    )


def _review(hold: HoldRow) -> dict[str, Fact]:
    return {
        "scope": hold.scope,
        "flow": hold.flow or _ALL,
        "review": hold.review_on.isoformat(),
    }
