"""From the rows of a window to sealed, self-tested, signed bytes for each recipient (design §5, 9).

One workbook, one zip and one password for the package; one sealed file and one signed outer
manifest for each delivery. Nothing here writes outside the private work folder, and the plaintext
in it is gone before `seal` returns, however it returns.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from gateway.agreement.model import Flow, Protection
from gateway.agreement.normalise import fold_heading
from gateway.crypto import excel, zips
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch import manifest
from gateway.dispatch.flatfile import compare_csv, write_csv
from gateway.dispatch.manifest import (
    Certificate,
    Counts,
    DropAccount,
    DroppedColumns,
    InnerManifest,
    OuterManifest,
)
from gateway.dispatch.place import DeliveryFiles, file_sha256
from gateway.dispatch.private import create_private
from gateway.dispatch.workbook import compare, write_workbook

Row = Sequence[str]
Progress = Callable[[str, int, int | None], None]
_EVERY = 5_000  # rows between two reports of progress


@dataclass(frozen=True)
class Account:
    """What the minimisation certificate tells of the window's drops.

    ``dropped``: headings as read, each once; ``missing``: agreed headings absent from a drop;
    ``left_out``: accepted rows that do not travel (see `Counts`).
    """

    drops: tuple[DropAccount, ...]
    dropped: tuple[str, ...]
    missing: tuple[str, ...]
    left_out: int


@dataclass(frozen=True)
class Contents:
    """All that a package is made of.

    ``rows`` gives a fresh iterator of staged rows each time (they are walked several times);
    ``update_positions`` count them from 1. ``due_at`` is the window's moment.
    """

    package_id: str
    flow: Flow
    agreement_id: str
    agreement_version: str
    agreement_hash: str
    kind: manifest.Kind
    window_day: date
    due_at: datetime
    made_at: datetime
    covers: tuple[date, ...]
    rows: Callable[[], Iterator[Row]]
    update_positions: Sequence[int]
    account: Account
    rehearsal: bool
    supersedes: str | None = None
    checkpoint: str | None = None


@dataclass(frozen=True)
class Addressee:
    """A recipient: ``exchange_key`` is its full fingerprint, None where no OpenPGP is used."""

    party: str
    protection: Protection
    exchange_key: str | None = None


@dataclass(frozen=True)
class SealedDelivery:
    """One delivery, sealed and tested. ``files`` can be placed; ``size`` in bytes."""

    party: str
    protection: Protection
    sha256: str
    size: int
    files: DeliveryFiles


@dataclass(frozen=True)
class Sealed:
    """A sealed package. ``zip_path`` is the one zip that all deliveries of zips hold."""

    package_id: str
    counts: Counts
    zip_path: Path
    zip_sha256: str
    deliveries: tuple[SealedDelivery, ...]


@dataclass(frozen=True)
class _Built:
    """The plain files of a package by their name in the zip, and what is told of them."""

    workbook: Path
    members: tuple[tuple[str, Path], ...]
    certificate: Certificate


@dataclass(frozen=True)
class _Zip:
    """The one sealed zip."""

    path: Path
    sha256: str


def seal(
    contents: Contents,
    work: Path,
    openpgp: OpenPGP,
    signer: str,
    records_key: str,
    recipients: Sequence[Addressee],
    password: str,
    progress: Progress | None = None,
) -> Sealed:
    """Build, check, seal and sign a package in the private, empty folder ``work``.

    ``signer`` (the gateway's) and ``records_key`` (the sender's, so that the sender can always open
    what was sent) are full fingerprints in the keyring of ``openpgp``. ``progress(stage, done,
    total)`` is told of rows as they go. Raises UnwritableCell, WorkbookTooLarge, WorkbookMismatch,
    CryptoFault, OSError, and ValueError when the account does not add up: nothing may be sent then.
    However it ends, no plaintext is left in ``work``.
    """
    plain = work / "plain"
    plain.mkdir(mode=0o700)
    try:
        built = _build(contents, plain, recipients, progress or _tell_nobody)
        zipped = _zip(built, work / f"{contents.package_id}.zip", password)
        deliveries = []
        for to in recipients:
            folder = work / to.party
            folder.mkdir(mode=0o700)
            package = folder / manifest.package_file(contents.package_id, to.protection)
            if to.protection == "openpgp+password":
                readers = [_exchange_key(to), records_key]
                openpgp.sign_and_encrypt(zipped.path, package, signer, readers)
            elif to.protection == "password":
                shutil.copyfile(zipped.path, package)
            else:
                excel.protect(built.workbook, package, password)  # opens and compares it itself
            outer = _outer(contents, built.certificate, to, zipped, package, signer)
            deliveries.append(_signed(outer, package, openpgp))
    finally:
        shutil.rmtree(plain)
    counts = built.certificate.counts
    return Sealed(contents.package_id, counts, zipped.path, zipped.sha256, tuple(deliveries))


def _build(
    contents: Contents, plain: Path, recipients: Sequence[Addressee], progress: Progress
) -> _Built:
    """Write the data files, read each back, and write the inner manifest of their hashes."""
    flow = contents.flow
    certificate = _certificate(contents)
    expected = certificate.counts.sent
    workbook, copy = plain / manifest.WORKBOOK, plain / manifest.CSV_COPY

    def rows(stage: str) -> Iterator[Row]:
        return _told(contents.rows(), stage, expected, progress)

    data: list[tuple[str, Path]] = []
    if "xlsx" in flow.formats or any(to.protection == "excel-password" for to in recipients):
        _expect(write_workbook(workbook, flow.fields, rows("writing"), flow.title), expected)
        compare(workbook, flow.fields, rows("checking"))
    if "xlsx" in flow.formats:
        data.append((manifest.WORKBOOK, workbook))
    if "csv" in flow.formats:
        _expect(write_csv(copy, flow.fields, rows("writing")), expected)
        compare_csv(copy, flow.fields, rows("checking"))
        data.append((manifest.CSV_COPY, copy))
    inner = _inner(contents, certificate, recipients, {n: file_sha256(p) for n, p in data})
    described = plain / manifest.INNER_MANIFEST
    _write(described, manifest.to_bytes(inner))
    return _Built(workbook, ((manifest.INNER_MANIFEST, described), *data), certificate)


def _zip(built: _Built, target: Path, password: str) -> _Zip:
    zips.zip_sealed(target, built.members, password)
    zips.test_zip(target, password, {name: file_sha256(path) for name, path in built.members})
    return _Zip(target, file_sha256(target))


def _signed(outer: OuterManifest, package: Path, openpgp: OpenPGP) -> SealedDelivery:
    """Write the outer manifest beside the package, sign it, and verify the signature."""
    path = package.with_name(manifest.manifest_file(outer.package))
    signature = path.with_name(path.name + ".asc")
    _write(path, manifest.to_bytes(outer))
    openpgp.detach_sign(path, signature, outer.signed_by)
    openpgp.verify_detached(path, signature, outer.signed_by)
    files = DeliveryFiles(outer.package, outer.file, package, path, signature)
    return SealedDelivery(
        outer.recipient, outer.protection, outer.delivery_sha256, outer.size, files
    )


def _certificate(contents: Contents) -> Certificate:
    account, flow = contents.account, contents.flow
    totals = {
        name: sum(getattr(drop, name) for drop in account.drops)
        for name in ("rows", "accepted", "held", "repeats")
    }
    sent = totals["accepted"] - account.left_out
    updates = len(contents.update_positions)
    return Certificate(
        agreement=contents.agreement_id,
        agreement_version=contents.agreement_version,
        agreement_hash=contents.agreement_hash,
        columns_sent=tuple(spec.heading for spec in flow.fields),
        columns_dropped=account.dropped,
        columns_missing=account.missing,
        drops=account.drops,
        counts=Counts(
            **totals, left_out=account.left_out, sent=sent, new=sent - updates, updates=updates
        ),
    )


def _inner(
    contents: Contents,
    certificate: Certificate,
    recipients: Sequence[Addressee],
    files: dict[str, str],
) -> InnerManifest:
    return InnerManifest(
        package=contents.package_id,
        flow=contents.flow.id,
        kind=contents.kind,
        window_day=contents.window_day,
        due_at=contents.due_at,
        made_at=contents.made_at,
        covers=contents.covers,
        sender=contents.flow.sender,
        recipients=tuple(to.party for to in recipients),
        marking=contents.flow.marking,
        rehearsal=contents.rehearsal,
        supersedes=contents.supersedes,
        files=files,
        updates=tuple(position + 1 for position in contents.update_positions),
        certificate=certificate,
    )


def _outer(
    contents: Contents,
    certificate: Certificate,
    to: Addressee,
    zipped: _Zip,
    package: Path,
    signer: str,
) -> OuterManifest:
    return OuterManifest(
        package=contents.package_id,
        flow=contents.flow.id,
        kind=contents.kind,
        window_day=contents.window_day,
        covers=contents.covers,
        agreement=certificate.agreement,
        agreement_version=certificate.agreement_version,
        agreement_hash=certificate.agreement_hash,
        sender=contents.flow.sender,
        recipient=to.party,
        protection=to.protection,
        file=package.name,
        size=package.stat().st_size,
        delivery_sha256=file_sha256(package),
        zip_sha256=None if to.protection == "excel-password" else zipped.sha256,
        columns_sent=certificate.columns_sent,
        columns_dropped=public_dropped(contents.flow, certificate.columns_dropped),
        counts=certificate.counts,
        marking=contents.flow.marking,
        rehearsal=contents.rehearsal,
        supersedes=contents.supersedes,
        checkpoint=contents.checkpoint,
        signed_by=signer,
    )


def public_dropped(flow: Flow, headings: Sequence[str]) -> DroppedColumns:
    """Dropped headings for all to see: those the agreement lists, as it writes them, and a number.

    A heading that the agreement does not list stays out, for it could say anything.
    """
    known = {fold_heading(column.heading): column.heading for column in flow.source_columns}
    listed = tuple(known[folded] for folded in map(fold_heading, headings) if folded in known)
    return DroppedColumns(listed=listed, others=len(headings) - len(listed))


def _exchange_key(to: Addressee) -> str:
    if to.exchange_key is None:
        raise ValueError(f"{to.party} receives by OpenPGP, and no key of it was given.")
    return to.exchange_key


def _expect(count: int, expected: int) -> None:
    if count != expected:
        raise ValueError(
            f"{count} rows were given to be sent, and the account of the drops says {expected}."
        )


def _told(rows: Iterable[Row], stage: str, total: int, progress: Progress) -> Iterator[Row]:
    done = 0
    for done, row in enumerate(rows, 1):
        if done % _EVERY == 0:
            progress(stage, done, total)
        yield row
    progress(stage, done, total)


def _tell_nobody(_stage: str, _done: int, _total: int | None) -> None:
    """Progress that nobody asked for."""


def _write(path: Path, content: bytes) -> None:
    with create_private(path) as stream:
        stream.write(content)
