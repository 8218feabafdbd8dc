"""A rehearsal home on PostgreSQL that several workers share, and one of them as a program.

``python sharing.py HOME TIME [watch]`` takes jobs, or watches, as if it were always that time.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gateway.bootstrap import moment, open_parts
from gateway.engine.logs import log_as_json
from gateway.engine.parts import Parts
from gateway.engine.queue import Queue
from gateway.engine.queue.opening import open_shared
from gateway.engine.watching import keep_watching
from gateway.engine.worker import take_jobs
from gateway.settings import Home

CHECKOUT = Path(__file__).resolve().parents[2]
STALLED = 3.0


def settings_of(url: str) -> str:
    """The settings of such a home."""
    return (
        "settle_seconds = 0.0\ntick_seconds = 1.0\n"
        f'[database]\nurl = "{url}"\n'
        f'[queue]\nengine = "distributed"\nstalled_seconds = {STALLED}\n'
    )


class Shared:
    """A home, and the processes that a test has at work in it."""

    def __init__(self, root: Path, at: str) -> None:
        self.home, self.at = Home(root), at
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = root.parent / "log"

    @contextmanager
    def parts(self) -> Iterator[tuple[Parts, datetime]]:
        """The home's parts at its time."""
        now, faked = moment(self.home, self.at)
        with open_parts(self.home, faked) as parts:
            yield parts, now

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        """Its queue."""
        with self.parts() as (parts, _):
            yield open_shared(parts)

    def start(self, *role: str) -> "subprocess.Popen[bytes]":
        """A worker, or the watch, in a process of its own."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, __file__, str(self.home.root), self.at, *role],
                cwd=CHECKOUT,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def until(self, holds: Callable[[], object], pause: float = 0.05) -> None:
        """Wait until something holds; fails, with what was logged, when it takes far too long."""
        over = time.monotonic() + 150
        while not holds():
            assert time.monotonic() < over, self.log.read_text()
            time.sleep(pause)


def main(home: str, at: str, role: str = "worker") -> None:
    """Work, or watch, until SIGTERM."""
    log_as_json()
    now, faked = moment(Home(Path(home)), at)
    with open_parts(Home(Path(home)), faked) as parts:
        work = keep_watching if role == "watch" else take_jobs
        work(parts, open_shared(parts), lambda: now)


if __name__ == "__main__":
    main(*sys.argv[1:])
