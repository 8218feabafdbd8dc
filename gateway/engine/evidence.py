"""Giving out evidence: a fresh checkpoint, the pack, and its leaf in the ledger."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import NoteSigner
from gateway.engine.logkeeping import new_checkpoint
from gateway.engine.parts import Parts
from gateway.records.checkpoints import signer_name
from gateway.records.evidence import Asked, Sources, export_evidence
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.store import meta
from gateway.store.folder import sha256_of

_VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify_evidence.py"


@dataclass(frozen=True)
class Given:
    """A pack that was given out. ``size`` in bytes."""

    sha256: str
    size: int
    leaves: int
    packages: tuple[str, ...]
    receipts: int


def export_pack(
    parts: Parts, target: Path, days: tuple[date, date], case: str | None, now: datetime
) -> Given:
    """Write the pack of those days (both included); the worker's lock is held.

    ``case``: a reference; the pack then tells of packages known to have carried it, and not of it.
    Raises EvidenceFault, StoreFault, CryptoFault, OSError.
    """
    new_checkpoint(parts, now)
    parts.home.work.mkdir(parents=True, exist_ok=True)
    with parts.database.snapshot() as tx:  # it takes long, and nobody who writes waits for it
        home = meta.get(tx, "home.id") or ""
        sources = Sources(
            parts.vault,
            parts.openpgp,
            parts.pins,
            parts.home.log_keys,
            NoteSigner.load(HomeKeys(parts.home.root).log_key, signer_name(home)),
            parts.home.work,
            _VERIFIER,
        )
        rehearsal = parts.home.is_rehearsal
        asked = Asked(*days, now, home, rehearsal, bodies_of(parts), _macs(parts, case))
        made = export_evidence(tx, sources, asked, target)
    given = Given(
        sha256_of(target), target.stat().st_size, made.leaves, made.packages, made.receipts
    )
    facts: dict[str, Fact] = {
        "from": days[0].isoformat(),
        "until": days[1].isoformat(),
        "size": given.size,
        "sha256": given.sha256,
        "case": case is not None,
    }
    with parts.database.transaction() as tx:
        record(tx, event("evidence.exported", "home", facts=facts), now)
    return given


def bodies_of(parts: Parts) -> dict[str, bytes]:
    """The canonical JSON of the agreements in force, by its hash."""
    return {agreed.hash: agreed.canonical for agreed in parts.agreed.values()}


def _macs(parts: Parts, case: str | None) -> tuple[tuple[str, bytes], ...] | None:
    if case is None:
        return None
    return tuple((flow, parts.keyed.reference(flow, case.strip())) for flow in parts.agreed)
