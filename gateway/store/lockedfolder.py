"""A vault in a bucket with Object Lock, each object under a legal hold, and a folder at hand.

An object counts as kept once both have it and the bucket tells that it is held. The folder serves;
what it lacks is fetched from the bucket again.
"""

import os
import secrets
from dataclasses import replace
from pathlib import Path

from gateway.store.database import StoreFault
from gateway.store.folder import Blob, BlobFolder, Kept, sha256_of
from gateway.store.s3 import S3Place


class LockedFolder(BlobFolder):
    """As `BlobFolder`, and in the bucket too. ``keeper``: credentials that may also remove."""

    def __init__(self, root: Path, bucket: S3Place, keeper: Path) -> None:
        super().__init__(root)
        self._bucket = replace(bucket, held=True)
        self._keeper = replace(bucket, credentials=keeper)

    def put(self, source: Path) -> Blob:
        """Keep a file in both; read back from both, and see that it is held. Raises StoreFault."""
        blob = super().put(source)
        self._bucket.place(self.path(blob.sha256), _key(blob.sha256))
        if not self._bucket.is_held(_key(blob.sha256)):
            raise StoreFault(
                "vault.not-held",
                "The bucket keeps an object of the vault without a legal hold.",
                "Have its Object Lock looked at (docs/security.md). Nothing was sent.",
            )
        return blob

    def has(self, sha256: str) -> bool:
        """Whether the object is there; fetched from the bucket where only that has it."""
        return super().has(sha256) or self._fetched(sha256)

    def look(self, sha256: str, size: int) -> Kept:
        """Both are read whole. Raises StoreFault where the bucket does not answer."""
        here = super().look(sha256, size)
        try:
            if self._bucket.read_back(_key(sha256)) != sha256:
                return "altered"
        except StoreFault as fault:
            if fault.code == "bucket.object-missing":
                return "missing"
            raise
        return here if self._bucket.is_held(_key(sha256)) else "not-held"

    def remove(self, sha256: str) -> None:
        """Lift the hold and remove the object from both, with the keeper's credentials."""
        if not self._keeper.credentials.is_file():
            raise StoreFault(
                "vault.no-keeper",
                "The credentials that may remove from the vault's bucket are not there.",
                "Whoever keeps them lays them in keys/s3/vault-keeper.toml for this act alone.",
            )
        self._keeper.remove_held(_key(sha256))
        super().remove(sha256)

    def _fetched(self, sha256: str) -> bool:
        part = self.root / f".{secrets.token_hex(8)}.part"
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as out:
                self._bucket.fetch(_key(sha256), out)
            if sha256_of(part) != sha256:
                return False
            super().put(part)
        except StoreFault as fault:
            if fault.code == "bucket.object-missing":
                return False
            raise
        finally:
            part.unlink(missing_ok=True)
        return True


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
