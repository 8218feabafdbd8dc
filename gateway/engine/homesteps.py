"""The steps of a look that belong to the home, whatever its flows; faults as in `flowsteps`."""

from gateway.crypto.faults import CryptoFault
from gateway.engine.custody import hand_over_originals
from gateway.engine.faults import WORKER
from gateway.engine.keywatch import watch_keys
from gateway.engine.logkeeping import keep_checkpoint
from gateway.engine.parts import Parts
from gateway.engine.rehearse import pass_rehearsals
from gateway.engine.returns import take_returns
from gateway.engine.tickreport import TickReport
from gateway.engine.watches import keep_watch
from gateway.records.alarms import clear_about


def look_at_keys(parts: Parts, report: TickReport) -> None:
    """What is sealed already can still be placed when gpg cannot even tell of its keys."""
    try:
        watch_keys(parts, report.now)
    except CryptoFault as error:
        report.fault(parts, "keys", error)
        return
    with parts.database.transaction() as tx:
        clear_about(tx, "keys", report.now)


def take_receipts(parts: Parts, report: TickReport) -> None:
    """Receipts that cannot be taken now wait in their folders; nothing else waits for them."""
    try:
        report.returns = take_returns(parts, report.now)
    except Exception as error:
        report.fault(parts, "receipts", error)
        return
    with parts.database.transaction() as tx:
        clear_about(tx, "receipts", report.now)


def hand_over(parts: Parts, report: TickReport) -> None:
    """Hand sealed originals over to their senders."""
    report.handed_over, stuck = hand_over_originals(parts, report.now)
    report.faults += stuck


def watch_all(parts: Parts, report: TickReport) -> None:
    """What comes after all that could still meet a deadline: rehearsals, alarms, the post."""
    report.rehearsed = pass_rehearsals(parts, report.now)
    report.faults += keep_watch(parts, report.now)


def checkpoint(parts: Parts, moved: bool, report: TickReport) -> None:
    """Sign the ledger as it stands, where that is due."""
    report.faults += keep_checkpoint(parts, report.now, moved)


def all_is_well(parts: Parts, report: TickReport) -> None:
    """A look that came to its end ends the alarm of one that did not."""
    with parts.database.transaction() as tx:
        clear_about(tx, WORKER, report.now)
