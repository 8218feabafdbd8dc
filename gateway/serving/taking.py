"""Taking a drop: its bytes go straight into the flow's inbox, hidden until they are whole."""

import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.agreement.model import Flow
from gateway.engine.face import FaceParts
from gateway.refusal import Refusal
from gateway.serving.headway import BLOCK, BLOCK_SECONDS, HEADWAY, WORK_SECONDS
from gateway.store.folder import sync_folder

MOST_WAITING = 1_000  # files in one inbox that the worker has not taken yet
_WAIT_SECONDS = 60


class NotTaken(Refusal):
    """The file was not taken, and nothing of it is left. ``hint`` says what to do next."""

    def __init__(self, code: str, message: str, hint: str, wait_seconds: int | None = None) -> None:
        super().__init__(code, message, hint)
        self.wait_seconds = wait_seconds


class Body(Protocol):
    """What bytes are read from: empty at the end, an exception where they break off."""

    def read(self, size: int, /) -> bytes:
        """Some bytes, at most ``size``."""


@dataclass(frozen=True)
class Taken:
    """A file that lies in the inbox, whole and on the disk."""

    sha256: str
    size: int


def require_room(parts: FaceParts, flow: Flow, length: int | None) -> Path:
    """The inbox for a file of that length in bytes (None: not told). Raises NotTaken."""
    if length is not None and length > flow.files.maximum_bytes:
        raise too_large(flow)
    inbox = parts.home.inbox_of(flow.sender, flow.id)
    if shutil.disk_usage(inbox).free - (length or 0) < parts.settings.minimum_free_bytes:
        raise NotTaken(
            "disk.low",
            "The gateway has no room for the file.",
            "Tell whoever looks after the gateway, and send it again later.",
        )
    if sum(1 for _ in inbox.iterdir()) >= MOST_WAITING:
        raise NotTaken(
            "drop.too-many-waiting",
            f"{MOST_WAITING} files wait in the inbox already.",
            "Wait until the gateway has taken them, and send fewer, larger files.",
            _WAIT_SECONDS,
        )
    return inbox


def take(
    inbox: Path,
    flow: Flow,
    body: Body,
    length: int | None,
    connection: socket.socket | None,
    way: str,
    settle_seconds: float,
) -> Taken:
    """Write a body into the inbox; it shows there once it is whole and on the disk.

    Since it comes by rename, the worker need not wait whether it stands still: its time is that of
    a file which has done so for ``settle_seconds``. Raises NotTaken where it breaks off, is empty,
    or is larger than the flow's files may be.
    """
    name = f"{way}-{secrets.token_hex(16)}"
    part = inbox / f".{name}.part"
    try:
        digest, size = _write(part, flow, _blocks(body, connection))
        HEADWAY.give(connection, WORK_SECONDS)
        if length is not None and size != length:
            raise _broken_off()
        if not size:
            raise NotTaken("drop.empty", "The file is empty.", "Send the whole file.")
        stood = time.time() - settle_seconds
        os.utime(part, (stood, stood))
        part.rename(inbox / name)
        sync_folder(inbox)
    finally:
        part.unlink(missing_ok=True)
    return Taken(digest, size)


def _write(part: Path, flow: Flow, blocks: Iterator[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, 0o600), "wb") as writer:
        for block in blocks:
            size += len(block)
            if size > flow.files.maximum_bytes:
                raise too_large(flow)
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest(), size


def _blocks(body: Body, connection: socket.socket | None) -> Iterator[bytes]:
    while True:
        HEADWAY.give(connection, BLOCK_SECONDS)
        try:
            block = body.read(BLOCK)
        except Exception as error:  # the server's own, of many kinds: whatever it is, the body ends
            raise _broken_off() from error
        if not block:
            return
        yield block


def too_large(flow: Flow) -> NotTaken:
    """The file is larger than the agreement allows the flow."""
    return NotTaken(
        "drop.too-large",
        f"The file has more than the {flow.files.maximum_bytes:,} bytes that the flow allows.",
        "Send a smaller extract, or one file for each period.",
    )


def _broken_off() -> NotTaken:
    return NotTaken(
        "drop.broken-off",
        "The file did not arrive whole, and nothing of it was kept.",
        "Send it again.",
    )
