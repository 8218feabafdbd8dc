"""The queue in a worker's own memory: nothing of it outlives the worker, and nothing needs to.

A worker looks at everything when it starts. What it was told before it died, it sees then.
"""

from queue import Empty, SimpleQueue

from gateway.engine.queue import Job, Look
from gateway.store.database import Database, Transaction
from gateway.store.jobs import after_commit


class EmbeddedQueue:
    """Hints for the one worker of a home (`queue.Queue`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A signal may come while this thread holds the lock of a log or of an Event: its handler
        # then must want neither. A SimpleQueue is made for that. None: to stop.
        self._calls: SimpleQueue[Job | None] = SimpleQueue()

    def put(self, tx: Transaction, job: Job) -> None:
        """Ask for a look once ``tx`` is committed."""
        after_commit(tx, lambda: self.hint(job))

    def hint(self, job: Job) -> None:
        """Ask for a look now."""
        self._calls.put(job)

    def work(self, look: Look) -> None:
        """Take jobs until told to stop. Those that wait are taken together: each is done once."""
        waiting: dict[Job, None] = {}
        while self._gathered(waiting):
            job = next(iter(waiting))
            del waiting[job]
            look(job, self._database)

    def _gathered(self, waiting: dict[Job, None]) -> bool:
        """Take all calls there are, and wait for one where no job waits; False: to stop."""
        try:
            while True:
                job = self._calls.get(block=not waiting)
                if job is None:
                    return False
                waiting[job] = None
        except Empty:
            return True

    def stop(self) -> None:
        """Let `work` come to its end."""
        self._calls.put(None)

    def rescue(self) -> int:
        """There is no other worker whose jobs could be saved."""
        return 0

    def close(self) -> None:
        """There is nothing to let go of."""
