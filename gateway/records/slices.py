"""A slice of the ledger for an evidence pack: the leaves of some days, and what proves them."""

import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from gateway.records.ledger import consistency, inclusion
from gateway.records.packfile import PackFile, canonical
from gateway.store import checkpoints, ledger, logs
from gateway.store.checkpoints import CheckpointRow
from gateway.store.database import Transaction
from gateway.store.ledger import LeafRow
from gateway.store.logs import LogRow

FORMAT = "gateway-slice/1"
Hears = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Range:
    """A stretch of one log under a checkpoint. ``first``: from 0; ``size``: of the checkpoint."""

    log: LogRow
    first: int
    count: int
    size: int
    signed: tuple[CheckpointRow, ...]


def ranges(tx: Transaction, since: datetime, until: datetime) -> list[Range]:
    """In each log, the leaves from the first to the last of that time that a checkpoint covers.

    A neighbour on either side shows where they begin and end. A log without any is left out, unless
    it is the latest. Leaves between that bear another time (a clock was set back) are among them.
    """
    start, end = _told(since), _told(until)
    every, signed = logs.every(tx), checkpoints.every(tx)
    found: dict[int, tuple[int, int]] = {}
    sizes = {log.number: [row for row in signed if row.log == log.number] for log in every}
    for row in ledger.leaves(tx):
        log = _log_of(every, row.seq)
        index = row.seq - log.first_seq
        covered = sizes[log.number] and index < sizes[log.number][-1].size
        if covered and start <= json.loads(row.leaf)["at"] < end:
            found[log.number] = (found.get(log.number, (index, 0))[0], index)
    made = []
    for log in every:
        rows = tuple(sizes[log.number])
        first, last = 0, -1
        if log.number in found:
            first = max(found[log.number][0] - 1, 0)
            last = min(found[log.number][1] + 1, rows[-1].size - 1)
        if rows and (log.number in found or log is every[-1]):
            made.append(Range(log, first, last - first + 1, rows[-1].size, rows))
    return made


def write_slice(tx: Transaction, part: Range, pack: PackFile, work: Path, hear: Hears) -> None:
    """Write a slice, its proofs and its log's checkpoints. ``hear``: is told each leaf."""
    place, log, first = f"ledger/{part.log.number}", part.log, part.log.first_seq + part.first
    for row in part.signed:
        pack.add(f"{place}/checkpoints/{row.size}.note", row.note.encode())
    with tempfile.NamedTemporaryFile(dir=work, prefix="leaves-") as out:
        for leaf in _leaves(tx, first, part.count):
            out.write(len(leaf.leaf).to_bytes(4) + leaf.leaf)
            hear(json.loads(leaf.leaf))
        out.flush()
        pack.add_file(f"{place}/leaves.bin", Path(out.name))
    last = first + part.count - 1
    told = {
        "format": FORMAT,
        "origin": log.origin,
        "first": part.first,
        "count": part.count,
        "size": part.size,
        "first_path": _base64(inclusion(tx, log, first, part.size)) if part.count else [],
        "last_path": _base64(inclusion(tx, log, last, part.size)) if part.count else [],
        "consistency": [
            {
                "from": one.size,
                "to": other.size,
                "path": _base64(consistency(tx, log, one.size, other.size)),
            }
            for one, other in pairwise(part.signed)
        ],
        "cites": log.cites,
    }
    pack.add(f"{place}/slice.json", canonical(told))


def _leaves(tx: Transaction, first: int, count: int) -> Iterator[LeafRow]:
    return islice(ledger.leaves(tx, after=first - 1), count)


def _log_of(every: list[LogRow], seq: int) -> LogRow:
    return [log for log in every if log.first_seq <= seq][-1]


def _base64(path: list[bytes]) -> list[str]:
    return [base64.b64encode(step).decode() for step in path]


def _told(moment: datetime) -> str:
    """As leaves tell a time; they sort as the times do."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
