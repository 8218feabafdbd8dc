"""Taking a drop: its bytes go straight into the flow's inbox, hidden until they are whole."""

import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.agreement.model import Flow
from gateway.api.callers import Caller
from gateway.api.face import Face
from gateway.api.problem import Problem
from gateway.api.shapes import TakenShape
from gateway.serving.headway import BLOCK, BLOCK_SECONDS, HEADWAY, WORK_SECONDS
from gateway.store.folder import sync_folder

MOST_WAITING = 1_000  # files in one inbox that the worker has not taken yet


def require_sender(face: Face, caller: Caller) -> Flow:
    """The caller's flow, if its party sends it. Raises Problem 403; the refusal is recorded."""
    who = caller.principal
    flow = face.parts.flow(who.flow) if who.flow in face.parts.agreed else None
    if flow is None or flow.sender != who.party:
        raise face.callers.refuse(
            caller,
            Problem(
                403,
                "flow.not-sender",
                "The agreement does not let this party send that flow.",
                "Use a token of the flow's sender.",
            ),
        )
    return flow


def require_room(face: Face, flow: Flow, length: int | None) -> Path:
    """The inbox for a file of that length in bytes (None: not told). Raises Problem."""
    if length is not None and length > flow.files.maximum_bytes:
        raise _too_large(flow)
    inbox = face.parts.home.inbox_of(flow.sender, flow.id)
    if shutil.disk_usage(inbox).free - (length or 0) < face.parts.settings.minimum_free_bytes:
        raise Problem(
            507,
            "disk.low",
            "The gateway has no room for the file.",
            "Tell whoever looks after the gateway, and send it again later.",
        )
    if sum(1 for _ in inbox.iterdir()) >= MOST_WAITING:
        raise Problem(
            429,
            "drop.too-many-waiting",
            f"{MOST_WAITING} files wait in the inbox already.",
            "Wait until the gateway has taken them, and send fewer, larger files.",
            {"Retry-After": "60"},
        )
    return inbox


def take(
    inbox: Path, flow: Flow, body: BinaryIO, length: int | None, connection: socket.socket | None
) -> TakenShape:
    """Write a body into the inbox; it shows there once it is whole and on the disk.

    Raises Problem where it breaks off, is empty, or is larger than the flow's files may be: then
    nothing is left of it.
    """
    name = f"api-{secrets.token_hex(16)}"
    part = inbox / f".{name}.part"
    try:
        digest, size = _write(part, flow, _blocks(body, connection))
        HEADWAY.give(connection, WORK_SECONDS)
        if length is not None and size != length:
            raise _broken_off()
        if not size:
            raise Problem(422, "drop.empty", "The file is empty.", "Send the whole file.")
        part.rename(inbox / name)
        sync_folder(inbox)
    finally:
        part.unlink(missing_ok=True)
    return TakenShape(sha256=digest, size=size)


def _write(part: Path, flow: Flow, blocks: Iterator[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, 0o600), "wb") as writer:
        for block in blocks:
            size += len(block)
            if size > flow.files.maximum_bytes:
                raise _too_large(flow)
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest(), size


def _blocks(body: BinaryIO, connection: socket.socket | None) -> Iterator[bytes]:
    while True:
        HEADWAY.give(connection, BLOCK_SECONDS)
        try:
            block = body.read(BLOCK)
        except Exception as error:  # the server's own, of many kinds: whatever it is, the body ends
            raise _broken_off() from error
        if not block:
            return
        yield block


def _too_large(flow: Flow) -> Problem:
    return Problem(
        413,
        "drop.too-large",
        f"The file has more than the {flow.files.maximum_bytes:,} bytes that the flow allows.",
        "Send a smaller extract, or one file for each period.",
    )


def _broken_off() -> Problem:
    return Problem(
        400,
        "drop.broken-off",
        "The file did not arrive whole, and nothing of it was kept.",
        "Send it again.",
    )
