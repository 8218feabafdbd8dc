"""A blob store in a folder: objects named by the SHA-256 of their bytes, put once."""

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.store.database import StoreFault

Kept = Literal["whole", "missing", "altered", "not-held"]
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Blob:
    """An object of the store: its name, and its size in bytes."""

    sha256: str
    size: int


class BlobFolder:
    """Content-addressed objects in ``root/ab/<sha256>``; put-if-absent, written durably."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where an object of that name lies, or would lie."""
        return self.root / sha256[:2] / sha256

    def put(self, source: Path) -> Blob:
        """Keep a copy of a file and read it back. Raises StoreFault."""
        try:
            return self._put(source)
        except OSError as error:
            raise _plain(error) from error

    def _put(self, source: Path) -> Blob:
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f".{secrets.token_hex(8)}.part"
        try:
            digest, size = _copy(source, temporary)
            target = self.path(digest)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            if not target.exists():
                temporary.chmod(0o400)  # nobody writes into it again
                os.link(temporary, target)
                sync_folder(target.parent)
                sync_folder(self.root)
        finally:
            temporary.unlink(missing_ok=True)
        if sha256_of(target) != digest:
            raise StoreFault(
                "vault.damaged",
                "An object just put into the vault does not read back as it was written.",
                "Check the disk at once; nothing was sent on the strength of it.",
            )
        return Blob(digest, size)

    def has(self, sha256: str) -> bool:
        """Whether an object of that name is there."""
        return self.path(sha256).is_file()

    def look(self, sha256: str, size: int) -> Kept:
        """How an object stands that is to be there, of that size in bytes; it is read whole."""
        if not (size == self.size(sha256) or self.has(sha256)):
            return "missing"
        try:
            return "whole" if sha256_of(self.path(sha256)) == sha256 else "altered"
        except OSError:
            return "altered"

    def size(self, sha256: str) -> int | None:
        """The size in bytes of the object in the folder; None where it is not there."""
        try:
            return self.path(sha256).stat().st_size
        except OSError:
            return None

    def names(self) -> Iterator[str]:
        """The names of all that lies in the folder, in no order; strange files as they are."""
        for path in self.root.glob("*/*"):
            yield path.name

    def remove(self, sha256: str) -> None:
        """Remove an object for good: `records.retention` alone may. Raises OSError."""
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    def sweep(self, at_rest_seconds: float = 0.0) -> None:
        """Remove what an interrupted `put` left behind, and has stood still for so long."""
        latest = time.time() - at_rest_seconds
        for leftover in self.root.glob(".*.part"):
            with contextlib.suppress(FileNotFoundError):
                if not at_rest_seconds or leftover.stat().st_mtime < latest:
                    leftover.unlink()


def _copy(source: Path, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as reader, os.fdopen(descriptor, "wb") as writer:
        while block := reader.read(_BLOCK):
            digest.update(block)
            size += len(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest(), size


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename or link within a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(error: OSError) -> StoreFault:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFault(
            "disk.full", "The disk is full.", "Free some space; the next tick goes on where it was."
        )
    return StoreFault(
        "vault.unwritable",
        "The vault cannot be written.",
        "Check the disk and the rights of the var folder; the next tick tries again.",
    )
