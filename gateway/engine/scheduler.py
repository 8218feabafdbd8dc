"""The clock of a home that several workers share: opens windows, and asks for looks.

What it asks for is decided by rows and folders at each round, so that a hint that was lost, or was
for a worker that died, is given again. Two schedulers at once would do no harm.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.agreement.model import Flow
from gateway.agreement.windows import moments
from gateway.agreement.workingdays import WorkingDays
from gateway.engine.acts import flows_asked_about
from gateway.engine.parts import Parts
from gateway.engine.queue import HOME, Queue, flow_job
from gateway.engine.windows import open_windows
from gateway.intake.claim import is_ignored
from gateway.store import waiting
from gateway.store.database import Transaction

_ALL_AGAIN = 20  # rounds: then every flow is looked at, whatever seems to wait


class Scheduler:
    """Sees to one home, round after round."""

    def __init__(self, parts: Parts, queue: Queue) -> None:
        self._parts, self._queue = parts, queue
        self._days = {
            flow_id: WorkingDays(agreed.agreement.calendar)
            for flow_id, agreed in parts.agreed.items()
        }
        self._rounds = 0

    def see_to(self, now: datetime) -> None:
        """One round. Raises StoreFault."""
        self._queue.rescue()
        for flow in self._opening(now):
            open_windows(self._parts, flow, now, partial(self._ask, flow.id))
        wanted = self._parts.agreed if self._rounds % _ALL_AGAIN == 0 else self._waiting()
        self._rounds += 1
        with self._parts.database.transaction() as tx:
            for flow_id in wanted:
                self._ask(flow_id, tx)
            self._queue.put(tx, HOME)

    def _ask(self, flow_id: str, tx: Transaction) -> None:
        self._queue.put(tx, flow_job(flow_id))

    def _opening(self, now: datetime) -> Iterator[Flow]:
        """The flows of which a window has come due that is not recorded yet."""
        with self._parts.database.snapshot() as tx:
            last, first = waiting.last_days(tx), waiting.first_days(tx)
        for flow in self._parts.flows():
            start = first.get(flow.id)
            if start is not None and flow.id in last:
                start = max(start, last[flow.id] + timedelta(days=1))
            if start is None or moments(flow.window, self._days[flow.id], start, now):
                yield flow

    def _waiting(self) -> set[str]:
        """The flows with a row, an approved request or a file that waits."""
        with self._parts.database.snapshot() as tx:
            found = waiting.flows(tx) | flows_asked_about(self._parts, tx)
        for flow in self._parts.flows():
            inbox = self._parts.home.inbox_of(flow.sender, flow.id)
            if self._holds_files(inbox) or self._holds_files(self._parts.home.drops_work / flow.id):
                found.add(flow.id)
        return found & set(self._parts.agreed)

    def _holds_files(self, folder: Path) -> bool:
        with suppress(OSError), os.scandir(folder) as entries:
            return any(not is_ignored(entry.name, self._parts.settings) for entry in entries)
        return False
