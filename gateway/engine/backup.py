"""`gateway backup`: a whole, consistent copy of a home while its worker goes on.

Bytes come before rows (decision 0005) and staged rows go when they are no longer needed, so the
rows and the files are copied while no tick runs. That is short: the files are copied beforehand,
and under the lock only those that have changed since.
"""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.crypto.keys import HomeKeys
from gateway.crypto.sealing import HomeKey
from gateway.engine.backups import (
    DATABASE,
    MAC,
    MANIFEST,
    TREE,
    BackupRefused,
    Manifest,
    entry_at,
    entry_of,
    kept_apart,
    kept_files,
    mac_of,
    write_durably,
    written,
)
from gateway.engine.backupwatch import note_backup
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.records.ledger import head
from gateway.settings import Home
from gateway.store import meta
from gateway.store.dbcopy import copy_database, open_copy
from gateway.store.folder import sync_folder
from gateway.store.mirror import Mirror, sync_folders


def make_backup(parts: Parts, target: Path, now: datetime, patience_seconds: float) -> Manifest:
    """Make the backup ``target``, a new folder: it has its name when it is whole, and not before.

    Raises BackupRefused, WorkerBusy, StoreFault or OSError; then nothing is left.
    """
    home = parts.home
    home_key = HomeKey.load(HomeKeys(home.root).home_key)
    _require_sqlite(parts)
    _require_new(home, target)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent))
    try:
        mirror = Mirror(part / TREE)
        mirror.take(kept_files(home))
        with only_worker(parts, patience_seconds):
            copy_database(home.database, mirror.root / DATABASE)
            mirror.take(kept_files(home))
        manifest = _manifest(home, mirror, now)
        told = written(manifest)
        write_durably(part / MAC, mac_of(home_key, told).encode())
        write_durably(part / MANIFEST, told)
        sync_folders(part)
        part.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    with parts.database.transaction() as tx:
        note_backup(tx, manifest.size, now)
    return manifest


def _require_sqlite(parts: Parts) -> None:
    if parts.settings.database.url:  # a home that moved has its old file still
        raise BackupRefused(
            "backup.not-sqlite",
            "The database of this home is not SQLite, and is backed up by its own means.",
            "See docs/operate.md, under Back up.",
        )


def _require_new(home: Home, target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise BackupRefused(
            "backup.exists",
            f"{target} is there already: a backup is never written over.",
            "Name a new folder, such as one with the time in its name.",
        )
    if not target.parent.is_dir():
        raise BackupRefused(
            "backup.no-place",
            f"There is no folder {target.parent} to put it in.",
            "Make it, or mount the disk that it is on.",
        )
    if target.resolve().is_relative_to(home.root.resolve()):
        raise BackupRefused(
            "backup.inside",
            "The backup would lie in the home itself, and be lost with it.",
            "Name a folder on another disk.",
        )


def _manifest(home: Home, mirror: Mirror, now: datetime) -> Manifest:
    with open_copy(mirror.root / DATABASE) as copy, copy.transaction() as tx:
        stands, home_id = head(tx), meta.get(tx, "home.id") or ""
    entries = [entry_of(file) for file in mirror.files()]
    entries.append(entry_at(mirror.root, DATABASE, 0o600))
    return Manifest(
        gateway=__version__,
        home=home_id,
        rehearsal=home.is_rehearsal,
        made_at=now.astimezone(UTC).isoformat(),
        log=stands.log,
        origin=stands.origin,
        size=stands.size,
        root=stands.root.hex(),
        kept_apart=kept_apart(home),
        files=tuple(sorted(entries, key=lambda entry: entry.path)),
    )
