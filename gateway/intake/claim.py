"""Settle and claim (design §5 step 1): a file that stands still is taken by a rename.

Nothing is ever opened through a link, a pipe or a second name, and a file's own name never builds
a path: a claimed file lies in ``var/work/drops/<flow>/<id>/``, where the id is random.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from gateway.intake.findings import Finding, finding
from gateway.settings import Home, Settings
from gateway.store.folder import sync_folder

_BLOCK = 1024 * 1024
_CLAIMED, _ORIGINAL, _ATTEMPT = "claimed", "original", "attempt-"
_DROP_ID = re.compile(r"^[0-9]{8}-[0-9a-f]{12}$")


@dataclass(frozen=True)
class Candidate:
    """A directory entry of an inbox folder, as last seen; it may not be an ordinary file at all."""

    path: Path
    flow: str
    party: str
    seen: os.stat_result

    @property
    def key(self) -> str:
        """What tells it from other entries without its name: device, inode and times."""
        facts = f"{self.seen.st_dev}:{self.seen.st_ino}:{self.seen.st_mtime_ns}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Refusal:
    """An entry that is not taken and stays where it lies."""

    candidate: Candidate
    finding: Finding


@dataclass(frozen=True)
class Claimed:
    """A drop's working folder, named by its id."""

    drop_id: str
    flow: str
    folder: Path


@dataclass(frozen=True)
class Original:
    """The private copy of a claimed file, with its SHA-256 (hex) and size in bytes."""

    path: Path
    sha256: str
    size: int


class StillArriving(Exception):
    """The file changed while it was copied: it is left to settle until the next tick."""


def candidates(home: Home, settings: Settings, party: str, flow: str) -> list[Candidate]:
    """The entries of a flow's inbox, oldest first, but for those ignored by pattern."""
    found = []
    folder = home.inbox_of(party, flow)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_ignored(entry.name, settings) or entry.is_dir(follow_symlinks=False):
                    continue
                seen = entry.stat(follow_symlinks=False)
                found.append(Candidate(folder / entry.name, flow, party, seen))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda item: (item.seen.st_mtime_ns, item.path.name))


def is_ignored(name: str, settings: Settings) -> bool:
    """Whether people's programs leave such files about (design §5.1, Folders)."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in settings.ignored)


def door_check(candidate: Candidate, settings: Settings, maximum_bytes: int) -> Finding | None:
    """Why the entry may not be taken at all, or None."""
    mode = candidate.seen.st_mode
    if stat.S_ISLNK(mode):
        return finding("door.symlink")
    if not stat.S_ISREG(mode):
        return finding("door.not-a-file")
    if candidate.seen.st_nlink != 1:
        return finding("door.hard-link")
    if settings.allowed_owners and candidate.seen.st_uid not in settings.allowed_owners:
        return finding("door.owner")
    if candidate.seen.st_size > maximum_bytes:
        return finding("door.too-large")
    if not os.access(candidate.path, os.R_OK, follow_symlinks=False):
        return finding("door.unreadable")
    return None


def settled(found: list[Candidate], settings: Settings) -> tuple[list[Candidate], list[Candidate]]:
    """Part the entries that stand still from those still arriving.

    An entry whose size and times do not change over ``settle_seconds`` stands still. Those whose
    last change is longer ago than that need no wait; for the others there is one wait for all.
    """
    now = time.time()
    fresh = [item for item in found if now - item.seen.st_mtime < settings.settle_seconds]
    if fresh:
        time.sleep(settings.settle_seconds)
    still: list[Candidate] = []
    arriving: list[Candidate] = []
    for item in found:
        moving = item in fresh and not _unchanged(item.path, item.seen)
        (arriving if moving or _open_for_writing(item) else still).append(item)
    return still, arriving


def _unchanged(path: Path, seen: os.stat_result) -> bool:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns, now.st_ino) == (
        seen.st_size,
        seen.st_mtime_ns,
        seen.st_ino,
    )


def _open_for_writing(item: Candidate) -> bool:
    """Whether a program of this host has the file open for writing: then a read lease is refused.

    A file system or owner that allows no leases tells nothing, and counts as not open.
    """
    if not stat.S_ISREG(item.seen.st_mode):
        return False
    try:
        descriptor = os.open(item.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A writer that opens the file just then breaks the lease, and its holder is told by a
        # signal: SIGIO, which ends a process, unless another is named. SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def claim(home: Home, candidate: Candidate, now: datetime) -> Claimed | None:
    """Take an entry by renaming it into a folder of its own; None when it has gone meanwhile."""
    drop_id = f"{now.astimezone(UTC):%Y%m%d}-{secrets.token_hex(6)}"
    folder = home.drops_work / candidate.flow / drop_id
    folder.mkdir(parents=True, mode=0o700)
    try:
        candidate.path.rename(folder / _CLAIMED)
    except FileNotFoundError:
        folder.rmdir()
        return None
    except OSError:
        folder.rmdir()
        raise
    if not _unchanged(folder / _CLAIMED, candidate.seen):
        _give_back(folder, candidate.path)
        return None
    return Claimed(drop_id, candidate.flow, folder)


def _give_back(folder: Path, path: Path) -> None:
    """Another file had come under the name meanwhile, which nobody has seen settle yet.

    Where a third has come by now, it stays claimed: a copy of it shows whether it stands still.
    """
    with contextlib.suppress(OSError):
        os.link(folder / _CLAIMED, path, follow_symlinks=False)
        (folder / _CLAIMED).unlink()
        folder.rmdir()


def begin_attempt(claimed: Claimed) -> Path | None:
    """A folder for what this attempt at a drop writes; None where the drop was put away.

    Those of earlier attempts go. A worker that had the drop before, and wakes, so finds no ground
    left to put anything in its place from.
    """
    try:
        attempt = Path(tempfile.mkdtemp(prefix=_ATTEMPT, dir=claimed.folder))
    except FileNotFoundError:
        return None
    for earlier in claimed.folder.glob(f"{_ATTEMPT}*"):
        if earlier != attempt:
            shutil.rmtree(earlier)
    return attempt


def claimed_before(home: Home, flows: Sequence[str] = ("*",)) -> Iterator[Claimed]:
    """Drops claimed by an earlier run that has not finished with them, oldest first.

    ``flows``: of those flows alone.
    """
    if not home.drops_work.is_dir():
        return
    found = [folder for flow in flows for folder in home.drops_work.glob(f"{flow}/*")]
    for folder in sorted(found, key=lambda path: path.stat().st_mtime_ns):
        if _DROP_ID.match(folder.name):
            yield Claimed(folder.name, folder.parent.name, folder)


def original_of(claimed: Claimed, attempt: Path | None = None) -> Original | None:
    """The private copy of a claimed file, made once and hashed; None where there is no file.

    ``attempt``: the folder in which it is made; else that of the drop.

    A copy, because whoever dropped the file may still have it open; made once, so that a run which
    goes on with the drop reads the very bytes that were sealed. Raises StillArriving when the file
    changed while it was copied.
    """
    source, target = claimed.folder / _CLAIMED, claimed.folder / _ORIGINAL
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as reader:
        if not target.exists():
            _copy_unchanged(reader, target, attempt or claimed.folder)
    with target.open("rb") as copied:
        digest = hashlib.file_digest(copied, "sha256")
    return Original(target, digest.hexdigest(), target.stat().st_size)


def _copy_unchanged(reader: BinaryIO, target: Path, folder: Path) -> None:
    part = folder / f"{target.name}.part"
    part.unlink(missing_ok=True)
    before = os.fstat(reader.fileno())
    private = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(private, "wb") as writer:
        shutil.copyfileobj(reader, writer, _BLOCK)
        writer.flush()
        os.fsync(writer.fileno())
    after = os.fstat(reader.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StillArriving
    part.rename(target)
    sync_folder(target.parent)


def put_away(claimed: Claimed) -> None:
    """Remove a drop's working folder, the plain file last, once its sealed original is kept.

    A run that was killed while it sealed has left a folder in it.
    """
    for entry in sorted(claimed.folder.iterdir(), key=lambda path: path.name == _CLAIMED):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    claimed.folder.rmdir()
