"""What lies in the inboxes: settled files are claimed and processed, the rest is told apart."""

import contextlib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.agreement.model import RESERVED_IDS, Flow
from gateway.agreement.windows import london_date
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import require_usable
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.intake import Processed, process
from gateway.intake.claim import (
    Candidate,
    Claimed,
    Refusal,
    StillArriving,
    candidates,
    claim,
    claimed_before,
    door_check,
    is_ignored,
    settled,
)
from gateway.intake.findings import finding, words
from gateway.intake.judge import Judgement, Progress
from gateway.intake.report import Received, Wording, write_report
from gateway.records.alarms import clear_about, clear_others, raise_alarm
from gateway.store import drops


@dataclass
class Arrivals:
    """What a look at the inboxes found and did. ``unfinished`` counts drops by flow still to do."""

    processed: list[Processed] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    newly_refused: list[Refusal] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unfinished: dict[str, int] = field(default_factory=dict)

    def wait_for(self, flow_id: str) -> None:
        """Count a drop of the flow that is not finished."""
        self.unfinished[flow_id] = self.unfinished.get(flow_id, 0) + 1


def take_in(
    parts: Parts,
    now: datetime,
    progress: Progress | None = None,
    flows: Sequence[Flow] | None = None,
) -> Arrivals:
    """Finish drops claimed before, then claim and process what has settled in every inbox.

    ``flows``: of those flows alone.
    """
    arrivals = Arrivals()
    flows = parts.flows() if flows is None else flows
    ids = [flow.id for flow in flows]
    for claimed in claimed_before(parts.home, ids):
        _process(parts, claimed, now, arrivals, progress)
    _tell_stuck(parts, ids, now)
    ready: list[Candidate] = []
    for flow in flows:
        ready += _at_the_door(parts, flow, now, arrivals)
    still, arriving = settled(ready, parts.settings)
    for item in arriving:
        arrivals.wait_for(item.flow)
    for item in still:
        _claim_and_process(parts, item, now, arrivals, progress)
    _clear_inboxes(parts, flows, {fault.subject for fault in arrivals.faults}, now)
    arrivals.newly_refused = _tell_refusals(parts, flows, arrivals.refusals, now)
    return arrivals


def _tell_stuck(parts: Parts, flows: Sequence[str], now: datetime) -> None:
    """A drop whose working file has vanished cannot be finished: its sender must send it again."""
    working = {claimed.drop_id for claimed in claimed_before(parts.home, flows)}
    with parts.database.transaction() as tx:
        for drop in drops.unsettled(tx):
            if drop.flow in flows and drop.id not in working:
                words_ = (
                    f"The drop {drop.id} of {drop.flow} was sealed but its working file is gone. "
                    "Ask its sender to drop the file again; the sealed original is in the vault."
                )
                raise_alarm(tx, "drop.stuck", f"drop:{drop.id}", words_, now)


def _at_the_door(parts: Parts, flow: Flow, now: datetime, arrivals: Arrivals) -> list[Candidate]:
    ready: list[Candidate] = []
    try:
        found = candidates(parts.home, parts.settings, flow.sender, flow.id)
    except OSError as error:  # an inbox that cannot be read stops no other flow
        arrivals.wait_for(flow.id)
        _fault(parts, _inbox_subject(flow.sender, flow.id), error, now, arrivals)
        return ready
    for item in found:
        refusal = door_check(item, parts.settings, flow.files.maximum_bytes)
        if refusal is None:
            ready.append(item)
        else:
            arrivals.refusals.append(Refusal(item, refusal))
    return ready


def _claim_and_process(
    parts: Parts, item: Candidate, now: datetime, arrivals: Arrivals, progress: Progress | None
) -> None:
    """Claim only what can be sealed: without the sender's key the file stays where it is."""
    try:
        require_usable(parts.openpgp, parts.pins.records_of(item.party), now, "encrypt")
        claimed = claim(parts.home, item, now)
    except (CryptoFault, OSError) as error:
        arrivals.wait_for(item.flow)
        _fault(parts, _inbox_subject(item.party, item.flow), error, now, arrivals)
        return
    if claimed is not None:
        _process(parts, claimed, now, arrivals, progress)


def _inbox_subject(party: str, flow_id: str) -> str:
    return f"inbox:{party}:{flow_id}"


def _clear_inboxes(parts: Parts, flows: Sequence[Flow], faulty: set[str], now: datetime) -> None:
    """An inbox from which nothing failed to be claimed is well again."""
    with parts.database.transaction() as tx:
        for flow in flows:
            subject = _inbox_subject(flow.sender, flow.id)
            if subject not in faulty:
                clear_about(tx, subject, now)


def _process(
    parts: Parts, claimed: Claimed, now: datetime, arrivals: Arrivals, progress: Progress | None
) -> None:
    subject = f"drop:{claimed.drop_id}"
    try:
        processed = process(parts.intake(claimed.flow), claimed, now, progress)
    except StillArriving:
        arrivals.wait_for(claimed.flow)
        return
    except Exception as error:  # the worker lives on, and the drop is kept for the next tick
        arrivals.wait_for(claimed.flow)
        _fault(parts, subject, error, now, arrivals)
        return
    with parts.database.transaction() as tx:
        clear_about(tx, subject, now)
    if processed is not None:
        arrivals.processed.append(processed)


def _fault(parts: Parts, subject: str, error: Exception, now: datetime, arrivals: Arrivals) -> None:
    fault = as_fault(subject, error)
    arrivals.faults.append(fault)
    fault.alarm(parts.database, now)


def _tell_refusals(
    parts: Parts, flows: Sequence[Flow], refusals: Iterable[Refusal], now: datetime
) -> list[Refusal]:
    """Alarm entries that are not taken, once each; clear the alarm when the entry has gone.

    Returns those not told of before.
    """
    still: dict[str, set[str]] = {}
    fresh: list[Refusal] = []
    for refusal in refusals:
        item, code = refusal.candidate, refusal.finding.code
        subject = f"inbox:{item.party}:{item.flow}:{item.key}"
        still.setdefault(code, set()).add(subject)
        message, fix = words(refusal.finding)
        with parts.database.transaction() as tx:
            new = raise_alarm(tx, code, subject, f"{message} {fix}", now)
        if new:
            fresh.append(refusal)
            _report_refusal(parts, refusal, now)
    theirs = tuple(f"{_inbox_subject(flow.sender, flow.id)}:" for flow in flows)
    for code in _DOOR_CODES:
        clear_others(parts.database, code, still.get(code, set()), now, theirs)
    return fresh


def _report_refusal(parts: Parts, refusal: Refusal, now: datetime) -> None:
    """Tell the sender, who may never look at the gateway's alarms."""
    item = refusal.candidate
    received = Received(item.key, now, item.seen.st_size, "")
    verdict = Judgement(item.flow, "quarantined", findings=[refusal.finding])
    wording = Wording(parts.agreed[item.flow].rule_book(item.flow))
    name = f"{item.flow}-{london_date(now).isoformat()}-not-taken-{item.key}"
    with contextlib.suppress(OSError):  # the alarm stands, and the file lies where it was
        write_report(parts.home.reports_of(item.party), name, received, verdict, "refused", wording)


_DOOR_CODES = (
    "door.symlink",
    "door.not-a-file",
    "door.hard-link",
    "door.owner",
    "door.too-large",
    "door.unreadable",
)


def tell_unknown_folders(parts: Parts, now: datetime) -> None:
    """Alarm once when files lie where no flow looks, so that nobody waits for them in vain."""
    known = {parts.home.inbox_of(flow.sender, flow.id) for flow in parts.flows()}
    message, fix = words(finding("door.unknown-folder"))
    stray = {"inbox"} if _holds_stray_files(parts, parts.home.inbox, known) else set()
    with parts.database.transaction() as tx:
        for subject in stray:
            raise_alarm(tx, "door.unknown-folder", subject, f"{message} {fix}", now)
    clear_others(parts.database, "door.unknown-folder", stray, now)


def _holds_stray_files(parts: Parts, folder: Path, known: set[Path], depth: int = 3) -> bool:
    if folder.name in RESERVED_IDS:
        return False
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        return error.errno == errno.EACCES
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            if depth and _holds_stray_files(parts, entry, known, depth - 1):
                return True
        elif folder not in known and not is_ignored(entry.name, parts.settings):
            return True
    return False
