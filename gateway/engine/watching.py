"""`gateway watch`, where several workers share a home: sees what arrives, and puts hints.

Every host's watch tells of what arrives in the inboxes as that host sees it, and answers at the
door for the faces there. One of them is the scheduler as well (`scheduler`): whoever holds a lock
of the database, for as long as its connection lives. Then the next one takes it.
"""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from gateway.engine.door import Door
from gateway.engine.parts import Parts
from gateway.engine.queue import HOME, Job, Queue, flow_job
from gateway.engine.scheduler import Scheduler
from gateway.engine.watch import watch
from gateway.store.database import StoreFault
from gateway.store.postgresql import Holding

_SCHEDULER = "scheduler"
_AGAIN_SECONDS = 2.0


def keep_watching(
    parts: Parts, queue: Queue, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Watch until told to stop. Runs in the main thread, since it handles signals."""
    watching = _Watching(parts, queue, now)
    watching.heed_signals()
    observer = watch(parts.home.inbox, watching.tell)
    door = Door(parts, now)
    log = structlog.get_logger("watch")
    log.info("watching", flows=len(parts.agreed), tick_seconds=parts.settings.tick_seconds)
    try:
        watching.run()
    finally:
        door.close()
        observer.stop()
        observer.join()
        log.info("stopped")


class _Watching:
    """The life of a watch. Jobs come from the watcher's thread, and numbers from signals."""

    def __init__(self, parts: Parts, queue: Queue, now: Callable[[], datetime]) -> None:
        self._parts, self._queue, self._now = parts, queue, now
        self._calls: SimpleQueue[Job | int] = SimpleQueue()
        self._is_over = False
        self._parent = os.getppid()
        self._log = structlog.get_logger("watch")

    def heed_signals(self) -> None:
        """SIGTERM and SIGINT end the watch."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda told, _frame: self._calls.put(told))

    def tell(self, path: Path) -> None:
        """A file has arrived: a look at its flow may find a drop, one at the home a receipt."""
        within = path.relative_to(self._parts.home.inbox).parts
        flow_id = within[1] if len(within) > 2 else ""
        self._calls.put(flow_job(flow_id) if flow_id in self._parts.agreed else HOME)

    def run(self) -> None:
        """Try to be the scheduler, and see to it while that lasts."""
        while not self._is_over:
            try:
                with self._parts.database.held(_SCHEDULER, 0.0) as holding:
                    if holding:
                        self._log.info("scheduling")
                        self._schedule(holding)
            except StoreFault as fault:
                self._log.error("the database is out of reach", code=fault.code)
            self._heed(_AGAIN_SECONDS)

    def _schedule(self, holding: Holding) -> None:
        scheduler = Scheduler(self._parts, self._queue)
        while holding and not self._is_over:
            scheduler.see_to(self._now())
            self._heed(self._parts.settings.tick_seconds)

    def _heed(self, seconds: float) -> None:
        """Pass hints on for so long, each but once of those that come together."""
        over = time.monotonic() + seconds
        while not self._is_over and (left := over - time.monotonic()) > 0:
            told: dict[Job | int, None] = {}
            try:
                told[self._calls.get(timeout=min(left, 1.0))] = None
                while True:
                    told[self._calls.get_nowait()] = None
            except Empty:
                pass
            self._is_over = os.getppid() != self._parent
            for call in told:
                if isinstance(call, Job):
                    self._queue.hint(call)
                else:
                    self._log.info("stopping", signal=signal.Signals(call).name)
                    self._is_over = True
