"""The worker: one loop that ticks when the clock says so or when a file has arrived.

Everything that matters happens in `tick`, from rows in the database; the clock and the watcher are
hints to look. SIGTERM and SIGINT end the loop after the tick in hand.
"""

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from gateway.engine.faults import WORKER, as_fault
from gateway.engine.lock import WorkerBusy, only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.engine.watch import watch

_PATIENCE_SECONDS = 5.0


def work(parts: Parts, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Work until told to stop. Runs in the main thread, since it handles signals."""
    log = structlog.get_logger("worker")
    wake, stop = threading.Event(), threading.Event()

    def end(number: int, _frame: object) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()
        wake.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(wake.set, "interval", seconds=parts.settings.tick_seconds, coalesce=True)
    scheduler.start()
    observer = watch(parts.home.inbox, wake.set)
    parent = os.getppid()
    log.info("working", flows=list(parts.agreed), tick_seconds=parts.settings.tick_seconds)
    wake.set()
    try:
        while not stop.is_set():
            wake.wait()
            wake.clear()
            if os.getppid() != parent:
                log.error("the supervisor is gone")
                stop.set()
            if not stop.is_set():
                _tick_once(parts, now(), log)
    finally:
        observer.stop()
        observer.join()
        scheduler.shutdown(wait=False)
        log.info("stopped")


def _tick_once(parts: Parts, now: datetime, log: structlog.stdlib.BoundLogger) -> None:
    try:
        with only_worker(parts.home.lock, _PATIENCE_SECONDS):
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
    for package in report.dispatched:
        log.info("package", **package.as_json())
    for placed in report.placed:
        log.info("placed", **placed.as_json())
    for fault in (*report.arrivals.faults, *report.faults):
        log.error("fault", code=fault.code, subject=fault.subject, words=fault.words)
