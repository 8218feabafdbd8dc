"""`gateway run`: keeps the worker and the faces alive, each a process, and stops them cleanly."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.settings import Settings

_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_SECONDS = 60.0
_STOP_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_FILES_SECONDS = 2.0


@dataclass(frozen=True)
class Service:
    """A process that `run` keeps alive. ``words``: the gateway's own command for it."""

    name: str
    words: tuple[str, ...]


def chosen(settings: Settings, api: str = "", sftp: str = "", web: str = "") -> list[Service]:
    """The processes to run. An address given here (host:port) comes before the settings'."""
    api, sftp = api or settings.api.listen, sftp or settings.sftp.listen
    web = web or settings.web.listen
    table = (
        (api, Service("api", ("api", "--listen", api))),
        (sftp, Service("sftp", ("sftp", "--listen", sftp))),
        (web, Service("web", ("web", "--listen", web))),
    )
    return [*working(settings), *(service for wanted, service in table if wanted)]


def working(settings: Settings) -> list[Service]:
    """One worker that watches as well; or a watch, and workers for the jobs it gives."""
    if settings.queue.engine == "embedded":
        return [Service("worker", ("worker",))]
    names = [f"worker-{number}" for number in range(1, settings.queue.workers + 1)]
    return [Service("watch", ("watch",)), *(Service(name, ("worker",)) for name in names)]


def supervise(
    home: Path, services: Sequence[Service], out_of_date: Callable[[], bool] = lambda: False
) -> int:
    """Run each as a process of its own; start it again, ever more slowly, when it dies.

    When ``out_of_date`` says so, all are ended cleanly and started anew. Ends on SIGTERM or SIGINT
    with the end of them all; returns the exit code of this process.
    """
    log = structlog.get_logger("supervisor")
    # No Event: its lock may be held by the very thread that the signal's handler interrupts.
    told: list[int] = []

    def end(number: int, _frame: object) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    kept = [_Kept(service, home, log) for service in services]
    looked = time.monotonic()
    while not told:
        for item in kept:
            item.look()
        time.sleep(_LOOK_SECONDS)
        if time.monotonic() - looked >= _FILES_SECONDS:
            looked = time.monotonic()
            if out_of_date():
                log.info("other agreements are in force: starting anew")
                _end_all(kept)
    _end_all(kept)
    log.info("stopped")
    return 0


def _end_all(kept: "Sequence[_Kept]") -> None:
    for item in kept:
        item.tell()
    over = time.monotonic() + _STOP_SECONDS
    for item in kept:
        item.end(over)


@dataclass
class _Kept:
    """One process that is kept alive. Times are monotonic seconds."""

    service: Service
    home: Path
    log: structlog.stdlib.BoundLogger
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    not_before: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Start the process where it does not run and has paused long enough."""
        if self.process is not None and self.process.poll() is not None:
            self._died(self.process.returncode)
        if self.process is None and time.monotonic() >= self.not_before:
            self.started = time.monotonic()
            self.process = subprocess.Popen(command(self.home, self.service))
            self.log.info(f"{self.service.name} started", pid=self.process.pid)

    def _died(self, code: int) -> None:
        self.process = None
        steady = time.monotonic() - self.started > _STEADY_SECONDS
        self.failures = 0 if steady else self.failures + 1
        step = min(self.failures, len(_BACKOFF_SECONDS)) - 1
        pause = _BACKOFF_SECONDS[step] if self.failures else 0.0
        self.not_before = time.monotonic() + pause
        self.log.error(f"{self.service.name} died", exit_code=code, restart_in_seconds=pause)

    def tell(self) -> None:
        """Ask the process to end."""
        if self.process is not None:
            self.process.terminate()

    def end(self, over: float) -> None:
        """Wait for the process to end, and kill it when that time is over."""
        if self.process is None:
            return
        try:
            self.process.wait(max(over - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.log.error(
                f"{self.service.name} did not stop in time and was killed; "
                "the next start goes on where it was"
            )
            self.process.kill()
            self.process.wait()
        self.process = None


def command(home: Path, service: Service) -> Sequence[str]:
    """How the process of a service is started."""
    return (sys.executable, "-m", "gateway", "--home", str(home), *service.words)
