"""`gateway restore`: a backup becomes a home again, or nothing happens and it is said why.

Every hash is verified first, then the manifest's MAC by the home key; then the files are copied
beside the home, the ledger in them is computed anew and held against every checkpoint that is
known, and the whole gets the home's name. A backup that a checkpoint shows to be behind is refused:
what was sent since would be sent again.
"""

import hmac
import json
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import NoteKey, read_keys
from gateway.crypto.sealing import HomeKey
from gateway.engine.backups import (
    MAC,
    MANIFEST,
    TREE,
    BackupRefused,
    Entry,
    Manifest,
    damaged,
    mac_of,
    read_manifest,
)
from gateway.records.checkpoints import Seen, compare, log_number, read
from gateway.records.ledger import head, verify
from gateway.settings import Home
from gateway.store import meta
from gateway.store.database import Database, Transaction
from gateway.store.folder import sha256_of, sync_folder
from gateway.store.mirror import copy_file, regular_files, sync_folders

_NEEDED = ("home.key", "gateway", "ledger.key")  # of keys/: without them nothing can go on


@dataclass(frozen=True)
class Restored:
    """A home that was made from a backup. ``missing``: kept apart then, and not brought now.

    ``behind``: how many leaves a known checkpoint covers beyond it, where that was accepted.
    """

    home: Home
    manifest: Manifest
    missing: tuple[str, ...]
    behind: int


@dataclass(frozen=True)
class _Known:
    """A checkpoint that somebody has: what it says, and its note."""

    seen: Seen
    note: str


def restore(
    source: Path, target: Path, keys: Path, shown: Sequence[Path], accept_loss: bool
) -> Restored:
    """Make the home ``target`` from the backup ``source`` and the ``keys`` that were kept apart.

    ``shown``: files with a checkpoint, or receipts. Raises BackupRefused, CryptoFault, StoreFault
    or OSError; then there is no home that was not there before.
    """
    _require_empty(target)
    manifest, told = read_manifest(source)
    _require_whole(source, manifest)
    missing = _require_keys(manifest, keys)
    _require_ours(source, told, keys)
    known = _known(source, (*shown, *_checkpoints_of(Home(target))))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent))
    try:
        home = Home(part)
        _copy_files(source / TREE, part, manifest.files)
        _copy_keys(manifest, keys, home)
        behind = _judge(home, manifest, known, accept_loss)
        _open_folders(home)
        sync_folders(part)
        if target.exists() and any(target.iterdir()):
            target.rename(target.with_name(f"{target.name}.checkpoints"))
        part.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Restored(Home(target), manifest, missing, behind)


# --- what must hold before anything is written ----------------------------------------------------


def _require_empty(target: Path) -> None:
    """Nothing may be there but checkpoints, which tell how far the lost home had come."""
    allowed = set(_checkpoints_of(Home(target)))
    if target.is_file() or any(path not in allowed for path in regular_files(target)):
        raise BackupRefused(
            "restore.not-empty",
            f"{target} is not empty: a backup is never restored over a home.",
            "Move it aside, and give its last checkpoint: --checkpoint OLD/var/checkpoint.",
        )
    aside = target.with_name(f"{target.name}.checkpoints")
    if allowed and aside.exists():
        raise BackupRefused(
            "restore.not-empty",
            f"The checkpoints in {target} would be moved to {aside.name}, which is there already.",
            "Move one of them elsewhere, and name its checkpoint: --checkpoint FILE.",
        )


def _checkpoints_of(home: Home) -> list[Path]:
    places = [home.checkpoint, *sorted(home.outbox.glob("*/checkpoint"))]
    return [path for path in places if path.is_file()]


def _require_whole(source: Path, manifest: Manifest) -> None:
    """Raises BackupRefused naming what is missing, altered or of nobody's making."""
    root, wrong = source / TREE, []
    for entry in manifest.files:
        path = root / entry.path
        whole = path.is_file() and not path.is_symlink() and path.stat().st_size == entry.size
        if not whole or sha256_of(path) != entry.sha256:
            wrong.append(entry.path)
    known = {root / entry.path for entry in manifest.files}
    wrong += [str(path.relative_to(root)) for path in regular_files(root) if path not in known]
    if wrong:
        raise damaged(wrong)


def _require_keys(manifest: Manifest, keys: Path) -> tuple[str, ...]:
    """What was kept apart and was not brought. Raises BackupRefused where it cannot do without."""
    missing = tuple(
        place for place in manifest.kept_apart if not (keys / Path(place).name).exists()
    )
    lacking = [name for name in _NEEDED if f"keys/{name}" in missing]
    if lacking:
        raise BackupRefused(
            "restore.no-keys",
            f"{keys} lacks {', '.join(lacking)}, which no backup holds.",
            "Bring the folder in which keys/ was kept apart (docs/operate.md).",
        )
    return missing


def _require_ours(source: Path, told: bytes, keys: Path) -> None:
    wanted = mac_of(HomeKey.load(keys / "home.key"), told).encode()
    mac = source / MAC
    if not mac.is_file() or not hmac.compare_digest(mac.read_bytes(), wanted):
        raise BackupRefused(
            "backup.not-ours",
            f"{MANIFEST} was not written by the home whose key this is, or was altered.",
            "Bring that home's own keys, or use another copy of the backup. Trust nothing in this.",
        )


def _known(source: Path, files: Sequence[Path]) -> list[_Known]:
    """The checkpoints in files that are notes, or receipts that show one. Raises CryptoFault."""
    keys = read_keys(Home(source / TREE).log_keys)
    return [_read(path, keys) for path in files]


def _read(path: Path, keys: Sequence[NoteKey]) -> _Known:
    text = path.read_text(encoding="utf-8", errors="replace")
    note = text
    if text.lstrip().startswith("{"):
        try:
            note = str(json.loads(text).get("head") or "")
        except ValueError:
            note = ""
    try:
        return _Known(read(note, keys), note)
    except CryptoFault as fault:
        hint = f"{fault.hint} Its key may be newer than the backup: then the backup is too old."
        raise BackupRefused("restore.checkpoint", f"{path}: {fault.args[0]}", hint) from fault


# --- beside the home ------------------------------------------------------------------------------


def _copy_files(root: Path, part: Path, entries: Sequence[Entry]) -> None:
    """Copy, and hash again as it is read: what was verified may have changed since."""
    wrong = []
    for entry in entries:
        target = part / entry.path
        if copy_file(root / entry.path, target) != (entry.sha256, entry.size):
            wrong.append(entry.path)
        target.chmod(entry.mode | stat.S_IRUSR)
    if wrong:
        raise damaged(wrong)


def _copy_keys(manifest: Manifest, keys: Path, home: Home) -> None:
    """Bring what was kept apart, and nothing else; neither sockets nor locks of gpg."""
    for place in manifest.kept_apart:
        top = keys / Path(place).name
        for path in regular_files(top) if top.is_dir() else _if_there(top):
            lock = path.name.endswith(".lock") or path.name.startswith(".#lk")
            if not lock:
                copy_file(path, home.keys / path.relative_to(keys))


def _open_folders(home: Home) -> None:
    """As `init` makes them: what is private stays so, the rest can be entered by others."""
    for folder in (home.root, *home.root.rglob("*")):
        if folder.is_dir():
            private = any(folder.is_relative_to(top) for top in (home.var, home.keys))
            folder.chmod(0o700 if private else 0o755)


def _if_there(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


def _judge(home: Home, manifest: Manifest, known: list[_Known], accept_loss: bool) -> int:
    """How many leaves the ledger is behind what is known: 0, or more where that was accepted."""
    database = Database.at(home.database)
    try:
        database.upgrade()
        with database.transaction() as tx:
            stands, home_id = head(tx), meta.get(tx, "home.id") or ""
            lost = [item for item in known if _is_lost(tx, item.seen)]
        same = (manifest.home, manifest.size, manifest.root) == (
            home_id,
            stands.size,
            stands.root.hex(),
        )
        if not same or verify(database).wrong:
            raise damaged(["the ledger in var/gateway.db"])
    finally:
        database.close()
    if not lost:
        return 0
    latest = max(lost, key=lambda item: (log_number(item.seen.origin), item.seen.size))
    if not accept_loss:
        raise _older(manifest, latest.seen)
    home.checkpoint.write_text(latest.note, encoding="utf-8")  # so that the gateway knows as well
    return _gap(manifest, latest.seen)


def _is_lost(tx: Transaction, seen: Seen) -> bool:
    return compare(tx, seen) not in ("consistent", "recovered")


def _gap(manifest: Manifest, seen: Seen) -> int:
    return max(seen.size - manifest.size, 1) if seen.origin == manifest.origin else seen.size


def _older(manifest: Manifest, seen: Seen) -> BackupRefused:
    if seen.origin == manifest.origin and seen.size > manifest.size:
        words = (
            f"The backup holds {manifest.size} leaves of the ledger, and a checkpoint over "
            f"{seen.size} was given out: {seen.size - manifest.size} events since then would be "
            "lost, and what was sent then would be sent again."
        )
    else:
        words = (
            f"A checkpoint over {seen.size} leaves of {seen.origin} was given out, which this "
            f"backup of {manifest.origin} ({manifest.size} leaves) does not bear out."
        )
    return BackupRefused(
        "restore.older",
        words,
        "Look for a later backup, or the disk itself. If there is none, run this again with "
        "--accept-loss: the gateway then dispatches nothing until both parties have approved "
        "`ledger recover`, which lists what is gone (docs/ledger.md).",
    )
