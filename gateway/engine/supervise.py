"""`gateway run`: keeps a worker process alive, and stops it cleanly."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_SECONDS = 60.0
_STOP_SECONDS = 120.0
_LOOK_SECONDS = 0.2


def supervise(home: Path) -> int:
    """Run the worker as a process of its own; start it again, ever more slowly, when it dies.

    Ends on SIGTERM or SIGINT with the worker's own end; returns the exit code of this process.
    """
    log = structlog.get_logger("supervisor")
    # No Event: its lock may be held by the very thread that the signal's handler interrupts.
    told: list[int] = []

    def end(number: int, _frame: object) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    failures = 0
    while not told:
        started = time.monotonic()
        worker = subprocess.Popen(worker_command(home))
        log.info("worker started", pid=worker.pid)
        while worker.poll() is None and not told:
            time.sleep(_LOOK_SECONDS)
        if told:
            return _end(worker, log)
        failures = 0 if time.monotonic() - started > _STEADY_SECONDS else failures + 1
        pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1] if failures else 0.0
        log.error("worker died", exit_code=worker.returncode, restart_in_seconds=pause)
        over = time.monotonic() + pause
        while time.monotonic() < over and not told:
            time.sleep(_LOOK_SECONDS)
    return 0


def worker_command(home: Path) -> Sequence[str]:
    """How the worker process is started."""
    return (sys.executable, "-m", "gateway", "--home", str(home), "worker")


def _end(worker: "subprocess.Popen[bytes]", log: structlog.stdlib.BoundLogger) -> int:
    worker.terminate()
    try:
        worker.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("worker did not stop in time and was killed; the next start goes on where it was")
        worker.kill()
        worker.wait()
    log.info("stopped")
    return 0
