"""The steps of a look that belong to flows, in their order; each does what is due and reports it.

A fault in one thing is alarmed and stops no other. `tick` takes all flows through them, and
`tick.look_at_flow` one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from gateway.agreement.model import Flow
from gateway.crypto.faults import CryptoFault
from gateway.dispatch import dispatch, place_waiting
from gateway.engine.acts import carry_out
from gateway.engine.agreementwatch import flows_in_force
from gateway.engine.arrivals import take_in
from gateway.engine.parts import Parts
from gateway.engine.tickreport import TickReport
from gateway.intake.judge import Progress
from gateway.receipts.reconciliation import place_lists, reconcile
from gateway.records.alarms import clear_about, clear_alarm, raise_alarm
from gateway.store import windows
from gateway.store.windows import WindowRow


def take_drops(
    parts: Parts, flows: Sequence[Flow], report: TickReport, progress: Progress | None
) -> None:
    """Take in what lies in the inboxes; a drop taken is what ends a flow's alarm of silence."""
    report.arrivals = take_in(parts, report.now, progress, flows)
    arrived = report.arrivals.processed
    taken = {item.flow for item in arrived if item.state in ("accepted", "partly-held")}
    with parts.database.transaction() as tx:
        for flow_id in taken:
            clear_alarm(tx, "flow.nothing-received", f"flow:{flow_id}", report.now)


def do_acts(parts: Parts, about: Collection[str], report: TickReport) -> None:
    """Carry out what officers have approved about those flows, or about the home (`acts.HOME`)."""
    report.acts, undone = carry_out(parts, report.now, about)
    report.faults += undone


def flows_agreed(
    parts: Parts, report: TickReport, only: Collection[str] | None = None
) -> frozenset[str]:
    """Which flows may be sent. Without gpg nobody can tell that one was signed: then none."""
    try:
        found = flows_in_force(parts, report.now, only)
    except CryptoFault as error:
        report.fault(parts, "agreements", error)
        return frozenset()
    with parts.database.transaction() as tx:
        clear_about(tx, "agreements", report.now)
    return found


def dispatch_due(parts: Parts, flow: Flow, report: TickReport, progress: Progress | None) -> None:
    """Pack the flow's windows that are due, once every drop seen before them is finished."""
    now = report.now
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
        report.fault(parts, subject, error)
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


def place_packages(parts: Parts, agreed: Collection[str], report: TickReport) -> None:
    """Place what waits in its recipients' outboxes."""
    for placed in place_waiting(parts.dispatch, parts.database, report.now, agreed):
        if placed.fault is None:
            report.placed.append(placed)
            with parts.database.transaction() as tx:
                clear_about(tx, placed.subject, report.now)
        else:
            report.fault(parts, placed.subject, placed.fault)


def reconcile_answers(
    parts: Parts, flows: Sequence[Flow], agreed: Collection[str], report: TickReport
) -> None:
    """A list that cannot be made now is made at the next look; so is one that cannot be placed."""
    for flow in flows:
        if flow.id not in agreed:
            continue
        subject = f"reconciliation:{flow.id}"
        try:
            made = reconcile(parts.dispatch(flow.id), flow, report.now)
        except Exception as error:  # the other flows go on
            report.fault(parts, subject, error)
            continue
        if made:
            with parts.database.transaction() as tx:
                clear_about(tx, subject, report.now)
    for placed in place_lists(parts.dispatch, parts.database, report.now, agreed):
        if placed.fault is not None:
            report.fault(parts, placed.subject, placed.fault)
            continue
        report.lists.append(placed)
        with parts.database.transaction() as tx:
            clear_about(tx, placed.subject, report.now)
