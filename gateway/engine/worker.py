"""The worker: takes jobs, that is hints to look, when the clock says so or a file has arrived.

Everything that matters happens in `tick`, from rows in the database; the clock, the watcher and the
queue are hints to look. SIGTERM and SIGINT end the work after the look in hand.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from gateway.engine.door import Door
from gateway.engine.faults import WORKER, as_fault
from gateway.engine.lock import WorkerBusy, only_worker
from gateway.engine.parts import Parts
from gateway.engine.queue import ALL, HOME, Job, LeaseLost, Queue
from gateway.engine.queue.embedded import EmbeddedQueue
from gateway.engine.tick import TickReport, look_at_flow, look_at_home, tick
from gateway.engine.watch import watch
from gateway.records.alarms import clear_about
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
    observer = watch(parts.home.inbox, lambda _: queue.hint(ALL))
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


def take_jobs(
    parts: Parts, queue: Queue, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Be one of several workers: look at what jobs name, until told to stop. In the main thread."""
    log = structlog.get_logger("worker")
    told = stop_on_signals(queue)
    parent = os.getppid()

    def look(job: Job, database: Database) -> None:
        if os.getppid() != parent:
            log.error("the supervisor is gone")
            queue.stop()
        else:
            _look_once(replace(parts, database=database), queue, job, now(), log)

    log.info("working", flows=len(parts.agreed))
    queue.work(look)
    if told:
        log.info("stopping", signal=signal.Signals(told[-1]).name)
    log.info("stopped")


def _look_once(
    parts: Parts, queue: Queue, job: Job, now: datetime, log: structlog.stdlib.BoundLogger
) -> None:
    """Do what a job asks for. Raises LeaseLost alone: the job is another's then."""
    about = f"look:{job.subject}" if job.subject else WORKER
    try:
        if job.subject in parts.agreed:
            report = look_at_flow(parts, parts.flow(job.subject), now)
        else:
            report = look_at_home(parts, now)
        with parts.database.transaction() as tx:
            clear_about(tx, about, now)
            if job.subject and report.moved:  # the home's next checkpoint is to cover it
                queue.put(tx, HOME)
    except LeaseLost:
        log.warning("another worker has the job", kind=job.kind, subject=job.subject)
        raise
    except Exception as error:  # the worker lives on; the next look tries again
        _tell_failed(parts, about, error, now, log)
    else:
        _log(report, log)


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
        with only_worker(parts, _PATIENCE_SECONDS):
            report = tick(parts, now)
    except WorkerBusy:
        log.info("another worker is at work")
    except Exception as error:  # the worker lives on; the next tick looks again
        _tell_failed(parts, WORKER, error, now, log)
    else:
        _log(report, log)


def _tell_failed(
    parts: Parts, about: str, error: Exception, now: datetime, log: structlog.stdlib.BoundLogger
) -> None:
    fault = as_fault(about, error)
    log.error("tick failed", code=fault.code, words=fault.words)
    fault.alarm(parts.database, now)


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
