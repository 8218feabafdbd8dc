"""The worker: one loop that ticks when the clock says so or when a file has arrived.

Everything that matters happens in `tick`, from rows in the database; the clock and the watcher are
hints to look. SIGTERM and SIGINT end the loop after the tick in hand.
"""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from gateway.engine.door import Door
from gateway.engine.faults import WORKER, as_fault
from gateway.engine.lock import WorkerBusy, only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.engine.watch import watch

_PATIENCE_SECONDS = 5.0
_LOOK = 0  # a call to look; other calls are the numbers of signals


def work(parts: Parts, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Work until told to stop. Runs in the main thread, since it handles signals."""
    log = structlog.get_logger("worker")
    # A signal may come while this thread holds the lock of a log or of an Event: its handler then
    # must want neither. A SimpleQueue is made for that.
    calls: SimpleQueue[int] = SimpleQueue()

    def wake() -> None:
        calls.put(_LOOK)

    def end(number: int, _frame: object) -> None:
        calls.put(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(wake, "interval", seconds=parts.settings.tick_seconds, coalesce=True)
    scheduler.start()
    observer = watch(parts.home.inbox, wake)
    door = Door(parts, now)
    parent = os.getppid()
    log.info("working", flows=list(parts.agreed), tick_seconds=parts.settings.tick_seconds)
    wake()
    try:
        while not (told := _next_calls(calls)):
            if os.getppid() != parent:
                log.error("the supervisor is gone")
                return
            _tick_once(parts, now(), log)
        log.info("stopping", signal=signal.Signals(told).name)
    finally:
        door.close()
        observer.stop()
        observer.join()
        scheduler.shutdown(wait=False)
        log.info("stopped")


def _next_calls(calls: "SimpleQueue[int]") -> int:
    """Wait for a call, and take all that wait: the signal among them, or `_LOOK`."""
    told = calls.get()
    while not calls.empty():
        told = max(told, calls.get())
    return told


def _tick_once(parts: Parts, now: datetime, log: structlog.stdlib.BoundLogger) -> None:
    try:
        with only_worker(parts, _PATIENCE_SECONDS):
            report = tick(parts, now)
    except WorkerBusy:
        log.info("another worker is at work")
    except Exception as error:  # the worker lives on; the next tick looks again
        fault = as_fault(WORKER, error)
        log.error("tick failed", code=fault.code, words=fault.words)
        fault.alarm(parts.database, now)
    else:
        _log(report, log)


def _log(report: TickReport, log: structlog.stdlib.BoundLogger) -> None:
    for item in report.arrivals.processed:
        log.info(
            "drop",
            drop=item.drop_id,
            flow=item.flow,
            state=item.state,
            rows=item.verdict.rows,
            accepted=item.verdict.accepted,
            held=item.verdict.held,
        )
    for refusal in report.arrivals.newly_refused:
        log.warning("refused", flow=refusal.candidate.flow, code=refusal.finding.code)
    for receipt in report.returns.recorded:
        log.info("receipt", **receipt.as_json())
    for not_taken in report.returns.refused:
        log.warning("receipt refused", party=not_taken.party, code=not_taken.code)
    for act in report.acts:
        log.info("act", **act.as_json())
    for package in report.dispatched:
        log.info("package", **package.as_json())
    for placed in report.placed:
        log.info("placed", **placed.as_json())
    for fault in (*report.arrivals.faults, *report.returns.faults, *report.faults):
        log.error("fault", code=fault.code, subject=fault.subject, words=fault.words)
