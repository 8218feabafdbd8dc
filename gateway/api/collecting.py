"""Packages, as their recipients see and fetch them."""

from flask import Response, request

from gateway.api.callers import WAY, Caller
from gateway.api.face import Face
from gateway.api.problem import Problem, problem_of
from gateway.api.shapes import PackageShape, PackagesShape
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import (
    manifest_file,
    package_file,
    require_servable,
    servable,
    signature_file,
)
from gateway.serving.content import Collector, OtherBytes, Ours, file_answer, ours_of
from gateway.serving.ranges import RangeUnsatisfiable
from gateway.store import packages


def listed(face: Face, caller: Caller) -> PackagesShape:
    """The packages that the caller may fetch, oldest first."""
    who = caller.principal
    with face.parts.database.transaction() as tx:
        rows = servable(tx, who.party, who.flow)
        return PackagesShape(packages=[shape(ours_of(tx, row)) for row in rows])


def require(face: Face, caller: Caller, package_id: str) -> Ours:
    """A package that the caller may fetch. Raises Problem; another's package is as unknown as none.

    The refusal is recorded.
    """
    try:
        with face.parts.database.transaction() as tx:
            ours = ours_of(tx, require_servable(tx, package_id, caller.principal.party))
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


def content(face: Face, caller: Caller, ours: Ours) -> Response:
    """The package's file, read whole and matching, as the request wants it. Raises Problem."""
    path = package_file(face.parts.vault, ours.delivery)
    collector = Collector(caller.id, WAY, face.parts.database, face.ending, face.now)
    try:
        return file_answer(request, ours, path, collector)
    except OtherBytes as other:
        raise _changed(ours) from other
    except RangeUnsatisfiable as outside:
        raise Problem(
            416,
            "range.outside",
            "The range lies outside the file.",
            f"The file has {ours.delivery.size} bytes.",
            {"Content-Range": f"bytes */{ours.delivery.size}"},
        ) from outside


def _changed(ours: Ours) -> Problem:
    """What a caller hears who wants other bytes than there are."""
    return Problem(
        412,
        "package.other-bytes",
        "The file is not the one that the request is about.",
        f"Fetch it from its start. Its ETag is now {ours.etag}.",
    )
