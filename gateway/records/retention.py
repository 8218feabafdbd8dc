"""What may be destroyed once no hold covers it, and the one act that destroys it.

No other code of the gateway removes an object of the vault. The rows of the database stay: that it
was kept, sent and destroyed is part of the record.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from gateway.records.holds import Cover
from gateway.records.ledger import event, record
from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.store import destructions
from gateway.store.database import Database, Transaction
from gateway.store.destructions import DestructionRow
from gateway.store.vault import KeptThing, things

FORMAT = "gateway-destruction/1"


@dataclass(frozen=True)
class Plan:
    """What could be destroyed: objects kept before a moment that no hold covers and nothing needs.

    ``held`` and ``needed``: how many others there are, of those kept before it.
    """

    before: datetime
    items: tuple[KeptThing, ...]
    held: int
    needed: int

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the list: what the parties approve is this list, and no other."""
        listed = {"before": _told(self.before), "objects": [item.sha256 for item in self.items]}
        return hashlib.sha256(rfc8785.dumps(listed)).hexdigest()


def plan(tx: Transaction, cover: Cover, before: datetime, request_id: str = "") -> Plan:
    """What could be destroyed now. Nothing else is needed to show it, and nothing is done.

    What that request has destroyed already counts as if it were there, so that an interrupted act
    finds its own list again.
    """
    gone = {row.sha256 for row in destructions.every(tx) if row.request_id != request_id}
    there = [item for item in things(tx) if item.sha256 not in gone and item.put_at < before]
    free = [item for item in there if not cover.holds(item)]
    items = tuple(item for item in free if item.finished)
    return Plan(before, items, len(there) - len(free), len(free) - len(items))


def destroy(
    database: Database,
    vault: Vault,
    staging: Staging,
    item: KeptThing,
    request_id: str,
    agreement_hash: str,
    now: datetime,
) -> None:
    """Destroy one object of an approved list, then record it; doing it again is harmless.

    Cut short in between, the object is gone without its record: the audit tells so until the act,
    which stays approved, is carried on. Raises OSError or StoreFault.
    """
    with database.transaction() as tx:
        if item.sha256 in {row.sha256 for row in destructions.every(tx, request_id)}:
            return
    vault.destroy(item.sha256)
    if item.kind == "original":
        staging.remove(item.subject.removeprefix("drop:"))
    certificate = rfc8785.dumps(
        {
            "destroyed_at": _told(now),
            "kind": item.kind,
            "put_at": _told(item.put_at),
            "request": request_id,
            "sha256": item.sha256,
            "size": item.size,
            "subject": item.subject,
        }
    )
    row = DestructionRow(
        secrets.token_hex(8), request_id, item.sha256, item.kind, item.subject, now, certificate
    )
    facts = {
        "kind": item.kind,
        "sha256": item.sha256,
        "request": request_id,
        "certificate": hashlib.sha256(certificate).hexdigest(),
    }
    with database.transaction() as tx:
        destructions.add(tx, row)
        record(tx, event("object.destroyed", item.subject, agreement_hash, facts), now)


def certificate_of(
    tx: Transaction, request_id: str, digest: str, approvals: list[dict[str, str]]
) -> bytes:
    """The certificate for both sides: canonical JSON and a line feed. It names no person.

    ``objects`` holds what each object's own certificate says; the ledger has their SHA-256s.
    """
    told: dict[str, Any] = {
        "approvals": approvals,
        "format": FORMAT,
        "objects": list(_certificates(tx, request_id)),
        "plan": digest,
        "request": request_id,
    }
    return rfc8785.dumps(told) + b"\n"


def _certificates(tx: Transaction, request_id: str) -> Iterator[str]:
    for row in destructions.every(tx, request_id):
        yield row.certificate.decode()


def _told(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
