"""One look at everything: whatever is due is done, once. A worker's life is this, repeated."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.agreement.model import Flow
from gateway.crypto.faults import CryptoFault
from gateway.dispatch import Dispatched, Placed, dispatch, place_waiting
from gateway.dispatch.handover import HandedOver
from gateway.engine.acts import CarriedOut, carry_out
from gateway.engine.agreementwatch import flows_in_force
from gateway.engine.arrivals import Arrivals, take_in
from gateway.engine.clock import note_moment
from gateway.engine.custody import hand_over_originals
from gateway.engine.faults import WORKER, Fault, as_fault
from gateway.engine.keywatch import watch_keys
from gateway.engine.leavings import sweep
from gateway.engine.logkeeping import keep_checkpoint, ledger_stands
from gateway.engine.parts import Parts
from gateway.engine.rehearse import pass_rehearsals
from gateway.engine.returns import Returns, take_returns
from gateway.engine.watches import keep_watch
from gateway.engine.windows import open_windows
from gateway.intake.judge import Progress
from gateway.receipts.reconciliation import ListPlaced, place_lists, reconcile
from gateway.records.alarms import clear_about, clear_alarm, raise_alarm
from gateway.store import alarms, windows
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


def tick(parts: Parts, now: datetime, progress: Progress | None = None) -> TickReport:
    """Do everything that is due at ``now``, in order; a fault in one thing stops no other.

    Intake comes first, so that a window finishes every drop seen before it. The caller holds the
    home's lock (`lock.only_worker`).
    """
    report = TickReport(now)
    sweep(parts)
    note_moment(parts, now)
    _watch_keys(parts, now, report)
    report.arrivals = take_in(parts, now, progress)
    _clear_silence(parts, report.arrivals, now)
    _take_returns(parts, now, report)
    report.acts, undone = carry_out(parts, now)
    report.faults += undone
    stands = ledger_stands(parts, now)
    agreed = _flows_agreed(parts, now, report)
    for flow in parts.flows():
        open_windows(parts, flow, now)
        if stands and flow.id in agreed:
            _dispatch_due(parts, flow, now, report, progress)
    if stands:
        _place(parts, now, report, agreed)
        _reconcile(parts, now, report, agreed)
    report.handed_over, stuck = hand_over_originals(parts, now)
    report.faults += stuck
    report.rehearsed = pass_rehearsals(parts, now)
    report.faults += keep_watch(parts, now)
    if stands:
        moved = bool(report.placed or report.returns.recorded or report.acts)
        report.faults += keep_checkpoint(parts, now, moved)
    with parts.database.transaction() as tx:
        clear_about(tx, WORKER, now)
    return report


def _watch_keys(parts: Parts, now: datetime, report: TickReport) -> None:
    """What is sealed already can still be placed when gpg cannot even tell of its keys."""
    try:
        watch_keys(parts, now)
    except CryptoFault as error:
        _fault(parts, "keys", error, now, report)
        return
    with parts.database.transaction() as tx:
        clear_about(tx, "keys", now)


def _take_returns(parts: Parts, now: datetime, report: TickReport) -> None:
    """Receipts that cannot be taken now wait in their folders; nothing else waits for them."""
    try:
        report.returns = take_returns(parts, now)
    except Exception as error:
        _fault(parts, "receipts", error, now, report)
        return
    with parts.database.transaction() as tx:
        clear_about(tx, "receipts", now)


def _fault(parts: Parts, subject: str, error: Exception, now: datetime, report: TickReport) -> None:
    fault = as_fault(subject, error)
    report.faults.append(fault)
    fault.alarm(parts.database, now)


def _dispatch_due(
    parts: Parts, flow: Flow, now: datetime, report: TickReport, progress: Progress | None
) -> None:
    with parts.database.transaction() as tx:
        due = windows.due(tx, flow.id)
    if not due:
        return
    subject = f"window:{flow.id}:{due[-1].day.isoformat()}"
    if report.arrivals.unfinished.get(flow.id) and not _grace_is_over(flow, due[-1], now):
        report.waiting_windows.extend(due)
        return
    try:
        report.dispatched.append(dispatch(parts.dispatch(flow.id), due, now, progress))
    except Exception as error:  # the other flows go on; this window stays due
        _fault(parts, subject, error, now, report)
        return
    with parts.database.transaction() as tx:
        for window in due:
            about = f"window:{flow.id}:{window.day.isoformat()}"
            clear_about(tx, about, now, but=("window.missed", "window.went-without"))
        if report.arrivals.unfinished.get(flow.id):
            words = (
                "The window went without a drop that had not arrived whole or could not be "
                "finished in time. It goes with the next window, once it can be taken: see the "
                "other alarms, and ask its sender whether it is still being written."
            )
            raise_alarm(tx, "window.went-without", subject, words, now)


def _grace_is_over(flow: Flow, window: WindowRow, now: datetime) -> bool:
    """A window waits for drops seen before it, but not for ever: late is harm as well."""
    return now - window.due_at > timedelta(minutes=flow.window.grace_minutes)


def _flows_agreed(parts: Parts, now: datetime, report: TickReport) -> frozenset[str]:
    """Without gpg it cannot be known that the agreement is signed: then nothing is sent."""
    try:
        found = flows_in_force(parts, now)
    except CryptoFault as error:
        _fault(parts, "agreements", error, now, report)
        return frozenset()
    with parts.database.transaction() as tx:
        clear_about(tx, "agreements", now)
    return found


def _place(parts: Parts, now: datetime, report: TickReport, agreed: frozenset[str]) -> None:
    for placed in place_waiting(parts.dispatch, parts.database, now, agreed):
        if placed.fault is None:
            report.placed.append(placed)
            with parts.database.transaction() as tx:
                clear_about(tx, placed.subject, now)
        else:
            _fault(parts, placed.subject, placed.fault, now, report)


def _reconcile(parts: Parts, now: datetime, report: TickReport, agreed: frozenset[str]) -> None:
    """A list that cannot be made now is made at the next tick; so is one that cannot be placed."""
    for flow in parts.flows():
        if flow.id not in agreed:
            continue
        subject = f"reconciliation:{flow.id}"
        try:
            made = reconcile(parts.dispatch(flow.id), flow, now)
        except Exception as error:  # the other flows go on
            _fault(parts, subject, error, now, report)
            continue
        if made:
            with parts.database.transaction() as tx:
                clear_about(tx, subject, now)
    for placed in place_lists(parts.dispatch, parts.database, now, agreed):
        if placed.fault is not None:
            _fault(parts, placed.subject, placed.fault, now, report)
            continue
        report.lists.append(placed)
        with parts.database.transaction() as tx:
            clear_about(tx, placed.subject, now)


def _clear_silence(parts: Parts, arrivals: Arrivals, now: datetime) -> None:
    """A drop taken is the evidence that ends the alarm of silence for its flow."""
    taken = {item.flow for item in arrivals.processed if item.state in ("accepted", "partly-held")}
    with parts.database.transaction() as tx:
        for flow_id in taken:
            clear_alarm(tx, "flow.nothing-received", f"flow:{flow_id}", now)


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
