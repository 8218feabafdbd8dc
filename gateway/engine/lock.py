"""One worker at a time: an exclusive lock on a file, let go by the kernel when its holder dies.

Whoever wants it waits with the turn in hand, another lock, and lets that go once at work. So a
worker with much to do, which wants it again at once, comes after the command that waits.

Where the database is a server's, other hosts may work at the same home: there it is held as well.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gateway.settings import Home
from gateway.store.database import Database

_RETRY_SECONDS = 0.1
_NAME = "worker"


class Held(Protocol):
    """A home and its database, as `Parts` and `FaceParts` have them."""

    @property
    def home(self) -> Home: ...

    @property
    def database(self) -> Database: ...


class WorkerBusy(Exception):
    """Another worker holds the home."""

    code = "worker.busy"
    hint = "It does the same work; wait for it, or stop `gateway run` first."


@contextmanager
def only_worker(parts: Held, patience_seconds: float) -> Iterator[None]:
    """Hold the home. Raises WorkerBusy when it is still held after so many seconds, StoreFault."""
    deadline = time.monotonic() + patience_seconds
    with _file(parts.home.lock) as lock:
        with _file(parts.home.lock.with_suffix(".turn")) as turn:
            _acquire(turn, deadline)
            _acquire(lock, deadline)
        with parts.database.held(_NAME, deadline - time.monotonic()) as is_ours:
            if not is_ours:
                raise WorkerBusy("A worker on another host is at work in this home.")
            yield


@contextmanager
def _file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise WorkerBusy("Another worker is at work in this home.") from error
            time.sleep(_RETRY_SECONDS)
        else:
            return
