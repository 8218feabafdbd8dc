"""The recall notice: what stands in the outbox where a recalled package lay, signed.

Canonical JSON (RFC 8785) with one line feed behind, ``<package>.recalled.json``, and the gateway's
detached signature ``.asc``. It names the package and its hash, and asks its holder for something;
the reason of the recall is not in it, for an outbox is no place for officers' own words.
"""

import json
from datetime import UTC, datetime
from typing import Literal

import rfc8785

from gateway.agreement.model import Agreement
from gateway.dispatch.manifest import Fingerprint, Moment, PackageId, Part, Sha256
from gateway.store.packages import DeliveryRow, PackageRow

_RETAIN = (
    "Do not use this package. Keep every copy of it, and of what was taken from it, apart and "
    "sealed; destroy nothing, for a legal hold stands. Then send a signed statement that you have "
    "done so: a receipt of the kind quarantined, signed by a named officer."
)
_DESTROY = (
    "Do not use this package. Destroy every copy of it, and of what was taken from it, or keep it "
    "apart and sealed. Then send a signed statement that you have done so: a receipt of the kind "
    "quarantined, signed by a named officer."
)
_UNSEEN = (
    " No receipt says that you have collected it: where you hold no copy, there is nothing to do."
)


class RecallNotice(Part):
    """What is asked of a recipient. ``collected``: whether a receipt said so before the recall."""

    format: Literal["gateway-recall-notice/1"] = "gateway-recall-notice/1"
    package: PackageId
    flow: str
    sender: str
    recipient: str
    delivery_sha256: Sha256
    agreement_hash: Sha256
    made_at: Moment
    collected: bool
    superseded_by: PackageId | None
    asks: Literal["quarantine-and-retain", "destroy-or-retain"]
    words: str
    signed_by: Fingerprint


def schema() -> str:
    """The JSON Schema of a notice, which lies in ``schemas/`` too."""
    return json.dumps(RecallNotice.model_json_schema(mode="serialization"), indent=2) + "\n"


def notice_file(package_id: str) -> str:
    """The notice's name; its detached signature has ``.asc`` behind."""
    return f"{package_id}.recalled.json"


def is_notice(name: str) -> bool:
    """Whether a file of that name is a notice, or a notice's signature."""
    return name.endswith((notice_file(""), f"{notice_file('')}.asc"))


def notice_of(
    agreement: Agreement, package: PackageRow, delivery: DeliveryRow, signer: str, now: datetime
) -> RecallNotice:
    """The notice for one recipient. While the agreement's hold stands, it asks to keep all."""
    hold = agreement.retention.hold
    collected = delivery.collected_at is not None
    return RecallNotice(
        package=package.id,
        flow=package.flow,
        sender=agreement.flow(package.flow).sender,
        recipient=delivery.party,
        delivery_sha256=delivery.sha256,
        agreement_hash=package.agreement_hash,
        made_at=now.astimezone(UTC),
        collected=collected,
        superseded_by=package.superseded_by,
        asks="quarantine-and-retain" if hold else "destroy-or-retain",
        words=(_RETAIN if hold else _DESTROY) + ("" if collected else _UNSEEN),
        signed_by=signer,
    )


def to_bytes(notice: RecallNotice) -> bytes:
    """The notice as canonical JSON and a line feed."""
    return rfc8785.dumps(notice.model_dump(mode="json")) + b"\n"
