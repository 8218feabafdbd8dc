"""One worker at a time: an exclusive lock on a file, let go by the kernel when its holder dies.

Whoever wants it waits with the turn in hand, another lock, and lets that go once at work. So a
worker with much to do, which wants it again at once, comes after the command that waits.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RETRY_SECONDS = 0.1


class WorkerBusy(Exception):
    """Another worker holds the home."""

    code = "worker.busy"
    hint = "It does the same work; wait for it, or stop `gateway run` first."


@contextmanager
def only_worker(path: Path, patience_seconds: float) -> Iterator[None]:
    """Hold the home's lock. Raises WorkerBusy when it is still held after so many seconds."""
    deadline = time.monotonic() + patience_seconds
    with _file(path) as lock:
        with _file(path.with_suffix(".turn")) as turn:
            _acquire(turn, deadline)
            _acquire(lock, deadline)
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
