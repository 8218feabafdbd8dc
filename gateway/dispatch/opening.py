"""Opening a package as its recipient: nothing is handed over before everything has been checked.

The checks go from the outside in: the manifest's signature, the package's hash, the signature and
seal of the message, the zip's hash, each member, the inner manifest against the outer, the sheet.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.crypto import excel, zips
from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch import manifest
from gateway.dispatch.flatfile import csv_headings_and_rows
from gateway.dispatch.manifest import InnerManifest, OuterManifest
from gateway.dispatch.place import PlacementConflict, PlacementFailed, file_sha256, place
from gateway.dispatch.reread import WorkbookMismatch
from gateway.dispatch.workbook import headings_and_rows

_PRIVATE = 0o600
_LARGEST_MANIFEST = 64 * 1024 * 1024  # bytes; 200,000 updates take 2
_ASK_AGAIN = "Do not use it. Ask the sender to place it again, and tell the administrator."
_SHARED = (  # what both manifests say must be the same
    "package",
    "flow",
    "kind",
    "window_day",
    "covers",
    "sender",
    "marking",
    "rehearsal",
    "supersedes",
)
_CERTIFIED = ("agreement", "agreement_version", "agreement_hash", "columns_sent", "counts")


class OpeningFault(Exception):
    """The package was not opened, and nothing was written. ``code`` is stable; ``hint`` says what
    to do next. Codes of keys, signatures, passwords and seals are those of `CryptoFault`.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code, self.message, self.hint = code, message, hint


@dataclass(frozen=True)
class Opened:
    """An opened package. ``files``: what was written, by name; ``signed_at``: the gateway's time.

    ``inner`` is None for ``excel-password``, which has no zip to carry an inner manifest.
    """

    outer: OuterManifest
    inner: InnerManifest | None
    files: dict[str, Path]
    signed_at: datetime


def open_package(
    package: Path, openpgp: OpenPGP, gateway_key: str, password: str, to: Path
) -> Opened:
    """Verify, decrypt and unpack ``package`` into the folder ``to`` (made if absent), files 0600.

    The manifest and its signature must lie beside it. ``openpgp`` is the recipient's keyring, which
    also holds the gateway's public key, ``gateway_key`` (full fingerprint). Writes ``data.xlsx``
    and ``data.csv``, as the flow has it, and ``manifest.json``; a file of the same name with other
    content is never replaced. Raises OpeningFault, and then leaves nothing in ``to``.
    """
    if not password:
        raise OpeningFault(
            "password.missing",
            "A package is never without a password.",
            "Ask for it where the package was collected.",
        )
    with _private_folder(to) as work, _as_opening_faults():
        outer, signed_at = _verified_manifest(package, work, openpgp, gateway_key)
        delivery = _whole_delivery(package, work, outer)
        plain = work / "plain"
        plain.mkdir(mode=0o700)
        if outer.protection == "excel-password":
            excel.unprotect(delivery, plain / manifest.WORKBOOK, password)
            (plain / manifest.INNER_MANIFEST).write_bytes(manifest.to_bytes(outer))
            inner = None
        else:
            inner = _unzipped(delivery, plain, outer, openpgp, password)
        _sheets_match(plain, outer)
        return Opened(outer, inner, _hand_over(plain, to), signed_at)


def describe_package(package: Path, openpgp: OpenPGP, gateway_key: str) -> OuterManifest:
    """What the signed manifest beside ``package`` says of it; nothing is opened or written.

    Raises OpeningFault, also where the package is not, byte for byte, the one it describes.
    """
    with tempfile.TemporaryDirectory(prefix="manifest-") as folder, _as_opening_faults():
        outer, _ = _verified_manifest(package, Path(folder), openpgp, gateway_key)
        _whole_delivery(package, Path(folder), outer)
        return outer


def _verified_manifest(
    package: Path, work: Path, openpgp: OpenPGP, gateway_key: str
) -> tuple[OuterManifest, datetime]:
    package_id, suffix = _parted(package)
    name = manifest.manifest_file(package_id)
    for beside in (name, f"{name}.asc"):
        source = package.with_name(beside)
        if not source.is_file():
            raise OpeningFault(
                "opening.manifest-missing",
                f"{beside} is not beside the package.",
                "Keep the package, its manifest and the manifest's .asc in one folder.",
            )
        if source.stat().st_size > _LARGEST_MANIFEST:
            raise _not_a_manifest()
        shutil.copyfile(source, work / beside)
    signature = openpgp.verify_detached(work / name, work / f"{name}.asc", gateway_key)
    try:
        outer = manifest.outer_from_bytes((work / name).read_bytes())
    except ValueError:
        raise _not_a_manifest() from None
    if outer.package != package_id or manifest.SUFFIXES[outer.protection] != suffix:
        raise OpeningFault(
            "opening.other-package",
            "The manifest beside the package is that of another package.",
            "Fetch the package again, together with the files of the same name beside it.",
        )
    if outer.signed_by != gateway_key:
        raise OpeningFault(
            "opening.other-signer",
            "The manifest names another signing key than the one pinned.",
            _ASK_AGAIN,
        )
    return outer, signature.at


def _parted(package: Path) -> tuple[str, str]:
    for suffix in manifest.SUFFIXES.values():  # the longest, .zip.gpg, does not end in another
        if package.name.endswith(suffix) and package.name != suffix:
            return package.name.removesuffix(suffix), suffix
    raise OpeningFault(
        "opening.not-a-package",
        "A package's name ends in .zip.gpg, .zip or .xlsx, and this one does not.",
        "Name the package file itself, not the manifest beside it.",
    )


def _whole_delivery(package: Path, work: Path, outer: OuterManifest) -> Path:
    """A private copy of the package, which nobody can change between check and use."""
    copy = work / "delivery"
    shutil.copyfile(package, copy)
    if copy.stat().st_size != outer.size or file_sha256(copy) != outer.delivery_sha256:
        raise OpeningFault(
            "opening.altered",
            "The package is not, byte for byte, the one that its manifest describes.",
            "Copy it again; if it still differs, ask the sender to place it again.",
        )
    return copy


def _unzipped(
    delivery: Path, plain: Path, outer: OuterManifest, openpgp: OpenPGP, password: str
) -> InnerManifest:
    zipped = delivery
    if outer.protection == "openpgp+password":
        zipped = delivery.with_name("zip")
        openpgp.decrypt(delivery, zipped, outer.signed_by)
    if file_sha256(zipped) != outer.zip_sha256:
        raise OpeningFault(
            "opening.zip-differs", "The zip is not the one that the manifest describes.", _ASK_AGAIN
        )
    members = zips.unzip_sealed(zipped, plain, password, zipped.stat().st_size)
    inner = _inner_manifest(members)
    _manifests_agree(inner, outer)
    hashes = {n: file_sha256(p) for n, p in members.items() if n != manifest.INNER_MANIFEST}
    if hashes != inner.files:
        raise OpeningFault(
            "opening.data-differs",
            "The data in the zip is not what the manifest in it describes.",
            _ASK_AGAIN,
        )
    return inner


def _inner_manifest(members: dict[str, Path]) -> InnerManifest:
    try:
        return manifest.inner_from_bytes(members[manifest.INNER_MANIFEST].read_bytes())
    except (KeyError, ValueError):
        raise _not_a_manifest() from None


def _manifests_agree(inner: InnerManifest, outer: OuterManifest) -> None:
    certificate = inner.certificate
    same = (
        all(getattr(inner, name) == getattr(outer, name) for name in _SHARED)
        and all(getattr(certificate, name) == getattr(outer, name) for name in _CERTIFIED)
        and outer.recipient in inner.recipients
    )
    if not same:
        raise OpeningFault(
            "opening.manifests-differ",
            "The manifest in the zip and the one beside the package contradict each other.",
            _ASK_AGAIN,
        )


def _sheets_match(plain: Path, outer: OuterManifest) -> None:
    """Each data file has the headings that are named and as many rows as are counted."""
    wanted = (outer.columns_sent, outer.counts.sent)
    readers = {manifest.WORKBOOK: headings_and_rows, manifest.CSV_COPY: csv_headings_and_rows}
    for name, read in readers.items():
        if (plain / name).exists() and read(plain / name) != wanted:
            raise WorkbookMismatch(1)


def _hand_over(plain: Path, to: Path) -> dict[str, Path]:
    """Place the checked files: all, or on a fault none."""
    placed: list[Path] = []
    files: dict[str, Path] = {}
    try:
        for source in sorted(plain.iterdir()):
            target = files[source.name] = to / source.name
            is_new = not os.path.lexists(target)
            place(source, to, source.name, _PRIVATE)
            if is_new:
                placed.append(target)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    return files


@contextmanager
def _private_folder(to: Path) -> Iterator[Path]:
    """A folder in ``to`` for what is not yet checked. ``to`` goes again if it was made in vain."""
    made = not to.exists()
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".opening-", suffix=".part", dir=to))
    except OSError as fault:
        raise OpeningFault(
            "opening.folder",
            f"The folder {to} cannot be written to.",
            "Name a folder of your own that has room.",
        ) from fault
    try:
        yield work
    except BaseException:
        shutil.rmtree(work)
        if made:
            to.rmdir()
        raise
    shutil.rmtree(work)


@contextmanager
def _as_opening_faults() -> Iterator[None]:
    """Give every fault of the parts below as one kind, with their codes."""
    try:
        yield
    except CryptoFault as fault:
        raise OpeningFault(fault.code, str(fault.args[0]), fault.hint) from fault
    except WorkbookMismatch:
        raise OpeningFault(
            "opening.sheet-differs",
            "The sheet does not have the headings and rows that the manifest names.",
            _ASK_AGAIN,
        ) from None
    except PlacementConflict as fault:
        raise OpeningFault(
            "opening.exists",
            f"{fault.name} of another package is already in that folder.",
            "Name an empty folder: nothing is ever written over.",
        ) from fault
    except PlacementFailed as fault:
        raise OpeningFault(fault.code, str(fault), "Name a folder that has room.") from fault
    except OSError as fault:
        raise OpeningFault(
            "opening.unreadable",
            f"A file cannot be read or written: {fault.strerror}.",
            "Check that the package is there, and that you may read it.",
        ) from fault


def _not_a_manifest() -> OpeningFault:
    return OpeningFault(
        "opening.not-a-manifest", "The manifest is not one that the gateway writes.", _ASK_AGAIN
    )
