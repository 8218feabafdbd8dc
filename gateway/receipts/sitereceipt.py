"""A receipt given on the site: what a person said there, by the word of the gateway.

Whoever signs in to the site has no key of their own at hand. The gateway has seen them sign in with
two factors, and prove it anew a short while before; it writes down what they said, in the very
words that they agreed to, and signs that with its own key. So it proves what the gateway says that
a person said, and no more: an officer's own signature proves it without the gateway's word.

Canonical JSON (RFC 8785) with one line feed behind; it is made here alone, and no way in takes one
(`receipt.from_bytes` reads another form). The JSON Schema lies in ``schemas/``.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import rfc8785
from pydantic import ConfigDict, StringConstraints, model_validator

from gateway.agreement.model import Frozen, Id
from gateway.dispatch.manifest import Fingerprint, Moment, PackageId, Sha256
from gateway.receipts.receipt import OfficerId, ReceiptId
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.people import PersonRow

SiteKind = Literal["opened", "accepted", "queried"]
SITE_KINDS: tuple[SiteKind, ...] = get_args(SiteKind)
SAID: Mapping[SiteKind, str] = {
    "opened": "I have opened this package, and it can be read.",
    "accepted": "I accept this package for my organisation.",
    "queried": "I have a question about this package, and do not accept it as it is.",
}
_SCHEMA = "site-receipt.schema.json"
PersonId = Annotated[str, StringConstraints(pattern=r"^p-[0-9a-f]{16}$")]


class SiteReceipt(Frozen):
    """What a person said on the site about one delivery.

    ``said``: the words that they agreed to (`SAID`). ``person`` and ``name``: who was signed in;
    ``officer``: who that is among the party's officers, or null. ``signed_by``: the gateway's key,
    by whose word it is. ``opened`` is the person's word, where a key's receipt tells of a hash that
    was compared. The other members are those of `receipt.Receipt`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal["gateway-site-receipt/1"] = "gateway-site-receipt/1"
    id: ReceiptId
    kind: SiteKind
    said: str
    package: PackageId
    party: Id
    digest: Sha256
    agreement_hash: Sha256
    person: PersonId
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    officer: OfficerId | None
    at: Moment
    signed_by: Fingerprint

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.said != SAID[self.kind]:
            raise ValueError("what was said is in the words of its kind")
        if self.at.microsecond:
            raise ValueError("a receipt's time is told to the second")
        return self


def new_site_receipt(
    kind: SiteKind,
    package: PackageRow,
    delivery: DeliveryRow,
    person: PersonRow,
    gateway: str,
    at: datetime,
) -> SiteReceipt:
    """What the person says now. ``gateway``: the full fingerprint of the key that will sign it."""
    return SiteReceipt(
        id=secrets.token_hex(16),
        kind=kind,
        said=SAID[kind],
        package=package.id,
        party=delivery.party,
        digest=delivery.sha256,
        agreement_hash=package.agreement_hash,
        person=person.id,
        name=person.name,
        officer=person.officer,
        at=at.replace(microsecond=0),
        signed_by=gateway,
    )


def to_bytes(receipt: SiteReceipt) -> bytes:
    """It as canonical JSON (RFC 8785) and a line feed: what the gateway signs and keeps."""
    return rfc8785.dumps(receipt.model_dump(mode="json")) + b"\n"


def schema() -> str:
    """The JSON Schema of it."""
    return json.dumps(SiteReceipt.model_json_schema(mode="serialization"), indent=2) + "\n"


def write_schema(folder: Path) -> None:
    """Write the JSON Schema into a folder; a test holds the committed one against the model."""
    (folder / _SCHEMA).write_text(schema(), encoding="utf-8")
