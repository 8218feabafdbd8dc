"""The vault: sealed originals and packages, kept as they were. Nothing here can open them.

What removes an object is `records.retention`, and nothing else.
"""

from datetime import datetime
from pathlib import Path
from typing import Literal

from gateway.store import vault as rows
from gateway.store.database import StoreFault, Transaction
from gateway.store.folder import Blob, BlobFolder, Kept, sha256_of

VaultKind = Literal["original", "delivery", "manifest", "signature", "reconciliation"]

_SEEN = 10_000  # files remembered; a hundred bytes each


class Vault:
    """Keeps sealed objects by the SHA-256 of their bytes; added to, until both parties end it."""

    def __init__(self, blobs: BlobFolder) -> None:
        self._blobs = blobs
        self._seen: dict[str, tuple[int, ...]] = {}  # by SHA-256: the file's stamp when read whole

    def keep(self, sealed: Path) -> Blob:
        """Put a sealed file into the vault durably; raises StoreFault. Record it with `enter`."""
        return self._blobs.put(sealed)

    def keep_again(self) -> int:
        """Put all that is kept where it is to be kept as well, a bucket; how many objects.

        What is there already stays as it is. Raises StoreFault.
        """
        names = list(self._blobs.names())
        for sha256 in names:
            self._blobs.put(self._blobs.path(sha256))
        return len(names)

    def enter(self, tx: Transaction, blob: Blob, kind: VaultKind, at: datetime) -> None:
        """Note in the database what the vault holds, in the transaction that relies on it."""
        rows.add(tx, blob.sha256, kind, blob.size, at)

    def path(self, sha256: str) -> Path:
        """Where an object lies, to read it."""
        return self._blobs.path(sha256)

    def whole(self, sha256: str) -> Path:
        """Where an object lies, once its bytes were read and match its name. Raises StoreFault."""
        path = self.path(sha256)
        if not self.has(sha256) or sha256_of(path) != sha256:
            raise StoreFault(
                "vault.damaged",
                "An object in the vault is missing, or is not what was put there.",
                "Restore var/vault from its backup, and check the disk. Nothing of it was sent.",
            )
        return path

    def seen_whole(self, sha256: str) -> Path:
        """As `whole`, but read once while this file stands unchanged: for serving it in parts.

        What is served so is held to its hash by whoever fetches it. Raises StoreFault.
        """
        path = self.path(sha256)
        stamp = _stamp(path)
        if stamp is None or self._seen.get(sha256) != stamp:
            self._seen.pop(sha256, None)
            self.whole(sha256)
            if stamp is not None:
                if len(self._seen) >= _SEEN:
                    self._seen.clear()
                self._seen[sha256] = stamp
        return path

    def has(self, sha256: str) -> bool:
        """Whether the object is there."""
        return self._blobs.has(sha256)

    def look(self, sha256: str, size: int) -> Kept:
        """How an object stands that is to be there; it is read whole. Raises StoreFault."""
        return self._blobs.look(sha256, size)

    def lies(self, sha256: str, size: int) -> bool:
        """Whether a file of that name and size in bytes lies at hand; it is not read."""
        return self._blobs.size(sha256) == size

    def names(self) -> set[str]:
        """The names of all that lies at hand."""
        return set(self._blobs.names())

    def destroy(self, sha256: str) -> None:
        """Remove an object for good. `retention.destroy` alone calls this.

        Raises OSError or StoreFault; it may then be tried again.
        """
        self._seen.pop(sha256, None)
        self._blobs.remove(sha256)

    def sweep(self, at_rest_seconds: float = 0.0) -> None:
        """Remove the leavings of an interrupted write; never an object.

        ``at_rest_seconds``: only those that nobody has written to for so long.
        """
        self._blobs.sweep(at_rest_seconds)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes with a file's bytes; its ctime too, which nobody can set."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
