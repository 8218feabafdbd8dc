"""Reconciliation: each row of an answering flow is matched to a reference that was sent.

At each window of a flow that answers another (`scr-updates` answers `notifications`) a list is
made for both sides: references in the answers that were never sent, and references sent longer ago
than the agreement's deadline and never answered, each with its age in working days. Which rows
answer, the agreement says (``answered_when``): those with a decision.

A list holds references, so it is sealed like a package, kept in the vault, and placed from there.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.agreement.model import Agreement, FieldSpec, Flow
from gateway.agreement.workingdays import WorkingDays
from gateway.crypto.faults import CryptoFault
from gateway.dispatch import Dispatch
from gateway.dispatch.flatfile import write_csv
from gateway.dispatch.making import work_folder
from gateway.dispatch.place import PlacementConflict, PlacementFailed, place
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.store import reconciliations, sent
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.reconciliations import ReconciliationRow

DEADLINE = "reference-answered"
UNKNOWN, UNANSWERED = "Never sent", "Not answered"
_ASK = 5_000
_COLUMNS = (
    FieldSpec(id="why", heading="Why it is listed", kind="text"),
    FieldSpec(id="reference", heading="Reference number", kind="reference"),
    FieldSpec(id="since", heading="First in the package of", kind="date"),
    FieldSpec(id="age", heading="Working days since", kind="text"),
    FieldSpec(id="package", heading="Package", kind="text"),
)
_Line = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class ListPlaced:
    """An attempt to place a party's list. ``fault`` is None where the bytes read back match."""

    row: ReconciliationRow
    path: Path
    fault: Exception | None = None

    @property
    def subject(self) -> str:
        """What alarms about it are about."""
        return f"reconciliation:{self.row.id}"

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "flow": self.row.flow,
            "day": self.row.day.isoformat(),
            "party": self.row.party,
            "unknown": self.row.unknown,
            "unanswered": self.row.unanswered,
            "file": str(self.path),
            "sha256": self.row.sha256,
        }


def list_file(flow_id: str, day: date) -> str:
    """The name of a window's list in a party's reports."""
    return f"reconciliation-{flow_id}-{day.isoformat()}.csv.gpg"


def reconcile(parts: Dispatch, flow: Flow, now: datetime) -> bool:
    """Make and keep the lists of the flow's latest window, once; whether there were any to make.

    One plain list is written into the private work folder, sealed for each party, and gone before
    this returns; what a disk at fault keeps of it, the next tick sweeps. Raises CryptoFault,
    StoreFault, OSError; the next tick then tries again.
    """
    if flow.reconcile_with is None:
        return False
    with parts.database.transaction() as tx:
        day = reconciliations.unlisted_day(tx, flow.id)
    if day is None:
        return False
    with work_folder(parts, f"reconciliation-{flow.id}-{day.isoformat()}") as work:
        plain = work / "list.csv"
        with parts.database.transaction() as tx:
            lines = _Lines(tx, parts, flow, day)
            write_csv(plain, _COLUMNS, lines)
        _keep(parts, flow, day, plain, lines, now)
    return True


def place_lists(
    parts_of: Callable[[str], Dispatch], database: Database, now: datetime, flows: Collection[str]
) -> Iterator[ListPlaced]:
    """Place every list of those flows that waits, from the vault; one fault stops no other."""
    with database.transaction() as tx:
        waiting = [row for row in reconciliations.to_place(tx) if row.flow in flows]
    for row in waiting:
        yield _place(parts_of(row.flow), row, now)


class _Lines:
    """The lines of a list, walked once; what they count is known at the end."""

    def __init__(self, tx: Transaction, parts: Dispatch, flow: Flow, day: date) -> None:
        self.unknown = 0
        self.unanswered = 0
        self._tx, self._parts, self._flow, self._day = tx, parts, flow, day
        self._answers = flow.reconcile_with or ""
        self._days = WorkingDays(parts.agreed.agreement.calendar)
        self._ages: dict[date, int] = {}  # by day: thousands of references share one
        self._patience = patience_of(parts.agreed.agreement)

    def __iter__(self) -> Iterator[_Line]:
        late = last_day_over(self._days, self._day, self._patience or 0)
        asked: dict[bytes, sent.Travelled] = {}
        for item in sent.travelled(self._tx, self._flow.id, late + timedelta(days=1)):
            reference = self._opened(item, self._flow.id)
            asked[self._parts.keyed.reference(self._answers, reference)] = item
            if len(asked) >= _ASK:
                yield from self._never_sent(asked)
                asked = {}
        yield from self._never_sent(asked)
        if self._patience is not None:
            for item in sent.unanswered(self._tx, self._answers, late):
                self.unanswered += 1
                yield self._line(UNANSWERED, item, self._answers)

    def _never_sent(self, asked: dict[bytes, sent.Travelled]) -> Iterator[_Line]:
        known = sent.last_digests(self._tx, self._answers, list(asked))
        for mac, item in asked.items():
            if mac not in known:
                self.unknown += 1
                yield self._line(UNKNOWN, item, self._flow.id)

    def _line(self, why: str, item: sent.Travelled, flow_id: str) -> _Line:
        if (age := self._ages.get(item.first_day)) is None:
            age = self._ages[item.first_day] = self._days.between(item.first_day, self._day)
        reference = self._opened(item, flow_id)
        return why, reference, item.first_day.isoformat(), str(age), item.first_package

    def _opened(self, item: sent.Travelled, flow_id: str) -> str:
        opened = self._parts.sealer.open(item.reference_sealed, f"reference:{flow_id}")
        return opened.decode()


def patience_of(agreement: Agreement) -> int | None:
    """After how many working days a reference that was sent counts as long unanswered; or None."""
    return next((item.working_days for item in agreement.deadlines if item.id == DEADLINE), None)


def last_day_over(days: WorkingDays, today: date, count: int) -> date:
    """The last day of which more than ``count`` working days have passed up to ``today``."""
    day, passed = today, 0
    while passed <= count:
        passed += days.is_working(day)
        day -= timedelta(days=1)
    return day


def _keep(
    parts: Dispatch, flow: Flow, day: date, plain: Path, lines: _Lines, now: datetime
) -> None:
    """Seal the list for both sides and keep it, then enter it: all its parties, or none."""
    parties = list(dict.fromkeys((flow.sender, *(to.party for to in flow.recipients))))
    sealed = {}
    for party in parties:
        target = plain.with_name(f"{party}.gpg")
        readers = [parts.pins.exchange_of(party), parts.pins.records_of(flow.sender)]
        parts.openpgp.sign_and_encrypt(plain, target, parts.pins.gateway, readers)
        sealed[party] = parts.vault.keep(target)
    counts: dict[str, Fact] = {"unknown": lines.unknown, "unanswered": lines.unanswered}
    with parts.database.transaction() as tx:
        for party, blob in sealed.items():
            parts.vault.enter(tx, blob, "reconciliation", now)
            list_id = reconciliations.add(
                tx, flow.id, day, party, sha256=blob.sha256, made_at=now, **counts
            )
            facts: dict[str, Fact] = {"flow": flow.id, "day": day.isoformat(), "party": party}
            subject = f"reconciliation:{list_id}"
            happened = event("reconciliation.listed", subject, parts.agreed.hash, facts, counts)
            record(tx, happened, now)


def _place(parts: Dispatch, row: ReconciliationRow, now: datetime) -> ListPlaced:
    folder, name = parts.home.reports_of(row.party), list_file(row.flow, row.day)
    try:
        kept = parts.vault.whole(row.sha256)
        if bucket := parts.buckets.get(row.party):
            bucket.within("reports").place(kept, name)
        found = place(kept, folder, name)
    except (StoreFault, CryptoFault, PlacementFailed, PlacementConflict, OSError) as fault:
        return ListPlaced(row, folder / name, fault)
    facts: dict[str, Fact] = {
        "flow": row.flow,
        "day": row.day.isoformat(),
        "party": row.party,
        "sha256": found,
    }
    subject = f"reconciliation:{row.id}"
    happened = event("reconciliation.placed", subject, parts.agreed.hash, facts)
    with parts.database.transaction() as tx:
        move(tx, "reconciliation", {"id": row.id}, "sealed", "placed", happened, now)
    return ListPlaced(row, folder / name)
