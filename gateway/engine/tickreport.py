"""What a look at the home did: the report of `tick`, and its form as plain data."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.dispatch import Dispatched, Placed
from gateway.dispatch.handover import HandedOver
from gateway.engine.acts import CarriedOut
from gateway.engine.arrivals import Arrivals
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.engine.returns import Returns
from gateway.receipts.reconciliation import ListPlaced
from gateway.store import alarms
from gateway.store.rehearsals import RehearsalRow
from gateway.store.windows import WindowRow


@dataclass
class TickReport:
    """What a tick did. Empty lists mean that nothing was due."""

    now: datetime
    arrivals: Arrivals = field(default_factory=Arrivals)
    returns: Returns = field(default_factory=Returns)
    handed_over: list[HandedOver] = field(default_factory=list)
    acts: list[CarriedOut] = field(default_factory=list)
    dispatched: list[Dispatched] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    lists: list[ListPlaced] = field(default_factory=list)
    rehearsed: list[RehearsalRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    waiting_windows: list[WindowRow] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        """Whether something went out or came back: the ledger's checkpoint is then made anew."""
        return bool(self.placed or self.returns.recorded or self.acts)

    def fault(self, parts: Parts, subject: str, error: Exception) -> None:
        """Note a fault, and alarm it."""
        fault = as_fault(subject, error)
        self.faults.append(fault)
        fault.alarm(parts.database, self.now)


def as_json(parts: Parts, report: TickReport) -> dict[str, Any]:
    """The report in the form of ``schemas/tick.schema.json``."""
    with parts.database.transaction() as tx:
        open_now = alarms.open_alarms(tx)
    arrivals = report.arrivals
    return {
        "now": report.now.isoformat(),
        "drops": [
            {
                "id": item.drop_id,
                "flow": item.flow,
                "party": item.party,
                "state": item.state,
                "rows": item.verdict.rows,
                "accepted": item.verdict.accepted,
                "held": item.verdict.held,
                "repeats": item.verdict.repeats,
                "findings": item.verdict.by_code(),
                "report": str(item.report),
            }
            for item in arrivals.processed
        ],
        "refused": [
            {"flow": item.candidate.flow, "party": item.candidate.party, "code": item.finding.code}
            for item in arrivals.refusals
        ],
        "unfinished": dict(arrivals.unfinished),
        "receipts": [item.as_json() for item in report.returns.recorded],
        "receipts_refused": [
            {"party": item.party, "code": item.code} for item in report.returns.refused
        ],
        "acts": [item.as_json() for item in report.acts],
        "packages": [item.as_json() for item in report.dispatched],
        "deliveries": [item.as_json() for item in report.placed],
        "reconciliations": [item.as_json() for item in report.lists],
        "handed_over": [item.as_json() for item in report.handed_over],
        "rehearsals_passed": [
            {"package": item.package_id, "party": item.party} for item in report.rehearsed
        ],
        "waiting_windows": [
            {"flow": item.flow, "day": item.day.isoformat()} for item in report.waiting_windows
        ],
        "faults": [
            {"code": item.code, "subject": item.subject, "words": item.words}
            for item in (*arrivals.faults, *report.returns.faults, *report.faults)
        ],
        "alarms": [
            {
                "code": item.code,
                "subject": item.subject,
                "words": item.words,
                "raised_at": item.raised_at.isoformat(),
            }
            for item in open_now
        ],
    }
