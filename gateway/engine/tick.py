"""One look at everything: whatever is due is done, once. A worker's life is this, repeated.

Where several workers share the work, one looks at a flow and another at the next, or at the home:
the same steps, each for its own. Rows of the database decide what is due; a look too many changes
nothing.
"""

from datetime import datetime

from gateway.agreement.model import Flow
from gateway.engine.acts import HOME
from gateway.engine.arrivals import tell_unknown_folders
from gateway.engine.clock import note_moment
from gateway.engine.flowsteps import (
    dispatch_due,
    do_acts,
    flows_agreed,
    place_packages,
    reconcile_answers,
    take_drops,
)
from gateway.engine.homesteps import (
    all_is_well,
    checkpoint,
    hand_over,
    look_at_keys,
    take_receipts,
    watch_all,
)
from gateway.engine.leavings import sweep, sweep_flow, sweep_home
from gateway.engine.logkeeping import ledger_stands, ledger_stands_for, moved_since_checkpoint
from gateway.engine.parts import Parts
from gateway.engine.tickreport import TickReport, as_json
from gateway.engine.windows import open_windows
from gateway.intake.judge import Progress

__all__ = ["TickReport", "as_json", "look_at_flow", "look_at_home", "tick"]


def tick(parts: Parts, now: datetime, progress: Progress | None = None) -> TickReport:
    """Do everything that is due at ``now``, in order; a fault in one thing stops no other.

    Intake comes first, so that a window finishes every drop seen before it. The caller holds the
    home's lock (`lock.only_worker`).
    """
    report, flows = TickReport(now), parts.flows()
    sweep(parts)
    note_moment(parts, now)
    look_at_keys(parts, report)
    take_drops(parts, flows, report, progress)
    tell_unknown_folders(parts, now)
    take_receipts(parts, report)
    do_acts(parts, (HOME, *parts.agreed), report)
    stands = ledger_stands(parts, now)
    agreed = flows_agreed(parts, report)
    for flow in flows:
        open_windows(parts, flow, now)
        if stands and flow.id in agreed:
            dispatch_due(parts, flow, report, progress)
    if stands:
        place_packages(parts, agreed, report)
        reconcile_answers(parts, flows, agreed, report)
    hand_over(parts, report)
    watch_all(parts, report)
    if stands:
        checkpoint(parts, report.moved, report)
    all_is_well(parts, report)
    return report


def look_at_flow(parts: Parts, flow: Flow, now: datetime) -> TickReport:
    """Do what is due of one flow, as `tick` would. Nobody else looks at that flow meanwhile."""
    report = TickReport(now)
    sweep_flow(parts, flow.id)
    take_drops(parts, (flow,), report, None)
    do_acts(parts, (flow.id,), report)
    stands = ledger_stands_for(parts)
    agreed = flows_agreed(parts, report, (flow.id,))
    open_windows(parts, flow, now)
    if stands and flow.id in agreed:
        dispatch_due(parts, flow, report, None)
        place_packages(parts, agreed, report)
        reconcile_answers(parts, (flow,), agreed, report)
    return report


def look_at_home(parts: Parts, now: datetime) -> TickReport:
    """Do what is due of the home, as `tick` would. Others may look at its flows meanwhile."""
    report = TickReport(now)
    sweep_home(parts)
    note_moment(parts, now)
    look_at_keys(parts, report)
    tell_unknown_folders(parts, now)
    take_receipts(parts, report)
    do_acts(parts, (HOME,), report)
    stands = ledger_stands(parts, now)
    flows_agreed(parts, report)
    hand_over(parts, report)
    watch_all(parts, report)
    if stands:
        checkpoint(parts, report.moved or moved_since_checkpoint(parts), report)
    all_is_well(parts, report)
    return report
