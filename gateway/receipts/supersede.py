"""Supersede: a corrected drop makes a new package for the same day, in place of the old one.

The new package is made of the rows that the old one was made of and of the corrected drop, the
newest row of each reference (`merged`), or of the corrected drop alone, so that rows which should
never have been sent are gone from it (`alone`). It stands for the old package in every way: rows
are new or updates as they would be had the old one never been sent, and what it no longer carries
counts as not sent by that day.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.agreement.model import Flow
from gateway.crypto.zips import new_password
from gateway.dispatch.contents import contents_of
from gateway.dispatch.entries import close_drops, enter_package, remember_rows
from gateway.dispatch.gather import Gatherer
from gateway.dispatch.making import sealed_and_kept
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.withdrawal import enter_counts, forget, recounted
from gateway.receipts.recall import ActRefused, Asking, package_of, recall_deliveries
from gateway.receipts.texts import taken
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move
from gateway.store import drops, packages, windows
from gateway.store.database import Transaction
from gateway.store.drops import WAITING, DropRow
from gateway.store.packages import FIRST_REHEARSAL, PackageRow
from gateway.store.requests import RequestRow
from gateway.store.windows import WindowRow

Take = Literal["merged", "alone"]
_LAST_NUMBER = FIRST_REHEARSAL - 1
_SEND_FRESH = "Send what is to be corrected as a fresh drop: it travels as updates."


@dataclass(frozen=True)
class _Plan:
    """What is replaced, and by what: drops in the order they came, the corrected one last."""

    old: PackageRow
    flow: Flow
    sources: tuple[DropRow, ...]
    corrected: DropRow
    window: WindowRow
    covered: tuple[WindowRow, ...]
    number: int

    @property
    def drops(self) -> tuple[DropRow, ...]:
        return (*self.sources, self.corrected)


def ask_supersede(
    asking: Asking, package_id: str, drop_id: str, take: Take, reason: bytes
) -> RequestRow:
    """Ask that a corrected drop, which waits for its window, make a package in another's place.

    Raises TextRefused and what `Asking.request` raises.
    """

    def judged(tx: Transaction) -> str:
        return _plan(tx, asking.parts, package_id, drop_id, take).flow.id

    body = {"package": package_id, "drop": drop_id, "take": take, "reason": taken(reason)}
    return asking.request("supersede", f"package:{package_id}", body, judged)


def supersede(
    parts: Dispatch,
    package_id: str,
    drop_id: str,
    take: Take,
    now: datetime,
    done: Callable[[Transaction], None],
) -> str:
    """Make the package that replaces another, and withdraw that one; the new package's id.

    The bytes are in the vault first, then one transaction does all of it and ``done`` with it;
    deliveries are placed afterwards like any other, from those very bytes. Raises ActRefused, and
    what sealing, the vault or the database cannot do: nothing has happened then.
    """
    with parts.database.transaction() as tx:
        plan = _plan(tx, parts, package_id, drop_id, take)
    gatherer = Gatherer(parts.database, parts.staging, parts.keyed, parts.agreed.hash)
    gathered = gatherer.choose(plan.flow, plan.drops, without=plan.old.id)
    contents = contents_of(
        parts, gatherer, gathered, plan.window, plan.covered, now, plan.number, plan.old.id
    )
    password = new_password()
    with (
        sealed_and_kept(parts, contents, password) as (sealed, kept),
        parts.database.transaction() as tx,
    ):
        _withdraw(tx, parts, plan, contents.package_id, now)
        enter_package(tx, parts, contents, sealed, kept, password, now)
        remember_rows(tx, parts, gatherer, gathered, contents.package_id)
        windows.end_in(tx, contents.package_id, instead_of=plan.old.id)
        close_drops(tx, parts, [plan.corrected], contents.package_id, now)
        done(tx)
    return contents.package_id


def _withdraw(tx: Transaction, parts: Dispatch, plan: _Plan, by: str, now: datetime) -> None:
    """The old package stands no longer; the drops' counts say what they are without it."""
    old = plan.old
    facts: dict[str, Fact] = {"flow": old.flow, "day": old.day.isoformat(), "by": by}
    happened = event("package.superseded", f"package:{old.id}", old.agreement_hash, facts)
    values = {"superseded_by": by}
    move(tx, "package", {"id": old.id}, old.state, "superseded", happened, now, values)
    recall_deliveries(tx, old, now)
    forget(tx, parts, plan.flow, old.id, now)
    for drop in plan.sources:
        before = drops.get(tx, drop.id)
        if before is not None:
            enter_counts(tx, parts, before, drop, now)


def _plan(tx: Transaction, parts: Dispatch, package_id: str, drop_id: str, take: Take) -> _Plan:
    old = package_of(tx, package_id)
    _require_replaceable(old)
    flow = parts.agreed.agreement.flow(old.flow)
    corrected = _corrected(tx, flow, drop_id)
    sources: list[DropRow] = []
    if take == "merged":
        carried = [old.id, *(row.id for row in packages.predecessors(tx, old.id))]
        sources = drops.of_packages(tx, carried)
    ended = windows.of_package(tx, old.id)
    number = packages.next_number(tx, flow.id, old.day)
    if not ended or number > _LAST_NUMBER:
        raise ActRefused(
            "supersede.not-of-a-window",
            "The package is not one that can be replaced: it belongs to no window, or too many "
            "have replaced it.",
            _SEND_FRESH,
        )
    if any(drop.number > corrected.number for drop in sources):
        raise ActRefused(
            "drop.not-newer",
            "The corrected drop came before the drops that the package was made of.",
            "Drop the corrected extract again, then name that drop.",
        )
    with _rows_there():
        counted = [recounted(tx, parts, flow, drop, old.id) for drop in (*sources, corrected)]
        for drop in counted:
            parts.staging.require(drop.id)
    *covered, window = ended
    return _Plan(old, flow, tuple(counted[:-1]), counted[-1], window, tuple(covered), number)


def _require_replaceable(old: PackageRow) -> None:
    if old.state == "superseded":
        raise ActRefused(
            "supersede.not-standing",
            f"The package was superseded already, by {old.superseded_by}.",
            "Supersede that one, if it is wrong too.",
        )


def _corrected(tx: Transaction, flow: Flow, drop_id: str) -> DropRow:
    drop = drops.get(tx, drop_id)
    if drop is None or drop.flow != flow.id:
        raise ActRefused(
            "supersede.unknown-drop",
            f"There is no drop of that id for {flow.id}.",
            "Drop the corrected extract first; `status` lists the drops.",
        )
    if drop.state not in WAITING:
        raise ActRefused(
            "supersede.drop-not-waiting",
            f"The drop is {drop.state}: it does not wait for a window.",
            "Where it was sent, its rows have travelled as updates: recall the old package if it "
            "must not be used. Else drop the corrected extract again.",
        )
    return drop


@contextmanager
def _rows_there() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ActRefused(
            "supersede.rows-gone",
            "The rows that the package was made of are staged no longer: every recipient has "
            "accepted it.",
            f"{_SEND_FRESH} Or supersede it by the corrected drop alone (--alone).",
        ) from None
