"""What recipients see: one package for each window, whole, and as its signed manifest says."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.manifest import OuterManifest, manifest_file, outer_from_bytes
from gateway.dispatch.opening import OpeningFault, describe_package, open_package
from gateway.dispatch.password import released_password
from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.fields import manifest_fits
from gateway.engine.invariants.home import Looked, Shown
from gateway.store.folder import sha256_of
from gateway.store.packages import FIRST_REHEARSAL, WITHDRAWN, DeliveryRow

_ONE, _VISIBLE = "invariant.one-package", "invariant.visible"
_STANDING = ("sealed", "placed", "accepted")
Open = Callable[[Path, str], OuterManifest]


# --- one for each window --------------------------------------------------------------------------


def one_package(looked: Looked) -> Iterator[Breach]:
    """One package for each window and recipient, in the rows and in the outboxes."""
    for window in looked.windows:
        is_due, package = window.state == "due", looked.packages.get(window.package_id or "")
        if is_due != (window.package_id is None) or (not is_due and package is None):
            how = "It is not in exactly one of due, packed and covered."
            yield Breach(_ONE, f"window:{window.flow}:{window.day.isoformat()}", how)
    days = [
        (row.flow, row.day)
        for row in looked.packages.values()
        if row.state in _STANDING and row.number < FIRST_REHEARSAL
    ]
    for flow, day in [key for key, count in Counter(days).items() if count > 1]:
        yield Breach(_ONE, f"window:{flow}:{day.isoformat()}", "More than one package stands.")
    for shown in looked.shown:
        if f"{shown.package_id}:{shown.party}" not in looked.deliveries:
            how = "It lies in an outbox, and is no delivery to that party."
            yield Breach(_ONE, shown.subject, how)


# --- whole, and as it says ------------------------------------------------------------------------


def visible_is_good(looked: Looked) -> Iterator[Breach]:
    """Open or verify all that is visible; what its manifest names is in the field list."""
    shown = {f"{item.package_id}:{item.party}": item for item in looked.shown}
    with ExitStack() as stack:
        opens = _opener(looked, stack)
        for row in looked.deliveries.values():
            yield from _judged(looked, row, shown.get(row.id), opens)


def _judged(looked: Looked, row: DeliveryRow, shown: Shown | None, opens: Open) -> Iterator[Breach]:
    subject = f"delivery:{row.id}"
    if shown is None:
        if row.state == "placed":
            how = "It was placed and nobody has collected it, and it is not in its outbox."
            yield Breach(_VISIBLE, subject, how)
        return
    if row.state == "sealed":
        if ".manifest.json" in shown.files:
            yield Breach(_VISIBLE, subject, "It is visible, and was not delivered.")
        return
    if row.state in WITHDRAWN:
        if row.withheld_at is not None:
            yield Breach(_VISIBLE, subject, "It was recalled, and is visible all the same.")
        return
    package = shown.files.get(row.file_name.removeprefix(row.package_id))
    if package is None or len(shown.files) != 3:
        yield Breach(_VISIBLE, subject, "Of its three files not all are there, or others too.")
        return
    wanted = {
        package: row.sha256,
        package.with_name(manifest_file(row.package_id)): row.manifest,
        package.with_name(f"{manifest_file(row.package_id)}.asc"): row.signature,
    }
    if any(sha256_of(path) != sha256 for path, sha256 in wanted.items()):
        yield Breach(_VISIBLE, subject, "Its bytes are not those that were delivered.")
        return
    try:
        outer = opens(package, row.party)
    except (OpeningFault, CryptoFault) as fault:
        yield Breach(_VISIBLE, subject, f"It does not open or verify ({fault.code}).")
        return
    yield from manifest_fits(looked, subject, outer)


def _opener(looked: Looked, stack: ExitStack) -> Open:
    """How to open a package: as its recipient in a rehearsal, else as far as signatures tell."""
    parts = looked.parts
    keys = HomeKeys(parts.home.root)

    @cache
    def keyring(party: str) -> OpenPGP:
        return stack.enter_context(OpenPGP(keys.rehearsal(party)))

    def opens(package: Path, party: str) -> OuterManifest:
        signer = _signer_of(looked, package)
        if not keys.rehearsal(party).is_dir():
            return describe_package(package, parts.openpgp, signer)
        with parts.database.transaction() as tx:
            password = released_password(tx, parts.sealer, package.name, party)
        with tempfile.TemporaryDirectory(prefix="opened-", dir=parts.home.work) as folder:
            opened = open_package(package, keyring(party), signer, password, Path(folder) / "to")
        return opened.outer

    return opens


def _signer_of(looked: Looked, package: Path) -> str:
    """The gateway's key that the manifest names: what an earlier one signed stays good."""
    beside = package.with_name(manifest_file(package.name.partition(".")[0]))
    try:
        told = outer_from_bytes(beside.read_bytes()).signed_by
    except (ValueError, OSError):
        return looked.parts.pins.gateway
    return told if told in looked.signers else looked.parts.pins.gateway
