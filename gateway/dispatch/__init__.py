"""Staged rows become one package in each recipient's outbox. `dispatch` tells the whole story."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.crypto.zips import new_password
from gateway.dispatch.contents import contents_of
from gateway.dispatch.delivery import Placed, place_waiting
from gateway.dispatch.earlier import fitting
from gateway.dispatch.entries import (
    alarm_silence,
    close_drops,
    close_windows,
    enter_package,
    remember_rows,
)
from gateway.dispatch.gather import Gatherer
from gateway.dispatch.making import sealed_and_kept
from gateway.dispatch.manifest import KIND_WORDS, Kind
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.sealing import Progress
from gateway.store import drops
from gateway.store.windows import WindowRow

__all__ = ["Dispatch", "Dispatched", "Placed", "dispatch", "place_waiting"]


@dataclass(frozen=True)
class Dispatched:
    """A package that was made for a window, and the missed windows that it covers."""

    package_id: str
    flow: str
    kind: Kind
    rows: int
    updates: int
    held: int
    covers: tuple[date, ...]

    @property
    def sentence(self) -> str:
        """What it is, in words."""
        what = KIND_WORDS[self.kind]
        return what if self.rows == 0 else f"{self.rows} rows, {self.updates} of them updates."

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "id": self.package_id,
            "flow": self.flow,
            "kind": self.kind,
            "rows": self.rows,
            "updates": self.updates,
            "held": self.held,
            "covers": [day.isoformat() for day in self.covers],
        }


def dispatch(
    parts: Dispatch, due: Sequence[WindowRow], now: datetime, progress: Progress | None = None
) -> Dispatched:
    """Make the one package for the windows that are due: the latest is packed, the others covered.

    The bytes are kept in the vault first; then one transaction makes the package, its deliveries,
    the windows, the drops, what was sent and the ledger agree. Interrupted before it, nothing has
    happened; after it, `place_waiting` goes on with the very same bytes. Raises what sealing, the
    vault or the database cannot do; the windows then stay due.
    """
    window, covered = due[-1], due[:-1]
    flow = parts.agreed.agreement.flow(window.flow)
    gatherer = Gatherer(parts.database, parts.staging, parts.keyed, parts.agreed.hash)
    with parts.database.transaction() as tx:
        waiting = fitting(tx, flow, parts.agreed.hash, drops.waiting(tx, flow.id), now)
    gathered = gatherer.choose(flow, waiting)
    password = new_password()
    contents = contents_of(parts, gatherer, gathered, window, covered, now)
    with (
        sealed_and_kept(parts, contents, password, progress) as (sealed, kept),
        parts.database.transaction() as tx,
    ):
        enter_package(tx, parts, contents, sealed, kept, password, now)
        remember_rows(tx, parts, gatherer, gathered, contents.package_id)
        close_windows(tx, parts, window, covered, contents.package_id, now)
        close_drops(tx, parts, waiting, contents.package_id, now)
        alarm_silence(tx, parts, contents, now)
    counts = sealed.counts
    return Dispatched(
        contents.package_id,
        flow.id,
        contents.kind,
        counts.sent,
        counts.updates,
        counts.held,
        contents.covers,
    )
