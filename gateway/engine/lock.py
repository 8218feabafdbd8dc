"""One worker at a time: an exclusive lock on a file, let go by the kernel when its holder dies."""

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
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, time.monotonic() + patience_seconds)
        yield
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
