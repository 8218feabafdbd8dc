"""What came of a file: the wait for it, the result, its findings, columns and held rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Response, abort, redirect, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from gateway.engine.door import DoorClosed
from gateway.intake.reported import Line, ReportUnreadable, report_lines
from gateway.store import drops
from gateway.store.drops import WAITING, DropRow
from gateway.web.sending.changes import may_stand_for
from gateway.web.sending.coming import coming
from gateway.web.sending.findings import KINDS_SHOWN, ROWS_A_PAGE, by_kind, csv_blocks, held_rows
from gateway.web.sending.ours import OF_DROP, OF_FLOW, PART, SENDER, Ours, drop_of, ours
from gateway.web.site import site
from gateway.web.visitor import page
from gateway.web.worker import WorkerRefused, asked

A_PAGE = 50  # drops
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Columns:
    """What became of a drop's columns: how many are kept, which agreed ones are absent.

    ``listed``: dropped ones that the agreement names; ``others``: how many it does not.
    """

    kept: int
    missing: tuple[str, ...]
    listed: tuple[str, ...]
    others: int


@page(PART, f"{OF_FLOW}/drops/arriving/<int:after>/<sha256>", roles=SENDER)
def arriving(party: str, flow: str, after: int, sha256: str) -> ResponseReturnValue:
    """Wait until the worker has taken the file with that hash, then go on to its result."""
    sent, own = ours(party, flow), site()
    if not _SHA256.fullmatch(sha256):
        abort(404)
    with own.parts.database.snapshot() as tx:
        drop = drops.came_after(tx, flow, sha256, after)
    if drop is not None:
        return redirect(sent.to("drop", drop=drop.id), 303)
    return _wait(sent)


@page(PART, OF_DROP, roles=SENDER)
def drop(party: str, flow: str, drop: str) -> ResponseReturnValue:
    """What came of a drop, and what to do about it."""
    sent, own = ours(party, flow), site()
    with own.parts.database.snapshot() as tx:
        found = drop_of(tx, sent, drop)
        waiting = coming(tx, sent, own.now())
        twin = drops.earlier_same(tx, flow, found.sha256, found.id)
    if found.state == "received":
        return _wait(sent, found)
    kinds, fault = [], None
    try:
        kinds = by_kind(_lines(sent, found))
    except ReportUnreadable as unreadable:
        fault = unreadable
    return render_template(
        "sending/drop.html",
        ours=sent,
        drop=found,
        coming=waiting,
        twin=twin if found.state == "duplicate" else None,
        older=[item for item in waiting.waiting if may_stand_for(found, item)],
        kinds=kinds[:KINDS_SHOWN],
        more_kinds=max(len(kinds) - KINDS_SHOWN, 0),
        fault=fault if found.findings else None,
        columns=_columns(found),
        waits=found.state in WAITING,
    )


@page(PART, f"{OF_FLOW}/drops", roles=SENDER)
def listed(party: str, flow: str) -> str:
    """All drops of the flow, whichever way they came, newest first."""
    sent, own = ours(party, flow), site()
    before = request.args.get("before", type=int)
    with own.parts.database.snapshot() as tx:
        found = drops.page_of(tx, party, flow, before, A_PAGE + 1)
    older = found[A_PAGE - 1].number if len(found) > A_PAGE else None
    return render_template(
        "sending/drops.html", ours=sent, drops=found[:A_PAGE], before=before, older=older
    )


@page(PART, f"{OF_DROP}/findings.csv", roles=SENDER)
def findings(party: str, flow: str, drop: str) -> ResponseReturnValue:
    """All findings as a file."""
    sent, found = _found(party, flow, drop)
    blocks = csv_blocks(_lines(sent, found))
    answer = Response(stream_with_context(blocks), mimetype="text/csv")
    name = f"findings-{flow}-{found.id}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@page(PART, f"{OF_DROP}/held", roles=SENDER)
def held(party: str, flow: str, drop: str) -> str:
    """The held rows by number and rule, and how each can travel after all."""
    sent, found = _found(party, flow, drop)
    after = request.args.get("after", 0, type=int)
    attestable = frozenset(sent.flow.attestable)
    rows = held_rows(_lines(sent, found), attestable, after, ROWS_A_PAGE + 1)
    return render_template(
        "sending/held.html",
        ours=sent,
        drop=found,
        rows=rows[:ROWS_A_PAGE],
        after=after,
        onward=rows[ROWS_A_PAGE - 1].number if len(rows) > ROWS_A_PAGE else None,
    )


@page(PART, f"{OF_DROP}/columns", roles=SENDER)
def columns(party: str, flow: str, drop: str) -> str:
    """Every column of the file by its heading: kept, dropped, or absent."""
    sent, found = _found(party, flow, drop)
    told = asked("columns", party=party, flow=flow, drop=found.id, names=True)
    return render_template("sending/columns.html", ours=sent, drop=found, columns=told)


def _found(party: str, flow: str, drop: str) -> tuple[Ours, DropRow]:
    sent = ours(party, flow)
    with site().parts.database.snapshot() as tx:
        found = drop_of(tx, sent, drop)
    if found.state == "received":
        abort(404)
    return sent, found


def _lines(sent: Ours, drop: DropRow) -> Iterator[Line]:
    return report_lines(site().parts.home.reports_of(sent.party), drop)


def _wait(sent: Ours, drop: DropRow | None = None) -> str:
    """The page of a file that is not judged yet: it looks again by itself."""
    try:
        site().ask({})
        absent = False
    except DoorClosed:
        absent = True
    return render_template("sending/waiting.html", ours=sent, drop=drop, absent=absent)


def _columns(drop: DropRow) -> Columns | None:
    """None where the worker, who alone can open them, does not answer now."""
    if drop.columns_sealed is None:
        return None
    try:
        told = asked("columns", party=drop.party, flow=drop.flow, drop=drop.id, names=False)
    except (DoorClosed, WorkerRefused):
        return None
    return Columns(len(told["kept"]), tuple(told["missing"]), tuple(told["listed"]), told["others"])
