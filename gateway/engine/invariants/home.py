"""What the checks look at, gathered once: rows, staged files, and what lies in the outboxes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.agreement.model import Flow
from gateway.crypto.faults import CryptoFault
from gateway.engine.parts import Parts
from gateway.records.staging import Part
from gateway.store import ledger, states
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.windows import WindowRow

_NAME = re.compile(
    r"(?P<id>[a-z][a-z0-9-]{0,39}-(?P<day>\d{4}-\d\d-\d\d)-(?P<number>\d\d))"
    r"(?P<end>\.zip\.gpg|\.zip|\.xlsx|\.manifest\.json|\.manifest\.json\.asc)"
)
_PARTS: tuple[Part, ...] = ("accepted", "held", "why")
_LEAVES = 1_000_000  # more than there are of one event
_SAMPLE = 8  # rows of a staged file that are remembered


@dataclass(frozen=True)
class Staged:
    """A staged file: how many rows, how many cells they have, and some of them, far apart.

    ``opens`` is False where the file is cut or altered.
    """

    rows: int
    widths: frozenset[int]
    sample: tuple[tuple[str, ...], ...]
    opens: bool


@dataclass(frozen=True)
class Shown:
    """Files of one package's name in an outbox: their paths by what the name ends in."""

    party: str
    flow: str
    package_id: str
    day: date
    number: int
    files: Mapping[str, Path]

    @property
    def subject(self) -> str:
        """What a breach is about: the delivery, as the ledger knows it."""
        return f"delivery:{self.package_id}:{self.party}"


@dataclass(frozen=True)
class Looked:
    """A home as it stands between two ticks. The caller holds its lock."""

    parts: Parts
    by_id: Mapping[str, DropRow]
    windows: tuple[WindowRow, ...]
    packages: Mapping[str, PackageRow]
    deliveries: Mapping[str, DeliveryRow]
    staged: Mapping[tuple[str, str], Staged]
    shown: tuple[Shown, ...]
    signers: frozenset[str]  # every key that was ever pinned as the gateway's
    accepted: frozenset[str]  # packages that all had accepted, whatever came of them since

    @property
    def drops(self) -> tuple[DropRow, ...]:
        """Every drop, in the order they came."""
        return tuple(self.by_id.values())

    def flow(self, flow_id: str, agreement_hash: str) -> Flow | None:
        """The flow by that version of its agreement, else as it is in force; None: none has it."""
        for agreed in (*self.parts.versions, *self.parts.agreed.values()):
            if agreed.hash == agreement_hash:
                return agreed.agreement.flow(flow_id)
        return self.parts.flow(flow_id) if flow_id in self.parts.agreed else None


def look(parts: Parts) -> Looked:
    """Gather all of it. Raises StoreFault."""
    with parts.database.transaction() as tx:
        drops, windows = {row.id: row for row in states.drops(tx)}, tuple(states.windows(tx))
        packages = {row.id: row for row in states.packages(tx)}
        deliveries = {row.id: row for row in states.deliveries(tx)}
        pinned = _told(tx, "key.pinned")
        accepted = {leaf["subject"].partition(":")[2] for leaf in _told(tx, "package.accepted")}
    facts = [leaf["facts"] for leaf in pinned if leaf["facts"]["role"] == "signing"]
    signers = {parts.pins.gateway, *(item["fingerprint"] for item in facts)}
    return Looked(
        parts,
        drops,
        windows,
        packages,
        deliveries,
        dict(_staged(parts)),
        tuple(_shown(parts.home.outbox)),
        frozenset(signers),
        frozenset(accepted),
    )


def _told(tx: Transaction, event: str) -> list[dict[str, Any]]:
    """Every leaf of an event."""
    found = ledger.found(tx, ledger.Wanted(event=event), None, _LEAVES)
    return [json.loads(row.leaf) for row in found]


def _staged(parts: Parts) -> Iterator[tuple[tuple[str, str], Staged]]:
    for path in sorted(parts.staging.folder.glob("[!.]*.*")):
        for part in _PARTS:
            if path.suffix == f".{part}":
                yield (path.stem, part), _read(parts, path.stem, part)


def _read(parts: Parts, drop_id: str, part: Part) -> Staged:
    rows, widths, sample = 0, set(), []
    try:
        for chunk in parts.staging.read(drop_id, part):
            rows += len(chunk)
            widths |= {len(cells) for _, cells in chunk}
            each = max(1, len(chunk) // _SAMPLE)
            sample += [cells for _, cells in islice(chunk, 0, None, each)]
            sample = sample[:: len(sample) // _SAMPLE] if len(sample) >= 2 * _SAMPLE else sample
    except (CryptoFault, OSError, ValueError):
        return Staged(rows, frozenset(widths), (), opens=False)
    return Staged(rows, frozenset(widths), tuple(sample), opens=True)


def _shown(outbox: Path) -> Iterator[Shown]:
    for folder in sorted(outbox.glob("*/*")):
        found: dict[str, tuple[re.Match[str], dict[str, Path]]] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if match := _NAME.fullmatch(path.name):
                found.setdefault(match["id"], (match, {}))[1][match["end"]] = path
        for package_id, (match, files) in found.items():
            day, number = date.fromisoformat(match["day"]), int(match["number"])
            yield Shown(folder.parent.name, folder.name, package_id, day, number, files)
