"""Copies of files under another root, kept up with their sources, and hashed as they are read."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.store.folder import sync_folder

_BLOCK = 1024 * 1024
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Copied:
    """A file as it was copied: its name below the root, with ``/``, and its mode's nine bits."""

    path: str
    sha256: str
    size: int
    mode: int


class Mirror:
    """Call `take` once while the sources are at work, and again, quickly, while they stand still.

    What has the same inode, size and time as when it was copied is not read again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._taken: dict[str, tuple[_Stamp, Copied]] = {}

    def take(self, sources: Iterable[tuple[str, Path]]) -> None:
        """Copy what is new or changed, and forget what is no longer there. Raises OSError."""
        still = {}
        for name, source in sources:
            known = self._taken.get(name)
            try:
                if known is None or known[0] != _stamp(source.stat()):
                    known = _copied(name, source, self.root / name)
            except FileNotFoundError:  # it went while we looked
                continue
            still[name] = known
        for name in self._taken.keys() - still.keys():
            (self.root / name).unlink(missing_ok=True)
        self._taken = still

    def files(self) -> list[Copied]:
        """What lies in the copy, by name."""
        return [self._taken[name][1] for name in sorted(self._taken)]


def copy_file(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file's bytes and time durably into a new file of our own; its SHA-256 and size."""
    _, copied = _copied(target.name, source, target)
    return copied.sha256, copied.size


def sync_folders(root: Path) -> None:
    """Make every name under a folder durable."""
    for folder, _, _ in os.walk(root):
        sync_folder(Path(folder))


def regular_files(root: Path) -> Iterator[Path]:
    """Every regular file under a folder, by name; nothing is followed out of it."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _copied(name: str, source: Path, target: Path) -> tuple[_Stamp, Copied]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader:
        status = os.fstat(reader.fileno())
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writer:
            while block := reader.read(_BLOCK):
                digest.update(block)
                size += len(block)
                writer.write(block)
            writer.flush()
            os.utime(writer.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(writer.fileno())
    return _stamp(status), Copied(name, digest.hexdigest(), size, status.st_mode & 0o777)
