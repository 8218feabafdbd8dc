"""What a backup is: its manifest, what goes in, and what is kept apart from it.

A backup holds no secret. Whoever finds one can open nothing that is sealed, and sign nothing;
whoever restores one brings the keys from where they are kept (docs/decisions/0024). The manifest's
MAC is made with a key that is derived from the home's: it tells that the backup is this home's,
as it was made, and that the keys that were brought are the right ones.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.crypto.keys import HomeKeys
from gateway.crypto.sealing import HomeKey
from gateway.crypto.sshkeys import host_key_file
from gateway.refusal import Refusal
from gateway.settings import Home, Settings
from gateway.store.folder import sha256_of
from gateway.store.mirror import Copied, regular_files

MANIFEST, MAC, TREE = "manifest.json", "manifest.mac", "home"
DATABASE = "var/gateway.db"
_PURPOSE = "backup manifest"
_SHA256 = r"^[0-9a-f]{64}$"


class BackupRefused(Refusal):
    """A backup is not made, or not restored; nothing was changed."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """A file of the backup, by its place in the home."""

    path: str
    sha256: str = Field(pattern=_SHA256)
    size: int = Field(ge=0)
    mode: int = Field(ge=0, le=0o777)

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts or str(PurePosixPath(path)) != path:
            raise ValueError("not a place in the home")
        return path


class Manifest(_Part):
    """What a backup says of itself. ``log`` to ``root``: the ledger as it stood in it."""

    format: Literal["gateway-backup/1"] = "gateway-backup/1"
    gateway: str
    home: str
    rehearsal: bool
    made_at: str
    log: int
    origin: str
    size: int = Field(ge=0)
    root: str = Field(pattern=_SHA256)
    kept_apart: tuple[str, ...]
    files: tuple[Entry, ...]


def written(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    return manifest.model_dump_json(indent=1).encode() + b"\n"


def mac_of(home_key: HomeKey, manifest: bytes) -> str:
    """The MAC of a manifest's bytes."""
    return hmac.new(home_key.derive(_PURPOSE), manifest, hashlib.sha256).hexdigest()


def read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """A backup's manifest, and its bytes. Raises BackupRefused."""
    try:
        told = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BackupRefused(
            "backup.incomplete",
            f"{folder} is no whole backup: it has no manifest, which is written last.",
            "Use another. What a backup that was cut off left behind can be removed.",
        ) from None
    try:
        return Manifest.model_validate_json(told), told
    except ValidationError:
        raise damaged([MANIFEST]) from None


def damaged(names: list[str]) -> BackupRefused:
    """What is said of a backup whose files are not those that were written."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return BackupRefused(
        "backup.damaged",
        f"The backup is not as it was written: {shown}.",
        "Nothing was restored. Use another copy of it, or another backup.",
    )


# --- what goes in ---------------------------------------------------------------------------------


def kept_files(home: Home) -> Iterator[tuple[str, Path]]:
    """Every file of the home that goes into a backup, but for the database; place and path."""
    keys, left_out = HomeKeys(home.root), _site_key(home)
    folders = (home.config, home.outbox, home.vault, home.staged, keys.parties, keys.officers)
    single = [home.checkpoint, home.rehearsal_mark, keys.gateway_public, _host_public(home)]
    for top in folders:
        for path in regular_files(top):
            if not _is_temporary(path.relative_to(top)) and path.resolve() != left_out:
                yield _place(home, path), path
    for path in single:
        if path.is_file():
            yield _place(home, path), path


def kept_apart(home: Home) -> tuple[str, ...]:
    """What lies in ``keys/`` and is secret, and so goes into no backup."""
    keys = HomeKeys(home.root)
    public = {keys.parties, keys.officers, keys.gateway_public, _host_public(home)}
    return tuple(
        sorted(
            _place(home, path)
            for path in keys.folder.iterdir()
            if path not in public and path.name != ".gitkeep"
        )
    )


def _host_public(home: Home) -> Path:
    return host_key_file(home.root).with_suffix(".pub")


def _place(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()


def _is_temporary(path: Path) -> bool:
    """Whether it is something that is being written: it gets its name when it is whole."""
    return any(part.startswith(".") and part.endswith(".part") for part in path.parts)


def _site_key(home: Home) -> Path | None:
    """The private key of the site's certificate, where the settings name one."""
    named = Settings.load(home.settings_file).web.key
    return Path(home.root, named).resolve() if named else None


def entry_of(file: Copied) -> Entry:
    """A copied file as the manifest has it."""
    return Entry(path=file.path, sha256=file.sha256, size=file.size, mode=file.mode)


def entry_at(root: Path, place: str, mode: int) -> Entry:
    """A file that lies in a backup already, as the manifest has it."""
    path = root / place
    return Entry(path=place, sha256=sha256_of(path), size=path.stat().st_size, mode=mode)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file of a backup."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as writer:
        writer.write(content)
        writer.flush()
        os.fsync(writer.fileno())
