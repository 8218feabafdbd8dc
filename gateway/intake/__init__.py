"""A drop becomes staged rows, or findings. `process` tells the whole story, in order."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.windows import london_date
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins
from gateway.crypto.sealing import Sealer
from gateway.intake.claim import Claimed, Original, begin_attempt, original_of, put_away
from gateway.intake.confined.frames import ReaderFailed
from gateway.intake.confined.reader import Reader
from gateway.intake.findings import finding
from gateway.intake.judge import Judgement, Memory, Progress, judge, refused
from gateway.intake.report import Received, Wording, report_name, write_report
from gateway.records.chunk import Chunk
from gateway.records.ledger import event, move, record
from gateway.records.staging import Draft, Part, StagedRows, Staging
from gateway.records.vault import Vault
from gateway.settings import Home
from gateway.store import drops
from gateway.store.database import Database
from gateway.store.drops import DropRow


@dataclass(frozen=True)
class Examiner:
    """What judging a file needs, and nothing that could keep or send any of it."""

    reader: Reader
    memory: Memory


@dataclass(frozen=True)
class Intake:
    """The parts that intake works with."""

    home: Home
    agreed: Agreed
    database: Database
    vault: Vault
    staging: Staging
    memory: Memory
    reader: Reader
    openpgp: OpenPGP
    pins: Pins
    sealer: Sealer

    @property
    def examiner(self) -> Examiner:
        """The part that reads and judges."""
        return Examiner(self.reader, self.memory)


@dataclass(frozen=True)
class Processed:
    """What became of a drop, and where its report lies."""

    drop_id: str
    flow: str
    party: str
    state: str
    verdict: Judgement
    report: Path


def process(
    parts: Intake, claimed: Claimed, now: datetime, progress: Progress | None = None
) -> Processed | None:
    """Take a claimed file through steps 2 to 8 of design §5; None when nothing was left to do.

    It may be interrupted anywhere and called again: each step finds what the last run finished.
    Raises StillArriving, and whatever the disk, the database or gpg cannot do: the drop is kept.
    """
    flow = parts.agreed.agreement.flow(claimed.flow)
    attempt = begin_attempt(claimed)
    if attempt is None:
        return None
    parts.database.confirm()  # whoever takes the drop over from here on finds the attempt
    original = original_of(claimed, attempt)
    drop = _received(parts, flow, claimed, original, attempt, now) if original else None
    if original is None or drop is None or drop.state != "received":
        put_away(claimed)
        return None
    if _is_duplicate(parts, drop):
        verdict = Judgement(flow.id, "accepted", findings=[finding("drop.duplicate")])
        processed = _settle(parts, drop, "duplicate", verdict, attempt, now)
    else:
        verdict = _examine_and_stage(parts, flow, drop, original, attempt, now, progress)
        processed = _settle(parts, drop, verdict.state, verdict, attempt, now)
    put_away(claimed)
    return processed


def check(
    examiner: Examiner, flow: Flow, file: Path, now: datetime, progress: Progress | None = None
) -> Judgement:
    """What intake would say of a file. Nothing is kept or sent."""
    with Draft() as draft:
        return _examine(examiner, flow, file, now, _Nowhere(), draft, progress)


def _received(
    parts: Intake,
    flow: Flow,
    claimed: Claimed,
    original: Original,
    attempt: Path,
    now: datetime,
) -> DropRow | None:
    """Seal the original to its sender's records key, then record the drop; once only."""
    with parts.database.transaction() as tx:
        known = drops.get(tx, claimed.drop_id)
    if known is not None:
        return known
    sealed = attempt / "sealed"
    parts.openpgp.encrypt(original.path, sealed, [parts.pins.records_of(flow.sender)])
    blob = parts.vault.keep(sealed)
    sealed.unlink()
    with parts.database.transaction() as tx:
        parts.vault.enter(tx, blob, "original", now)
        drops.add(
            tx,
            drop_id=claimed.drop_id,
            flow=flow.id,
            party=flow.sender,
            received_at=now,
            size=original.size,
            sha256=original.sha256,
            original=blob.sha256,
            agreement_hash=parts.agreed.hash,
        )
        happened = event(
            "drop.received",
            f"drop:{claimed.drop_id}",
            parts.agreed.hash,
            {"flow": flow.id, "party": flow.sender, "sealed": blob.sha256},
            {"original": original.sha256, "size": original.size},
        )
        record(tx, happened, now)
        return drops.get(tx, claimed.drop_id)


def _is_duplicate(parts: Intake, drop: DropRow) -> bool:
    """Whether the very same bytes were taken before; a header-only file is news each day."""
    with parts.database.transaction() as tx:
        earlier = drops.earlier_same(tx, drop.flow, drop.sha256, drop.id)
    return earlier is not None and bool(earlier.rows)


def _examine_and_stage(
    parts: Intake,
    flow: Flow,
    drop: DropRow,
    original: Original,
    attempt: Path,
    now: datetime,
    progress: Progress | None,
) -> Judgement:
    kinds: tuple[Part, ...] = ("accepted", "held", "why")
    staged = _Staged(*(parts.staging.open(drop.id, part, attempt) for part in kinds))
    try:
        with Draft(original.path.parent) as draft:
            verdict = _examine(parts.examiner, flow, original.path, now, staged, draft, progress)
        if verdict.state != "quarantined":
            staged.why(verdict)
            staged.keep()
        return verdict
    finally:
        staged.abandon()


def _examine(
    examiner: Examiner,
    flow: Flow,
    file: Path,
    now: datetime,
    out: "_Staged | _Nowhere",
    draft: Draft,
    progress: Progress | None,
) -> Judgement:
    with file.open("rb") as stream:
        try:
            frames = examiner.reader.examine(flow.id, stream, london_date(now))
            return judge(frames, flow, examiner.memory, out, draft, progress)
        except ReaderFailed as failure:
            return refused(flow, failure.code)


def _settle(
    parts: Intake, drop: DropRow, state: str, verdict: Judgement, attempt: Path, now: datetime
) -> Processed:
    """Report to the sender, then make the judgement final. The report is rewritten on a re-run."""
    wording = Wording(parts.agreed.rule_book(drop.flow))
    name = report_name(drop.flow, drop.received_at, drop.id)
    received = Received(drop.id, drop.received_at, drop.size, drop.sha256)
    folder = parts.home.reports_of(drop.party)
    _, page = write_report(folder, name, received, verdict, state, wording, attempt)
    columns = {"kept": verdict.kept, "dropped": verdict.dropped, "missing": verdict.missing}
    sealed = parts.sealer.seal(json.dumps(columns).encode(), f"columns:{drop.id}")
    counts = {
        "rows": verdict.rows,
        "accepted": verdict.accepted,
        "held": verdict.held,
        "repeats": verdict.repeats,
    }
    happened = event(
        "drop.judged",
        f"drop:{drop.id}",
        parts.agreed.hash,
        {"flow": drop.flow, "state": state},
        {**counts, "findings": len(verdict.findings)},
    )
    values = {
        **counts,
        "already_sent": verdict.already_sent,
        "findings": verdict.by_code(),
        "columns_sealed": sealed,
    }
    with parts.database.transaction() as tx:
        move(tx, "drop", {"id": drop.id}, "received", state, happened, now, values)
    return Processed(drop.id, drop.flow, drop.party, state, verdict, page)


class _Nowhere:
    """Takes judged rows and forgets them: for `check`."""

    def accepted(self, rows: Chunk) -> None:
        """Forget."""

    def held(self, rows: Chunk) -> None:
        """Forget."""


class _Staged:
    """Takes judged rows into the drop's staged files, and why rows are held beside them."""

    def __init__(self, accepted: StagedRows, held: StagedRows, why: StagedRows) -> None:
        self._accepted, self._held, self._why = accepted, held, why

    def accepted(self, rows: Chunk) -> None:
        self._accepted.add(rows)

    def held(self, rows: Chunk) -> None:
        self._held.add(rows)

    def why(self, verdict: Judgement) -> None:
        """Two officers may attest to a held row's findings only where no other one stands."""
        codes: dict[int, dict[str, None]] = {}
        for item in verdict.findings:
            if item.severity == "error" and item.row is not None:
                codes.setdefault(item.row, {})[item.code] = None
        self._why.add([(row, tuple(codes[row])) for row in sorted(codes)])

    def keep(self) -> None:
        for part in (self._accepted, self._why, self._held):
            part.keep()

    def abandon(self) -> None:
        for part in (self._accepted, self._why, self._held):
            part.abandon()
