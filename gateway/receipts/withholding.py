"""Recalled packages leave the outbox: the vault's copies are read whole, then the outbox's go.

So nothing is destroyed: what is taken away is a copy of what was just read. Files that are not
such copies are left as they are, and told of. A signed notice then lies where the package lay.
"""

from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.crypto.faults import CryptoFault
from gateway.dispatch.making import work_folder
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.place import (
    DeliveryFiles,
    PlacementConflict,
    PlacementFailed,
    file_sha256,
    place,
)
from gateway.receipts.notice import notice_file, notice_of, to_bytes
from gateway.records.alarms import clear_others, raise_alarm
from gateway.store import packages
from gateway.store.database import Database, StoreFault
from gateway.store.folder import sync_folder
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.s3 import S3Place

STATEMENT_OWED = "recall.statement-owed"


@dataclass(frozen=True)
class Withheld:
    """An attempt to take a recalled delivery out of its outbox. ``fault``: None where it is out."""

    package_id: str
    party: str
    fault: Exception | None = None

    @property
    def subject(self) -> str:
        """What alarms about the attempt are about."""
        return f"recall:{self.package_id}:{self.party}"


def withhold_recalled(
    parts_of: Callable[[str], Dispatch], database: Database, now: datetime, flows: Container[str]
) -> Iterator[Withheld]:
    """Withhold every recalled delivery of those flows that is not yet; one fault stops no other."""
    with database.transaction() as tx:
        waiting = [
            (row, package)
            for row in packages.to_withhold(tx)
            if (package := packages.get(tx, row.package_id)) is not None and package.flow in flows
        ]
    for row, package in waiting:
        try:
            _withhold(parts_of(package.flow), package, row, now)
        except (StoreFault, CryptoFault, PlacementFailed, PlacementConflict, OSError) as fault:
            yield Withheld(package.id, row.party, fault)
        else:
            yield Withheld(package.id, row.party)


def watch_statements(database: Database, buckets: Collection[str], now: datetime) -> None:
    """Alarm each recalled delivery that had been collected, until its holder has signed for it.

    Who collects from a bucket is not seen, so that a recipient with one is always asked.
    """
    with database.transaction() as tx:
        owing = packages.owing_statement(tx, buckets)
        for row in owing:
            seen = "had collected it" if row.collected_at else "could have collected it"
            words = (
                f"{row.package_id} was recalled after {row.party} {seen}. An officer of "
                f"{row.party} is to sign that it is kept apart: see the notice in its outbox, and "
                "`acknowledge`. The alarm ends with that receipt."
            )
            raise_alarm(tx, STATEMENT_OWED, _subject(row), words, now)
    clear_others(database, STATEMENT_OWED, {_subject(row) for row in owing}, now)


def _subject(row: DeliveryRow) -> str:
    return f"delivery:{row.package_id}:{row.party}"


def _withhold(parts: Dispatch, package: PackageRow, row: DeliveryRow, now: datetime) -> None:
    folder = parts.home.outbox_of(row.party, package.flow)
    kept = [parts.vault.whole(name) for name in (row.sha256, row.manifest, row.signature)]
    files = DeliveryFiles(row.package_id, row.file_name, *kept)
    if folder.is_dir():
        for source, name in reversed(files.in_order()):  # the manifest first: it promises the rest
            _take_out(source, folder / name)
        sync_folder(folder)
    if row.placed_at is not None:
        _give_notice(parts, package, row, folder, now)
    with parts.database.transaction() as tx:
        packages.withheld(tx, row.id, now)


def _take_out(source: Path, target: Path) -> None:
    """Take away a copy of what the vault holds; another file of that name is left and told of."""
    target.with_name(f".{target.name}.part").unlink(missing_ok=True)
    if not target.is_symlink() and not target.exists():
        return
    if target.is_symlink() or not target.is_file() or file_sha256(target) != file_sha256(source):
        raise PlacementConflict(target.parent, target.name)
    target.unlink()


def _give_notice(
    parts: Dispatch, package: PackageRow, row: DeliveryRow, folder: Path, now: datetime
) -> None:
    """Sign the notice, verify the signature, and place both; those of an earlier attempt go."""
    signer = parts.pins.gateway
    notice = notice_of(parts.agreed.agreement, package, row, signer, now)
    with work_folder(parts, f"{package.id}-{row.party}-recall") as work:
        name = notice_file(package.id)
        said, signature = work / name, work / f"{name}.asc"
        said.write_bytes(to_bytes(notice))
        parts.openpgp.detach_sign(said, signature, signer)
        parts.openpgp.verify_detached(said, signature, signer)
        parts.database.confirm()
        for earlier in (name, signature.name):
            (folder / earlier).unlink(missing_ok=True)
        place(signature, folder, signature.name)
        place(said, folder, name)
        if bucket := parts.buckets.get(row.party):
            _tell_bucket(bucket.within(package.flow), said, signature)


def _tell_bucket(bucket: S3Place, said: Path, signature: Path) -> None:
    """A notice of an earlier attempt says the same, and stays: objects are put once."""
    for source in (signature, said):
        bucket.put_if_absent(source, source.name, file_sha256(source))
