"""What a package says of itself: the inner manifest in the zip, the outer one beside the package.

Both are signed over (the inner one by the signature of the OpenPGP message, the outer one by a
detached signature), both are canonical JSON (RFC 8785) with one line feed behind, and neither holds
a cell's value. Their JSON Schemas lie in ``schemas/`` (see `schemas`); ``docs/package.md`` tells
recipients how to read them.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import rfc8785
from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from gateway.agreement.model import Frozen, Id, Protection

Kind = Literal["data", "nil-declared", "nothing-received", "rows-held"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{40}$")]
PackageId = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}-\d{4}-\d\d-\d\d-\d\d$")
]
Count = Annotated[int, Field(ge=0)]


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError where the calendar has no such day there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment lies outside the calendar") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

WORKBOOK, CSV_COPY, INNER_MANIFEST = "data.xlsx", "data.csv", "manifest.json"
SUFFIXES: dict[Protection, str] = {
    "openpgp+password": ".zip.gpg",
    "password": ".zip",
    "excel-password": ".xlsx",
}
KIND_WORDS: dict[Kind, str] = {
    "data": "Rows: this package carries the rows that were accepted for its window.",
    "nil-declared": "Nil return: the sender declared that there is nothing to send in its window.",
    "nothing-received": (
        "Nothing received: no extract arrived for this window, so nobody has said that there was "
        "nothing to send. This is not a nil return."
    ),
    "rows-held": (
        "Rows held: rows arrived for this window, and all of them are held back until they are "
        "corrected. This is not a nil return."
    ),
}


def package_file(package_id: str, protection: Protection) -> str:
    """The name of a package's file for a recipient with that protection."""
    return package_id + SUFFIXES[protection]


def manifest_file(package_id: str) -> str:
    """The name of the outer manifest; its detached signature has ``.asc`` behind."""
    return f"{package_id}.manifest.json"


class Part(Frozen):
    """Base of the manifests' models: a fault names the place alone, and quotes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DropAccount(Part):
    """One drop of the window. ``rows`` = ``accepted`` + ``held`` + ``repeats``.

    The first hash is of the file as it was dropped, the second of the sealed original that is kept.
    """

    drop: str
    received_at: Moment
    original_sha256: Sha256
    sealed_sha256: Sha256
    rows: Count
    accepted: Count
    held: Count
    repeats: Count

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.rows != self.accepted + self.held + self.repeats:
            raise ValueError("rows of a drop are its accepted, held and repeated rows together")
        return self


class Counts(Part):
    """Rows of the window's drops and of the package.

    ``left_out``: accepted rows that do not travel, because they were sent before and have not
    changed, or because a later drop of the window brought the same reference anew.
    ``sent`` = ``new`` + ``updates``; ``accepted`` = ``sent`` + ``left_out``.
    """

    rows: Count
    accepted: Count
    held: Count
    repeats: Count
    left_out: Count
    sent: Count
    new: Count
    updates: Count

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.rows != self.accepted + self.held + self.repeats:
            raise ValueError("rows are the accepted, held and repeated rows together")
        if self.accepted != self.sent + self.left_out or self.sent != self.new + self.updates:
            raise ValueError("accepted rows are those sent, new or as updates, and those left out")
        return self


class Certificate(Part):
    """The minimisation certificate: what came in, by which rules, and what of it travels.

    ``agreement_hash`` is the version of the rules: it covers the agreement and its code lists.
    ``columns_dropped`` has the headings of the dropped columns as they were read.
    """

    agreement: Id
    agreement_version: str
    agreement_hash: Sha256
    columns_sent: tuple[str, ...]
    columns_dropped: tuple[str, ...]
    columns_missing: tuple[str, ...]
    drops: tuple[DropAccount, ...]
    counts: Counts

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for name in ("rows", "accepted", "held", "repeats"):
            if getattr(self.counts, name) != sum(getattr(drop, name) for drop in self.drops):
                raise ValueError(f"{name} of the package are those of its drops together")
        return self


class InnerManifest(Part):
    """The manifest inside the zip: everything that the recipient is told.

    ``covers``: windows missed before this one that the package stands for. ``files``: the SHA-256
    of each data file. ``updates``: rows of the sheet (2 is the first below the headings) that
    replace a row sent earlier under the same reference. ``supersedes``: the package it replaces.
    """

    format: Literal["gateway-inner-manifest/1"] = "gateway-inner-manifest/1"
    package: PackageId
    flow: Id
    kind: Kind
    window_day: date
    due_at: Moment
    made_at: Moment
    covers: tuple[date, ...]
    sender: Id
    recipients: tuple[Id, ...]
    marking: str
    rehearsal: bool
    supersedes: PackageId | None
    files: dict[str, Sha256]
    updates: tuple[int, ...]
    certificate: Certificate

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len(self.updates) != self.certificate.counts.updates:
            raise ValueError("updates names as many rows as are counted")
        if (self.kind == "data") != (self.certificate.counts.sent > 0):
            raise ValueError("a package of kind data, and no other, has rows")
        return self


class DroppedColumns(Part):
    """Dropped columns for all to see: those the agreement lists by name, the others as a number."""

    listed: tuple[str, ...]
    others: Count


class OuterManifest(Part):
    """The manifest beside the package: what carriers may know, and how to tell the bytes are whole.

    ``size`` in bytes. ``zip_sha256`` is of the zip inside, and null where there is none
    (``excel-password``). ``supersedes``: the package it replaces. ``checkpoint``: the latest of the
    gateway's ledger when this was made, a signed note (docs/ledger.md). ``signed_by``: the
    gateway's key that signed this and the package.
    """

    format: Literal["gateway-outer-manifest/1"] = "gateway-outer-manifest/1"
    package: PackageId
    flow: Id
    kind: Kind
    window_day: date
    covers: tuple[date, ...]
    agreement: Id
    agreement_version: str
    agreement_hash: Sha256
    sender: Id
    recipient: Id
    protection: Protection
    file: str
    size: Count
    delivery_sha256: Sha256
    zip_sha256: Sha256 | None
    columns_sent: tuple[str, ...]
    columns_dropped: DroppedColumns
    counts: Counts
    marking: str
    rehearsal: bool
    supersedes: PackageId | None = None
    checkpoint: Annotated[str, StringConstraints(max_length=4096)] | None = None
    signed_by: Fingerprint

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.file != package_file(self.package, self.protection):
            raise ValueError("the file is named for the package and its protection")
        if (self.zip_sha256 is None) != (self.protection == "excel-password"):
            raise ValueError("a zip has a hash, and nothing else has one")
        return self


Manifest = TypeVar("Manifest", InnerManifest, OuterManifest)


def to_bytes(manifest: InnerManifest | OuterManifest) -> bytes:
    """The manifest as canonical JSON (RFC 8785) and a line feed."""
    return rfc8785.dumps(manifest.model_dump(mode="json")) + b"\n"


def inner_from_bytes(content: bytes) -> InnerManifest:
    """Read an inner manifest. Raises ValueError when it is not one, or not in canonical form."""
    return _canonical(InnerManifest.model_validate_json(content), content)


def outer_from_bytes(content: bytes) -> OuterManifest:
    """Read an outer manifest. Raises ValueError when it is not one, or not in canonical form."""
    return _canonical(OuterManifest.model_validate_json(content), content)


def _canonical(manifest: Manifest, content: bytes) -> Manifest:
    if to_bytes(manifest) != content:
        raise ValueError("The manifest is not in canonical form.")
    return manifest


def schemas() -> dict[str, str]:
    """The JSON Schema of each manifest, by the name of its file in ``schemas/``."""
    return {
        "manifest-inner.schema.json": _schema(InnerManifest),
        "manifest-outer.schema.json": _schema(OuterManifest),
    }


def write_schemas(folder: Path) -> None:
    """Write the JSON Schemas into a folder; a test holds the committed ones against the models."""
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


def _schema(model: type[InnerManifest | OuterManifest]) -> str:
    return json.dumps(model.model_json_schema(mode="serialization"), indent=2) + "\n"
