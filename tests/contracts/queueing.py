"""A worker of either queue, in a process of its own: it writes down what it looks at.

``python queueing.py KIND URL FOLDER STALLED``. Each look adds ``begun <subject>`` to FOLDER/told,
waits while FOLDER/wait-<subject> is there, then writes a row and adds ``done <subject>``, or
``lost <subject>`` where the database refused.
"""

import os
import signal
import sys
import time
from pathlib import Path

from gateway.engine.queue import ALL, Job, LeaseLost, Queue
from gateway.engine.queue.distributed import DistributedQueue
from gateway.engine.queue.embedded import EmbeddedQueue
from gateway.store import meta
from gateway.store.database import Database

PAUSE = 0.02


def queue_of(kind: str, database: Database, stalled: float) -> Queue:
    """The queue that goes with a database of that kind."""
    if kind == "sqlite":
        return EmbeddedQueue(database)
    return DistributedQueue(database, stalled)


class Looking:
    """What a look does: slow where the test says so."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tell(self, words: str) -> None:
        """Add a line, whole."""
        with (self._folder / "told").open("a") as out:
            out.write(f"{os.getpid()} {words}\n")

    def __call__(self, job: Job, database: Database) -> None:
        name = job.subject or job.kind
        self.tell(f"begun {name}")
        while (self._folder / f"wait-{name}").exists():
            time.sleep(PAUSE)
        try:
            with database.transaction() as tx:
                known = int(meta.get(tx, f"test:{name}") or "0")
                meta.put(tx, f"test:{name}", str(known + 1))
        except LeaseLost:
            self.tell(f"lost {name}")
            raise
        self.tell(f"done {name}")


def main(kind: str, url: str, folder: str, stalled: str) -> None:
    """Work until SIGTERM, as the gateway's worker does: an embedded one looks at all first."""
    database = Database(url)
    queue = queue_of(kind, database, float(stalled))
    signal.signal(signal.SIGTERM, lambda *_: queue.stop())
    if kind == "sqlite":
        queue.hint(ALL)
    looking = Looking(Path(folder))
    looking.tell("started")
    queue.work(looking)
    looking.tell("stopped")
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
