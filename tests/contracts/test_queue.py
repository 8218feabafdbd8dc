"""One suite over both queues: the embedded one beside SQLite, the distributed one in PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import queueing
from queueing import Looking, queue_of
from twins import Twin

from gateway.engine.queue import HOME, Job, Queue, flow_job
from gateway.engine.queue.distributed import make_queue
from gateway.store import meta

CHECKOUT = Path(__file__).resolve().parents[2]
STALLED = 1.5
NOTES, UPDATES = flow_job("notes"), flow_job("updates")


class Bench:
    """A home's database with a queue, and workers on it."""

    def __init__(self, twin: Twin, folder: Path) -> None:
        self.twin, self.folder = twin, folder
        self.database = twin.database
        self.looking = Looking(folder)
        self._processes: list[subprocess.Popen[bytes]] = []
        if twin.kind == "postgresql":
            make_queue(self.database)

    @property
    def is_shared(self) -> bool:
        """Whether several workers share the queue."""
        return self.twin.kind == "postgresql"

    def queue(self) -> Queue:
        """The queue, as one more process has it."""
        return queue_of(self.twin.kind, self.database, STALLED)

    @contextmanager
    def at_work(self, queue: Queue) -> Iterator[threading.Thread]:
        """A worker in a thread; it is stopped at the end."""
        thread = threading.Thread(target=queue.work, args=(self.looking,))
        thread.start()
        try:
            yield thread
        finally:
            queue.stop()
            thread.join(30)
            assert not thread.is_alive()

    def start(self) -> "subprocess.Popen[bytes]":
        """A worker in a process of its own."""
        url = self.database.url.render_as_string(hide_password=False)
        words = (self.twin.kind, url, str(self.folder), str(STALLED))
        process = subprocess.Popen(
            [sys.executable, queueing.__file__, *words],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        self._processes.append(process)
        self.until(lambda: f"{process.pid} started" in self._lines())
        return process

    def end(self) -> None:
        """End what still runs."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def hold(self, name: str) -> Path:
        """Let looks at that subject wait, until the file given is removed."""
        path = self.folder / f"wait-{name}"
        path.touch()
        return path

    def told(self) -> list[str]:
        """What the workers have told, without which told it."""
        return [line.partition(" ")[2] for line in self._lines()]

    def _lines(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def until_told(self, words: str, times: int = 1) -> None:
        """Wait until a worker has told so."""
        self.until(lambda: self.told().count(words) >= times)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; fails when it takes far too long."""
        over = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < over, f"told: {self.told()}"
            time.sleep(0.02)

    def written(self, name: str) -> int:
        """How often looks at that subject have written."""
        with self.database.snapshot() as tx:
            return int(meta.get(tx, f"test:{name}") or "0")


@pytest.fixture
def bench(twin: Twin, tmp_path: Path) -> Iterator[Bench]:
    """A bench on each kind of queue."""
    folder = tmp_path / "bench"
    folder.mkdir()
    made = Bench(twin, folder)
    yield made
    made.end()


def test_a_job_is_put_with_the_commit_and_not_where_it_is_rolled_back(bench: Bench) -> None:
    queue = bench.queue()
    with bench.at_work(queue):
        with pytest.raises(ZeroDivisionError), bench.database.transaction() as tx:
            queue.put(tx, NOTES)
            raise ZeroDivisionError
        with bench.database.transaction() as tx:
            queue.put(tx, UPDATES)
        bench.until_told("done updates")
        queue.hint(HOME)
        bench.until_told("done home")
    assert "begun notes" not in bench.told()


def test_a_job_is_not_looked_at_before_the_commit(bench: Bench) -> None:
    queue = bench.queue()
    with bench.at_work(queue), bench.database.transaction() as tx:
        queue.put(tx, NOTES)
        meta.put(tx, "test:notes", "41")
    with bench.at_work(bench.queue()) as _:
        pass
    bench.until(lambda: bench.written("notes") >= 41)
    assert bench.written("notes") == (42 if "done notes" in bench.told() else 41)


def test_hints_that_wait_are_one_job(bench: Bench) -> None:
    queue = bench.queue()
    for job in (NOTES, UPDATES, NOTES, NOTES, UPDATES):
        queue.hint(job)
    with bench.database.transaction() as tx:
        queue.put(tx, NOTES)
    with bench.at_work(queue):
        bench.until_told("done updates")
        queue.hint(HOME)
        bench.until_told("done home")
    assert sorted(bench.told()) == sorted(
        f"{word} {name}" for word in ("begun", "done") for name in ("notes", "updates", "home")
    )


def test_a_hint_during_a_look_is_another_look(bench: Bench) -> None:
    """What the look in hand has passed already may be what the hint is about."""
    queue, held = bench.queue(), bench.hold("notes")
    with bench.at_work(queue):
        queue.hint(NOTES)
        bench.until_told("begun notes")
        queue.hint(NOTES)
        held.unlink()
        bench.until_told("done notes", 2)
    assert bench.written("notes") == 2


def test_one_flow_is_never_looked_at_by_two(bench: Bench) -> None:
    queues = [bench.queue() for _ in range(2 if bench.is_shared else 1)]
    held = bench.hold("notes")
    queues[0].hint(NOTES)
    with bench.at_work(queues[0]):
        bench.until_told("begun notes")
        with bench.at_work(queues[-1]) if bench.is_shared else _nothing():
            for job in (NOTES, UPDATES):
                queues[0].hint(job)
            if bench.is_shared:  # the other worker goes on with another flow meanwhile
                bench.until_told("done updates")
            assert bench.told().count("begun notes") == 1
            held.unlink()
            bench.until_told("done notes", 2)
            bench.until_told("done updates")


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def test_a_worker_told_to_stop_ends_the_job_in_hand_and_takes_no_other(bench: Bench) -> None:
    worker, held = bench.start(), None
    queue = bench.queue()
    if bench.is_shared:
        held = bench.hold("notes")
        queue.hint(NOTES)
        bench.until_told("begun notes")
        queue.hint(UPDATES)
    worker.send_signal(signal.SIGTERM)
    if held is not None:
        assert worker.poll() is None
        held.unlink()
    assert worker.wait(30) == 0
    assert bench.told()[-1] == "stopped"
    if bench.is_shared:
        assert "done notes" in bench.told()
        assert "begun updates" not in bench.told()
        with bench.at_work(queue):  # it waits for the next
            bench.until_told("done updates")


def test_what_a_killed_worker_had_in_hand_is_looked_at_again(bench: Bench) -> None:
    name = "notes" if bench.is_shared else "all"
    held, queue = bench.hold(name), bench.queue()
    if bench.is_shared:
        queue.hint(NOTES)
    worker = bench.start()
    bench.until_told(f"begun {name}")
    worker.kill()
    worker.wait()
    held.unlink()
    bench.start()
    bench.until(lambda: bool(queue.rescue()) or not bench.is_shared)
    bench.until_told(f"done {name}")
    assert bench.written(name) == 1


def test_a_frozen_worker_that_wakes_changes_nothing(bench: Bench) -> None:
    """Its job is another's by then: what it would still write is refused, and it ends."""
    queue, held = bench.queue(), bench.hold("notes")
    if not bench.is_shared:  # there is one worker, and nobody takes its jobs over
        assert queue.rescue() == 0
        return
    queue.hint(NOTES)
    frozen = bench.start()
    bench.until_told("begun notes")
    frozen.send_signal(signal.SIGSTOP)
    bench.until(lambda: queue.rescue() == 1)
    with bench.at_work(queue):
        bench.until_told("begun notes", 2)
        frozen.send_signal(signal.SIGCONT)  # both have it in hand now
        held.unlink()
        bench.until_told("lost notes")
        bench.until_told("done notes")
        assert frozen.wait(30) == 0
        queue.hint(NOTES)
        bench.until_told("done notes", 2)
    assert bench.written("notes") == 2
    assert bench.told().count("begun notes") == 3


def test_workers_that_are_well_are_left_alone(bench: Bench) -> None:
    queue, held = bench.queue(), bench.hold("notes")
    with bench.at_work(queue):
        queue.hint(NOTES)
        bench.until_told("begun notes")
        over = time.monotonic() + 2 * STALLED
        while time.monotonic() < over:
            assert queue.rescue() == 0
            time.sleep(0.2)
        held.unlink()
        bench.until_told("done notes")


def test_a_job_says_what_to_look_at_and_no_more() -> None:
    assert vars(Job("flow", "notes")) == {"kind": "flow", "subject": "notes"}
