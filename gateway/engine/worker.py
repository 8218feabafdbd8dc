"""The worker: takes jobs, that is hints to look, when the clock says so or a file has arrived.

Everything that matters happens in `tick`, from rows in the database; the clock, the watcher and the
queue are hints to look. SIGTERM and SIGINT end the work after the look in hand.
"""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from gateway.engine.door import Door
from gateway.engine.faults import WORKER, as_fault
from gateway.engine.lock import WorkerBusy, only_worker
from gateway.engine.parts import Parts
from gateway.engine.queue import ALL, Job, Queue
from gateway.engine.queue.embedded import EmbeddedQueue
from gateway.engine.tick import TickReport, tick
from gateway.engine.watch import watch
from gateway.store.database import Database

_PATIENCE_SECONDS = 5.0


def work(parts: Parts, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Watch and work, until told to stop. Runs in the main thread, since it handles signals."""
    log = structlog.get_logger("worker")
    queue = EmbeddedQueue(parts.database)
    told = stop_on_signals(queue)
    scheduler = BackgroundScheduler(timezone=UTC)
    seconds = parts.settings.tick_seconds
    scheduler.add_job(queue.hint, "interval", [ALL], seconds=seconds, coalesce=True)
    scheduler.start()
    observer = watch(parts.home.inbox, lambda: queue.hint(ALL))
    door = Door(parts, now)
    parent = os.getppid()

    def look(_job: Job, _database: Database) -> None:
        if os.getppid() != parent:
            log.error("the supervisor is gone")
            queue.stop()
        else:
            _tick_once(parts, now(), log)

    log.info("working", flows=list(parts.agreed), tick_seconds=seconds)
    queue.hint(ALL)
    try:
        queue.work(look)
        if told:
            log.info("stopping", signal=signal.Signals(told[-1]).name)
    finally:
        door.close()
        observer.stop()
        observer.join()
        scheduler.shutdown(wait=False)
        log.info("stopped")


def stop_on_signals(queue: Queue) -> list[int]:
    """Have SIGTERM and SIGINT stop the queue; the list tells which has come."""
    told: list[int] = []

    def end(number: int, _frame: object) -> None:
        told.append(number)
        queue.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return told


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
