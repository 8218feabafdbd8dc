"""The clock of a shared home: windows opened with their jobs, and looks for whatever waits."""

from datetime import datetime

import pytest
from rehearsing import NOTIFICATIONS, UPDATES, AtWork, clean_row

from gateway.engine.parts import Parts
from gateway.engine.queue import HOME, Job, flow_job
from gateway.engine.queue.embedded import EmbeddedQueue
from gateway.engine.scheduler import Scheduler
from gateway.engine.windows import open_windows
from gateway.store.database import Transaction

MORNING, AT_FOUR = "2026-03-02T10:00", "2026-03-02T16:05"


class Rounds:
    """A scheduler, and what it asked for at each round."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.queue = EmbeddedQueue(parts.database)
        self.scheduler = Scheduler(parts, self.queue)

    def asked_at(self, now: datetime) -> set[Job]:
        """One round."""
        self.scheduler.see_to(now)
        found: set[Job] = set()
        last = Job("flow", "last of all")
        self.queue.hint(last)

        def look(job: Job, _: object) -> None:
            found.add(job)
            if job == last:
                self.queue.stop()

        self.queue.work(look)
        return found - {last}


def test_every_flow_at_first_then_what_waits_alone(work: AtWork) -> None:
    with work.parts(MORNING) as (parts, now):
        rounds = Rounds(parts)
        assert rounds.asked_at(now) == {flow_job(NOTIFICATIONS), flow_job(UPDATES), HOME}
        assert rounds.asked_at(now) == {HOME}
        work.rows(clean_row(1))
        assert rounds.asked_at(now) == {flow_job(NOTIFICATIONS), HOME}
        (work.home.drops_work / UPDATES / "20260302-0123456789ab").mkdir(parents=True)
        assert rounds.asked_at(now) == {flow_job(NOTIFICATIONS), flow_job(UPDATES), HOME}


def test_a_window_that_comes_due_is_opened_and_asked_for(work: AtWork) -> None:
    with work.parts(MORNING) as (parts, morning), work.parts(AT_FOUR) as (_, at_four):
        rounds = Rounds(parts)
        rounds.asked_at(morning)
        assert work.windows() == []
        assert rounds.asked_at(at_four) == {flow_job(NOTIFICATIONS), HOME}
        assert work.windows() == [("2026-03-02", "due", False, None)]
        assert rounds.asked_at(at_four) == {flow_job(NOTIFICATIONS), HOME}  # it waits to be packed


def test_a_window_is_opened_with_its_job_or_not_at_all(work: AtWork) -> None:
    with work.parts(MORNING) as (parts, morning), work.parts(AT_FOUR) as (_, at_four):
        flow = parts.flow(NOTIFICATIONS)
        open_windows(parts, flow, morning)

        def fail(_: Transaction) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            open_windows(parts, flow, at_four, fail)
    assert work.windows() == []
