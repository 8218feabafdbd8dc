"""Sending a package's bytes, and counting those that arrived: a broken connection is no collection.

What was written to a socket has not arrived yet: it may lie in the kernel's buffer, and a package
of ordinary size fits there whole. So the count is of bytes that the other end has acknowledged
(tcp(7), TCP_INFO, ``tcpi_bytes_acked``). Where a proxy ends TLS before the API, the proxy is that
other end: it must not buffer answers (docs/api.md).
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import TIOCOUTQ
from typing import Protocol

from gateway.serving.headway import BLOCK, BLOCK_SECONDS, HEADWAY
from gateway.serving.ranges import Span

_STATE, _ACKED = 0, 120  # offsets in the kernel's struct tcp_info
_INFO_BYTES = 128
_CLOSED = 7  # TCP_CLOSE
_LOOK_SECONDS = 0.003


class Ending:
    """Downloads whose last byte is on its way but not yet counted.

    Whoever has just read it may ask at once for what follows; that request waits for the count.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: list[tuple[str, str]] = []  # caller, package

    def begin(self, caller: str, package: str) -> None:
        """The last byte is about to be sent."""
        with self._changed:
            self._open.append((caller, package))

    def end(self, caller: str, package: str) -> None:
        """What arrived has been counted."""
        with self._changed:
            self._open.remove((caller, package))
            self._changed.notify_all()

    def wait(self, caller: str, package: str | None, seconds: float) -> None:
        """Wait until nothing of the caller's (of that package, where given) is uncounted."""
        with self._changed:
            self._changed.wait_for(lambda: not self._of(caller, package), seconds)

    def _of(self, caller: str, package: str | None) -> bool:
        return any(who == caller and package in (None, what) for who, what in self._open)


class Download(Protocol):
    """Whoever wants to know how a download goes."""

    def ending(self) -> None:
        """The last byte is about to be sent."""

    def over(self, arrived: Span) -> None:
        """No more is sent. What arrived of the file, which may be nothing."""


def send(
    path: Path, span: Span, connection: socket.socket | None, download: Download
) -> Iterator[bytes]:
    """The blocks of a file's span, for a WSGI server that writes each before it asks for the next.

    Without a ``connection`` (as in a test client) a block counts once the next is asked for.
    """
    given = span.start
    yield b""  # the server now writes the headers, so that what follows is the body alone
    acked = _Acknowledged(connection)
    try:
        with path.open("rb") as reader:
            reader.seek(span.start)
            while given < span.stop:
                block = reader.read(min(BLOCK, span.stop - given))
                if not block:
                    return
                if given + len(block) == span.stop:
                    download.ending()
                HEADWAY.give(connection, BLOCK_SECONDS)
                yield block
                given += len(block)
        acked.wait_for(span.stop - span.start)
    finally:
        count = acked.count(given - span.start, span.stop - span.start)
        download.over(Span(span.start, span.start + count))


class _Acknowledged:
    """How many bytes of the body a connection's other end has acknowledged."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection
        self._before: int | None = None
        if connection is not None:
            with suppress(OSError, struct.error):
                self._before = _written(connection)

    def count(self, given: int, most: int) -> int:
        """Bytes of the body that arrived, of ``most``; ``given`` where the kernel does not tell."""
        if self._connection is None or self._before is None:
            return given
        try:
            return min(max(_info(self._connection)[1] - self._before, 0), most)
        except (OSError, struct.error):
            return 0

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes have arrived, or never can."""
        if self._connection is None or self._before is None:
            return
        HEADWAY.give(self._connection, 2 * BLOCK_SECONDS)
        until = time.monotonic() + BLOCK_SECONDS
        with suppress(OSError, struct.error):
            while time.monotonic() < until:
                state, acked = _info(self._connection)
                if state == _CLOSED or acked - self._before >= size:
                    return
                time.sleep(_LOOK_SECONDS)


def _info(connection: socket.socket) -> tuple[int, int]:
    """The state of a TCP connection, and how many bytes its other end has acknowledged in all."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    return told[_STATE], struct.unpack_from("=Q", told, _ACKED)[0]


def _written(connection: socket.socket) -> int:
    """How many bytes have been written to the connection in all, acknowledged or not."""
    while True:
        before = _info(connection)[1]
        waiting = struct.unpack("=i", ioctl(connection, TIOCOUTQ, bytes(4)))[0]
        if _info(connection)[1] == before:
            return before + int(waiting)
