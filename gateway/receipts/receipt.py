"""A receipt: what a recipient says of a package, in a form that can be signed and kept.

Canonical JSON (RFC 8785) with one line feed behind, no cell's value in it. ``collected``: these
bytes were had; ``opened``: they were decrypted, and the hash inside matched; ``accepted`` or
``queried``: a named officer says so; ``quarantined``: an officer keeps a recalled package apart.
The JSON Schema lies in ``schemas/receipt.schema.json``; ``docs/receipts.md`` tells recipients.
"""

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import rfc8785
from pydantic import ConfigDict, StringConstraints, model_validator

from gateway.agreement.model import Frozen, Id
from gateway.dispatch.manifest import Moment, OuterManifest, PackageId, Sha256

ReceiptKind = Literal["collected", "opened", "accepted", "queried", "quarantined"]
KINDS: tuple[ReceiptKind, ...] = get_args(ReceiptKind)
BY_OFFICER: frozenset[ReceiptKind] = frozenset({"accepted", "queried", "quarantined"})
SUFFIX = ".receipt.json"
LARGEST_BODY = 64 * 1024  # bytes
LARGEST_SIGNATURE = 16 * 1024
_SCHEMA = "receipt.schema.json"
ReceiptId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
OfficerId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,59}$")]


class Receipt(Frozen):
    """One statement about one delivery.

    ``id``: 128 random bits, hex: no two receipts are the same. ``digest``: the SHA-256 of the
    delivered file. ``agreement_hash``: as the manifest has it. ``officer``: who says so, for the
    kinds that a person gives, and null for the others. ``at``: when, UTC, to the second. ``head``:
    the latest checkpoint of the gateway's ledger that the signer has seen, a signed note.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal["gateway-receipt/1"] = "gateway-receipt/1"
    id: ReceiptId
    kind: ReceiptKind
    package: PackageId
    party: Id
    digest: Sha256
    agreement_hash: Sha256
    officer: OfficerId | None
    at: Moment
    head: Annotated[str, StringConstraints(max_length=4096)] | None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.officer is not None) != (self.kind in BY_OFFICER):
            raise ValueError("an officer is named for what officers say, and for nothing else")
        if self.at.microsecond:
            raise ValueError("a receipt's time is told to the second")
        return self


def new_receipt(
    kind: ReceiptKind,
    package: str,
    party: str,
    digest: str,
    agreement_hash: str,
    at: datetime,
    officer: str | None = None,
    head: str | None = None,
) -> Receipt:
    """A new receipt with an id of its own. Raises ValueError for what may not stand in one."""
    return Receipt(
        id=secrets.token_hex(16),
        kind=kind,
        package=package,
        party=party,
        digest=digest,
        agreement_hash=agreement_hash,
        officer=officer,
        at=at.replace(microsecond=0),
        head=head,
    )


def receipt_for(
    kind: ReceiptKind,
    outer: OuterManifest,
    at: datetime,
    officer: str | None = None,
    head: str | None = None,
) -> Receipt:
    """A new receipt for the package that a verified manifest describes.

    ``head``: a later checkpoint than the manifest's that was seen.
    """
    return new_receipt(
        kind,
        outer.package,
        outer.recipient,
        outer.delivery_sha256,
        outer.agreement_hash,
        at,
        officer,
        head or outer.checkpoint,
    )


def to_bytes(receipt: Receipt) -> bytes:
    """The receipt as canonical JSON (RFC 8785) and a line feed: what is signed, sent and kept."""
    return rfc8785.dumps(receipt.model_dump(mode="json")) + b"\n"


def from_bytes(content: bytes) -> Receipt:
    """Read a receipt. Raises ValueError when it is not one, or not in canonical form."""
    receipt = Receipt.model_validate_json(content)
    if to_bytes(receipt) != content:
        raise ValueError("The receipt is not in canonical form.")
    return receipt


def schema() -> str:
    """The JSON Schema of a receipt."""
    return json.dumps(Receipt.model_json_schema(mode="serialization"), indent=2) + "\n"


def write_schema(folder: Path) -> None:
    """Write the JSON Schema into a folder; a test holds the committed one against the model."""
    (folder / _SCHEMA).write_text(schema(), encoding="utf-8")
