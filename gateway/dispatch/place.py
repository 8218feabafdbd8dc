"""Placing bytes in an outbox: whole or not at all, and never over something else.

A recipient's outbox is a folder and, where one is set, a bucket as well (`store.s3`). In a folder:
write to a hidden ``.part`` name, flush to the disk, link to the final name (which fails if that
name is taken), flush the folder, read back and hash. A crash at any point leaves at most a
``.part`` file, which readers ignore (design §5.1) and the next attempt replaces.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.dispatch.manifest import manifest_file
from gateway.store.s3 import S3Place

_CHUNK = 1 << 20
_READABLE = 0o640  # sealed bytes and signed manifests: the collecting group may read them
_CODES = {
    errno.ENOSPC: ("disk.full", "The disk of the outbox is full. Free some space"),
    errno.EDQUOT: ("disk.full", "The outbox has used up its quota. Free some space"),
    errno.EACCES: (
        "outbox.unwritable",
        "The gateway may not write here. Give its user the right to",
    ),
    errno.EPERM: (
        "outbox.unwritable",
        "The gateway may not write here. Give its user the right to",
    ),
    errno.EROFS: ("outbox.unwritable", "The outbox can only be read. Mount it for writing"),
    errno.ENOENT: ("outbox.missing", "The folder is not there. Make it, or mount it"),
    errno.ENOTDIR: ("outbox.missing", "There is a file where the folder should be. Move it away"),
}
_ALTERED = "What was read back is not what was written. Have the disk checked"
# File systems without hard links, such as network shares, answer so.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_OTHER = ("outbox.failed", "The disk reports a fault. Have it checked")


@dataclass(frozen=True)
class DeliveryFiles:
    """The three files of one delivery: where their bytes are now, and the package's name."""

    package_id: str
    file_name: str
    package: Path
    manifest: Path
    signature: Path

    def in_order(self) -> tuple[tuple[Path, str], ...]:
        """Each file with its name, the manifest last: who sees it may count on the rest."""
        name = manifest_file(self.package_id)
        return (
            (self.package, self.file_name),
            (self.signature, f"{name}.asc"),
            (self.manifest, name),
        )


class PlacementFailed(Exception):
    """The bytes could not be placed, and nothing shows in the folder. May be tried again.

    ``code`` is ``disk.full``, ``outbox.unwritable``, ``outbox.missing``, ``outbox.failed`` or
    ``outbox.altered`` (what was read back is not what was written).
    """

    def __init__(self, code: str, folder: Path, name: str, words: str) -> None:
        """``words``: what is wrong and what to do."""
        super().__init__(
            f"{name} could not be placed in {folder}: {words}; it will be tried again."
        )
        self.code, self.folder, self.name = code, folder, name


class PlacementConflict(Exception):
    """The name is taken by other bytes. They are left as they are."""

    code = "outbox.conflict"

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(
            f"{name} already lies in {folder} with other content. It was left as it is. "
            "Find out who put it there before it is moved away."
        )
        self.folder, self.name = folder, name


def place(
    source: Path,
    folder: Path,
    name: str,
    mode: int = _READABLE,
    confirm: Callable[[], None] = lambda: None,
) -> str:
    """Place a copy of ``source`` as ``folder/name`` and return the SHA-256 that was read back.

    The same bytes already there are left and counted as placed, so a retry is harmless.
    ``confirm`` is asked between copying and showing, and raises where that is not to be any more:
    whoever then takes the hidden copy away can be sure that nothing is shown. Raises
    PlacementConflict when other bytes are there, PlacementFailed when the folder cannot take it,
    ValueError when ``name`` is not a plain file name.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError("A package file's name is a plain, visible name.")
    wanted = file_sha256(source)
    try:
        return _place(source, folder / name, mode, wanted, confirm)
    except OSError as fault:
        code, words = _CODES.get(fault.errno or 0, _OTHER)
        raise PlacementFailed(code, folder, name, words) from fault


def place_delivery(
    files: DeliveryFiles,
    folder: Path,
    bucket: S3Place | None = None,
    confirm: Callable[[], None] = lambda: None,
) -> str:
    """Place the package, the manifest's signature and, last of all, the manifest.

    With a bucket each file goes to both places before the next, so that a manifest shows in either
    only once both hold the rest. Returns the package's SHA-256 as read back. Raises what `place`
    and `S3Place.place` raise; trying again is safe.
    """
    found = []
    for source, name in files.in_order():
        if bucket is not None:
            confirm()
            bucket.place(source, name)
        found.append(place(source, folder, name, confirm=confirm))
    return found[0]


def _place(source: Path, target: Path, mode: int, wanted: str, confirm: Callable[[], None]) -> str:
    folder, name = target.parent, target.name
    part = folder / f".{name}.part"
    part.unlink(missing_ok=True)  # of an attempt that was cut short
    if not os.path.lexists(target):
        with _copied(source, part, mode) as copy:
            if file_sha256(part) != wanted:
                raise PlacementFailed("outbox.altered", folder, name, _ALTERED)
            confirm()
            _show(copy, part, target)
    _flush_folder(folder)
    if target.is_symlink() or not target.is_file() or file_sha256(target) != wanted:
        raise PlacementConflict(folder, name)
    return wanted


@contextmanager
def _copied(source: Path, part: Path, mode: int) -> Iterator[int]:
    """A whole copy under a hidden name that is gone afterwards, unless it is another's by then."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, mode), "wb") as out:
        own = os.fstat(out.fileno()).st_ino
        try:
            with source.open("rb") as data:
                shutil.copyfileobj(data, out, _CHUNK)
            out.flush()
            os.fchmod(out.fileno(), mode)  # whatever the umask
            os.fsync(out.fileno())
            yield out.fileno()
        finally:
            with suppress(FileNotFoundError):
                if part.lstat().st_ino == own:
                    part.unlink()


def _show(copy: int, part: Path, target: Path) -> None:
    """Give the whole file its name, unless that is taken: the content then decides.

    It is linked by its descriptor, which fails once its hidden name is gone, even where another
    worker has begun a copy under the same name. (``src_dir_fd`` only has Python follow the link.)
    """
    try:
        with suppress(FileExistsError):
            os.link(f"/proc/self/fd/{copy}", target, src_dir_fd=copy, follow_symlinks=True)
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
        part.rename(target)  # only the gateway writes packages here, the same bytes each time


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
