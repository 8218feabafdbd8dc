"""Packages, as their recipients see and fetch them."""

import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.api.callers import WAY, Caller
from gateway.api.face import Face
from gateway.api.problem import Problem, problem_of
from gateway.api.ranges import Span
from gateway.api.sending import send
from gateway.api.shapes import PackageShape, PackagesShape
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import (
    manifest_file,
    note_served,
    package_file,
    require_servable,
    servable,
    signature_file,
)
from gateway.store import packages
from gateway.store.database import StoreFault, Transaction
from gateway.store.lifecycles import MoveRefused
from gateway.store.packages import DeliveryRow, PackageRow

_LOG = structlog.get_logger("api")


@dataclass(frozen=True)
class Ours:
    """A package, and its delivery to the caller's party."""

    package: PackageRow
    delivery: DeliveryRow

    @property
    def etag(self) -> str:
        """What names exactly these bytes: their SHA-256."""
        return self.delivery.sha256


def listed(face: Face, caller: Caller) -> PackagesShape:
    """The packages that the caller may fetch, oldest first."""
    who = caller.principal
    with face.parts.database.transaction() as tx:
        rows = servable(tx, who.party, who.flow)
        return PackagesShape(packages=[shape(_ours(tx, row)) for row in rows])


def require(face: Face, caller: Caller, package_id: str) -> Ours:
    """A package that the caller may fetch. Raises Problem; another's package is as unknown as none.

    The refusal is recorded.
    """
    try:
        with face.parts.database.transaction() as tx:
            ours = _ours(tx, require_servable(tx, package_id, caller.principal.party))
        if ours.package.flow != caller.principal.flow:
            raise refusal("package.unknown")
    except ReceiptRefused as refused:
        raise face.callers.refuse(caller, problem_of(refused)) from refused
    return ours


def require_ever_ours(face: Face, caller: Caller, package_id: str) -> None:
    """Whether the package was ever placed for the caller, recalled since or not. Raises Problem."""
    who = caller.principal
    with face.parts.database.transaction() as tx:
        package = packages.get(tx, package_id)
        delivery = packages.delivery(tx, package_id, who.party)
    placed = delivery is not None and delivery.state != "sealed"
    if package is None or package.flow != who.flow or not placed:
        raise face.callers.refuse(caller, problem_of(refusal("package.unknown")))


def shape(ours: Ours) -> PackageShape:
    """What is told of a package."""
    package, delivery = ours.package, ours.delivery
    return PackageShape.model_validate(
        {
            "id": package.id,
            "flow": package.flow,
            "kind": package.kind,
            "day": package.day,
            "state": delivery.state,
            "protection": delivery.protection,
            "file": delivery.file_name,
            "size": delivery.size,
            "sha256": delivery.sha256,
            "placed_at": delivery.placed_at,
            "collected_at": delivery.collected_at,
            "opened_at": delivery.opened_at,
            "acknowledged_at": delivery.acknowledged_at,
        }
    )


def manifest(face: Face, ours: Ours) -> bytes:
    """The signed manifest's bytes."""
    return manifest_file(face.parts.vault, ours.delivery).read_bytes()


def signature(face: Face, ours: Ours) -> bytes:
    """The manifest's detached signature."""
    return signature_file(face.parts.vault, ours.delivery).read_bytes()


def content(face: Face, ours: Ours) -> Path:
    """The package's file, read whole and matching."""
    return package_file(face.parts.vault, ours.delivery)


def sending(
    face: Face, caller: Caller, ours: Ours, path: Path, span: Span, to: socket.socket | None
) -> Iterator[bytes]:
    """The blocks of a span; what arrives of it is noted as served to the caller."""
    return send(path, span, to, _Noted(face, caller, ours))


@dataclass
class _Noted:
    """A download whose bytes count. Whoever asks just after its last byte waits for the count."""

    face: Face
    caller: Caller
    ours: Ours
    near_end: bool = False

    def ending(self) -> None:
        """The last byte is about to be sent."""
        self.near_end = True
        self.face.ending.begin(self.caller.id, self.ours.package.id)

    def over(self, arrived: Span) -> None:
        """Note what arrived. A fault is logged: the answer has gone, so nobody can be told."""
        try:
            collected = self._note(arrived)
            _LOG.info("sent", **self._about(arrived), collected=collected)
        except (StoreFault, ReceiptRefused, MoveRefused) as fault:
            _LOG.error("served bytes not noted", **self._about(arrived), code=fault.code)
        finally:
            if self.near_end:
                self.face.ending.end(self.caller.id, self.ours.package.id)

    def _about(self, arrived: Span) -> dict[str, str | int]:
        package, caller = self.ours.package.id, self.caller.id
        return {"package": package, "caller": caller, "start": arrived.start, "stop": arrived.stop}

    def _note(self, arrived: Span) -> bool:
        return note_served(
            self.face.parts.database,
            self.ours.delivery,
            self.ours.package.agreement_hash,
            self.caller.id,
            WAY,
            arrived.start,
            arrived.stop,
            self.face.now(),
        )


def headers(ours: Ours) -> Mapping[str, str]:
    """What a package's file says of itself, whole or in part."""
    digest = _as_structured_bytes(ours.delivery.sha256)
    return {
        "Accept-Ranges": "bytes",
        "ETag": f'"{ours.etag}"',
        "Repr-Digest": f"sha-256={digest}",
        "Content-Disposition": f'attachment; filename="{ours.delivery.file_name}"',
    }


def changed(ours: Ours) -> Problem:
    """What a caller hears who wants other bytes than there are."""
    return Problem(
        412,
        "package.other-bytes",
        "The file is not the one that the request is about.",
        f"Fetch it from its start. Its ETag is now {ours.etag}.",
    )


def _ours(tx: Transaction, delivery: DeliveryRow) -> Ours:
    package = packages.get(tx, delivery.package_id)
    if package is None:
        raise refusal("package.unknown")
    return Ours(package, delivery)


def _as_structured_bytes(sha256: str) -> str:
    """A hash as RFC 8941 writes bytes in a header."""
    return f":{b64encode(bytes.fromhex(sha256)).decode()}:"
