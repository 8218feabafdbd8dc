"""The queue in PostgreSQL, for as many workers as there are: procrastinate's.

Its `lock` keeps a flow from being looked at by two at once, its `queueing_lock` keeps hints from
piling up, its heartbeats tell who has died or stands still. What differs from its usual way: the
job of such a worker is not retried but put anew, as another job. The worker, should it wake, then
finds its own job gone, and can neither write (`store.fenced`) nor end the job of who came after.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any, cast

import procrastinate
from procrastinate.jobs import Job as Taken
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager

from gateway.engine.queue import Job, LeaseLost, Look
from gateway.store import jobs, meta
from gateway.store.database import Database, Transaction
from gateway.store.fenced import FencedDatabase
from gateway.store.jobs import Waiting

_BEATS = 3  # in the time after which a worker counts as standing still
_POLL_SECONDS = 2.0  # a new job is told of at once; this finds what was passed over
_MADE = "queue.made"  # the last of procrastinate's migrations that our tables have seen


class DistributedQueue:
    """Hints for all workers of a home (`queue.Queue`).

    ``stalled_seconds``: a worker that has not been heard of for so long counts as standing still.
    """

    def __init__(self, database: Database, stalled_seconds: float) -> None:
        self._database = database
        self._stalled_seconds = stalled_seconds
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: asyncio.Task[None] | None = None

    def put(self, tx: Transaction, job: Job) -> None:
        """Ask for a look once ``tx`` is committed."""
        jobs.put(tx, Waiting(job.kind, job.subject))

    def hint(self, job: Job) -> None:
        """Ask for a look now. Raises StoreFault."""
        with self._database.transaction() as tx:
            self.put(tx, job)

    def work(self, look: Look) -> None:
        """Take jobs until told to stop; also ends when the database is out of reach."""
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # `look` tells what matters
        asyncio.run(self._work(look))

    async def _work(self, look: Look) -> None:
        app = procrastinate.App(connector=self._connector())
        app.job_manager = _Jobs(app.connector, self.stop)

        def take(context: procrastinate.JobContext, kind: str, subject: str) -> None:
            self._take(look, cast(int, context.job.id), Job(cast(Any, kind), subject))

        app.task(name=jobs.TASK, queue=jobs.QUEUE, pass_context=True)(take)
        beat = self._stalled_seconds / _BEATS
        async with app.open_async():
            working = app.run_worker_async(
                queues=[jobs.QUEUE],
                concurrency=1,
                fetch_job_polling_interval=_POLL_SECONDS,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=beat,
                stalled_worker_timeout=self._stalled_seconds,
            )
            self._loop, self._working = asyncio.get_running_loop(), asyncio.create_task(working)
            if self._stopping:
                self._working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._working
            self._loop = None

    def _take(self, look: Look, job_id: int, job: Job) -> None:
        def require(tx: Transaction) -> None:
            if not jobs.is_in_hand(tx, job_id):
                raise LeaseLost("This job was given to another worker.")

        try:
            look(job, FencedDatabase(self._database, require))
        except LeaseLost:
            self.stop()  # whatever else this process knows may be as old

    def stop(self) -> None:
        """Let `work` come to its end: the job in hand is finished, and no other taken."""
        self._stopping = True
        if self._loop is not None and self._working is not None:
            self._loop.call_soon_threadsafe(self._working.cancel)

    def rescue(self) -> int:
        """Put the jobs of workers that have died or stand still anew. Raises StoreFault."""
        with self._database.transaction() as tx:
            return jobs.put_again(tx, self._stalled_seconds)

    def close(self) -> None:
        """There is nothing to let go of: `work` closes its connections when it ends."""

    def _connector(self) -> procrastinate.PsycopgConnector:
        address = self._database.url.set(drivername="postgresql")
        conninfo = address.render_as_string(hide_password=False)
        return procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4)


class _Jobs(JobManager):
    """A worker that cannot say that it has ended a job stops: the job is then found stalled."""

    def __init__(self, connector: Any, stop: Any) -> None:
        super().__init__(connector)
        self._stop = stop

    async def finish_job(self, job: Taken, status: Status, delete_job: bool) -> None:
        """End a job that this worker took."""
        try:
            await super().finish_job(job, status, delete_job)
        except Exception:
            self._stop()
            raise


def make_queue(database: Database, service: str = "") -> None:
    """Make the queue's tables, or bring them up to date; the owner of the tables does.

    ``service``: the role that works with them, where it is another. Raises StoreFault.
    """
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    with database.transaction() as tx:
        known = meta.get(tx, _MADE)
        if known is None:
            jobs.make_tables(tx, [SchemaManager.get_schema()])
        else:
            later = [item for item in scripts if item.name > known]
            jobs.make_tables(tx, [item.read_text(encoding="utf-8") for item in later])
        meta.put(tx, _MADE, scripts[-1].name)
        if service:
            jobs.give_rights(tx, service)
