"""From what the confined reader says of a drop to a judgement: accepted, held, or quarantined.

The same code serves `check`, which keeps nothing, and intake, which stages what it judges.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.agreement.model import Flow
from gateway.intake.confined.frames import (
    DoneFrame,
    Examined,
    FindingsFrame,
    Frame,
    TableFrame,
)
from gateway.intake.findings import Finding, finding
from gateway.records.chunk import Chunk, Rows
from gateway.records.staging import Draft

State = Literal["accepted", "partly-held", "quarantined"]
Progress = Callable[[str, int, int | None], None]  # stage, rows done, rows in all if known


class Memory(Protocol):
    """What was sent before, asked by row."""

    def already_sent(self, flow: Flow, rows: Chunk) -> set[int]:
        """The numbers of those rows that were sent before and have not changed since."""
        ...

    def unknown_references(self, flow: Flow, rows: Chunk) -> set[int]:
        """The numbers of those rows whose reference was never sent in the flow reconciled with."""
        ...


class Sorted(Protocol):
    """Where judged rows go: to the staged files, or nowhere."""

    def accepted(self, rows: Chunk) -> None:
        """Take rows without fault, in order; those sent before too (see `_part_rows`)."""
        ...

    def held(self, rows: Chunk) -> None:
        """Take rows that are kept back."""
        ...


@dataclass
class Judgement:
    """What intake says of a drop. ``rows = accepted + held + repeats``; headings as in Annex A.

    ``repeats`` counts rows that are the same as another of the drop, and those already sent.
    """

    flow: str
    state: State
    sheet: str | None = None
    rows: int = 0
    accepted: int = 0
    held: int = 0
    repeats: int = 0
    already_sent: int = 0
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def by_code(self) -> dict[str, int]:
        """How many findings there are of each code."""
        return dict(sorted(Counter(item.code for item in self.findings).items()))


def judge(
    frames: Iterable[Frame],
    flow: Flow,
    memory: Memory,
    out: Sorted,
    draft: Draft,
    progress: Progress | None = None,
) -> Judgement:
    """Judge a drop by the reader's frames, sending each row where it belongs.

    Rows are known to be held only when the last has been read (two far apart may share a
    reference), so they wait in an encrypted draft. Raises whatever the frames raise.
    """
    findings, examined = _listen(frames, draft, progress)
    verdict = Judgement(
        flow.id,
        "accepted",
        examined.sheet,
        examined.rows,
        kept=examined.kept,
        dropped=examined.dropped,
        missing=examined.missing,
        findings=findings,
    )
    if examined.refused or _refused_for_its_rows(findings):
        verdict.state = "quarantined"
        verdict.held = verdict.rows
        return verdict
    _part_rows(verdict, flow, memory, out, draft.chunks())
    verdict.state = "partly-held" if verdict.held else "accepted"
    verdict.findings.sort(key=lambda item: (item.row or 0, item.code if item.row is None else ""))
    return verdict


def _listen(
    frames: Iterable[Frame], draft: Draft, progress: Progress | None
) -> tuple[list[Finding], Examined]:
    findings: list[Finding] = []
    seen = 0
    for frame in frames:
        if isinstance(frame, FindingsFrame):
            findings.extend(frame.items)
        elif isinstance(frame, TableFrame):
            draft.add(frame.rows)
            seen += len(frame.rows)
            if progress:
                progress("reading", seen, None)
        elif isinstance(frame, DoneFrame):
            return findings, frame.outcome
    raise ValueError("the reader's frames ended without an outcome")


def _refused_for_its_rows(findings: list[Finding]) -> bool:
    return any(item.code == "file.rows-refused" for item in findings)


def _part_rows(
    verdict: Judgement, flow: Flow, memory: Memory, out: Sorted, chunks: Iterator[Rows]
) -> None:
    with_errors = {
        item.row for item in verdict.findings if item.severity == "error" and item.row is not None
    }
    repeated = {item.row for item in verdict.findings if item.code == "row.repeated"}
    staying = with_errors | repeated
    reference = flow.field(flow.reference_field).heading
    # Rows sent before are staged as well: they may take back a change that still waits.
    for chunk in map(Chunk.of, chunks):
        held = chunk.where([number in with_errors for number in chunk.numbers])
        fresh = chunk.where([number not in staying for number in chunk.numbers])
        sent = memory.already_sent(flow, fresh)
        going = fresh.where([number not in sent for number in fresh.numbers])
        for number in sorted(sent):
            verdict.findings.append(finding("row.already-sent", number))
        for number in sorted(memory.unknown_references(flow, going)):
            verdict.findings.append(finding("reconcile.unknown-reference", number, reference))
        out.held(held)
        out.accepted(fresh)
        verdict.held += len(held)
        verdict.accepted += len(going)
        verdict.already_sent += len(sent)
        verdict.repeats += len(chunk) - len(held) - len(going)


def refused(flow: Flow, code: str) -> Judgement:
    """The judgement of a drop that the confined reader could not finish."""
    return Judgement(flow.id, "quarantined", findings=[finding(code)])
