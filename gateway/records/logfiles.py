"""The log for others to verify: one leaf's proof, or the whole log in a folder (docs/ledger.md)."""

import base64
import json
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.crypto.notes import read_keys
from gateway.records.ledger import inclusion
from gateway.store import checkpoints, ledger, logs
from gateway.store.database import Transaction
from gateway.store.logs import LogRow

FORMAT = "gateway-log/1"


def proof_of(tx: Transaction, seq: int) -> dict[str, Any] | None:
    """A leaf, the latest checkpoint of its log, and the path between; None where none covers it.

    ``leaf``, ``path``: base64. ``index``: from 0.
    """
    log = _log_of(tx, seq)
    latest = checkpoints.latest_of(tx, log.number) if log is not None else None
    row = ledger.leaf_at(tx, seq)
    if log is None or latest is None or row is None or latest.size <= seq - log.first_seq:
        return None
    path = inclusion(tx, log, seq, latest.size)
    return {
        "index": seq - log.first_seq,
        "leaf": base64.b64encode(row.leaf).decode(),
        "path": [base64.b64encode(step).decode() for step in path],
        "checkpoint": latest.note,
    }


def export_log(tx: Transaction, keys: Path, folder: Path) -> int:
    """Write the signed leaves of every log into a folder; how many. Raises OSError.

    ``<n>/log.json`` names a log, ``<n>/leaves.bin`` has each leaf behind its length (4 bytes,
    big-endian), ``<n>/checkpoints/<size>.note`` each checkpoint; ``ledger-keys`` the public keys.
    """
    count = 0
    for log in logs.every(tx):
        place = folder / str(log.number)
        (place / "checkpoints").mkdir(parents=True)
        for row in checkpoints.every(tx):
            if row.log == log.number:
                path = place / "checkpoints" / f"{row.size}.note"
                path.write_text(row.note, encoding="utf-8")
        size = 0
        with (place / "leaves.bin").open("wb") as out:
            for leaf in islice(ledger.leaves(tx, after=log.first_seq - 1), _signed(tx, log)):
                out.write(len(leaf.leaf).to_bytes(4) + leaf.leaf)
                size += 1
        count += size
        told = {"format": FORMAT, "origin": log.origin, "size": size, "cites": log.cites}
        (place / "log.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    written = "".join(f"{key.written()}\n" for key in read_keys(keys))
    (folder / "ledger-keys").write_text(written, encoding="utf-8")
    return count


def _log_of(tx: Transaction, seq: int) -> LogRow | None:
    if not 0 < seq <= ledger.last_seq(tx):
        return None
    holding = [log for log in logs.every(tx) if log.first_seq <= seq]
    return holding[-1] if holding else None


def _signed(tx: Transaction, log: LogRow) -> int:
    """How many leaves of a log are under its latest checkpoint."""
    return max((row.size for row in checkpoints.every(tx) if row.log == log.number), default=0)
