"""Several workers, processes each, share a home: killed or frozen, nothing is lost or doubled."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pgserver import PostgreSQL
from receipting import copied
from rehearsing import clean_row, csv_of
from sharing import CHECKOUT, Shared, settings_of

from gateway.engine.invariants import examine
from gateway.engine.queue import HOME, flow_job
from gateway.store import states

AT = "2026-03-02T16:05"
PACKAGE = "notifications-2026-03-02-01"
NOTIFICATIONS = "notifications"
ROWS = 60


@pytest.fixture(scope="module")
def made(
    postgresql_server: PostgreSQL,
    run_gateway: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """A shared home as `init` makes it, and the database that goes with it. Copy both."""
    root = tmp_path_factory.mktemp("shared") / "home"
    name = postgresql_server.make_empty()
    (root / "config").mkdir(parents=True)
    (root / "keys").mkdir(mode=0o700)
    postgresql_server.write_password(root / "keys")
    (root / "config" / "gateway.toml").write_text(settings_of(postgresql_server.url(name)))
    done = run_gateway(root, "init", "--rehearsal")
    assert done.returncode == 0, done.stdout + done.stderr
    again = run_gateway(root, "init")
    assert again.returncode == 0, again.stdout + again.stderr
    yield SimpleNamespace(root=root, database=name)
    postgresql_server.drop(name)


@pytest.fixture
def shared(
    made: SimpleNamespace,
    postgresql_server: PostgreSQL,
    tmp_path: Path,
    killing: Callable[[Path], list[str]],
) -> Iterator[Shared]:
    """A shared home of the test's own, at the window, with one drop in its inbox."""
    home = copied(made.root, tmp_path / "home")
    name = postgresql_server.make(made.database)
    (home / "config" / "gateway.toml").write_text(settings_of(postgresql_server.url(name)))
    rows = csv_of(clean_row(number) for number in range(1, ROWS + 1))
    (home / "inbox" / "ofsted" / NOTIFICATIONS / "monday.csv").write_bytes(rows)
    found = Shared(home, AT)
    yield found
    found.end()
    killing(home)
    postgresql_server.drop(name)


def some(pattern: str, count: int = 1) -> Callable[[Path], bool]:
    """Whether so many files lie there."""
    return lambda home: sum(1 for _ in home.glob(pattern)) >= count


def placed(shared: Shared) -> list[str]:
    """The packages in the outboxes whose manifest shows."""
    found = shared.home.outbox.glob(f"*/{NOTIFICATIONS}/*.manifest.json")
    return sorted(path.name for path in found)


def assert_one_of_each(shared: Shared) -> None:
    """One drop, one package, one delivery to each; all as it is to be."""
    with shared.parts() as (parts, _), parts.database.snapshot() as tx:
        drops, packages = states.drops(tx), states.packages(tx)
        deliveries = states.deliveries(tx)
    assert [drop.state for drop in drops] == ["sent"]
    assert [
        (item.id, item.state, item.rows) for item in packages if item.flow == NOTIFICATIONS
    ] == [(PACKAGE, "placed", ROWS)]
    assert sorted((item.party, item.state) for item in deliveries) == [
        ("dfe", "placed"),
        ("panel", "placed"),
    ]
    for party in ("dfe", "panel"):
        outbox = shared.home.outbox_of(party, NOTIFICATIONS)
        ends = (".manifest.json", ".manifest.json.asc", ".zip.gpg")
        assert sorted(path.name for path in outbox.iterdir()) == [f"{PACKAGE}{end}" for end in ends]
    assert not [path for path in shared.home.work.rglob("*") if path.is_file()]
    with shared.parts() as (parts, _):
        assert examine(parts) == []


# What must lie on the disk when the worker is frozen.
POINTS = {
    "claimed": some("var/work/drops/*/*/claimed"),
    "staged": some("var/staged/*.held"),
    "zipped": some("var/work/packages/*/*.zip"),
    "first placed": some(f"outbox/dfe/{NOTIFICATIONS}/*.gpg"),
}


@pytest.mark.parametrize("point", list(POINTS))
def test_a_worker_that_was_frozen_changes_nothing_when_it_wakes(shared: Shared, point: str) -> None:
    with shared.queue() as queue:
        queue.hint(flow_job(NOTIFICATIONS))
        frozen = shared.start()
        shared.until(lambda: POINTS[point](shared.home.root), pause=0.0005)
        frozen.send_signal(signal.SIGSTOP)
        over = time.monotonic() + 60
        while not (taken := queue.rescue()) and time.monotonic() < over:
            time.sleep(0.1)
        other = shared.start()
        shared.until(lambda: len(placed(shared)) == 2)
        frozen.send_signal(signal.SIGCONT)
        if taken:  # else it had ended the job before it was frozen
            assert frozen.wait(60) == 0
            assert "another worker has the job" in shared.log.read_text()
        queue.hint(flow_job(NOTIFICATIONS))
        queue.hint(HOME)
        shared.until(lambda: (shared.home.checkpoint).is_file())
        shared.until(lambda: not queue.rescue() and not waiting(shared))
        other.terminate()
        assert other.wait(60) == 0
    assert_one_of_each(shared)


def waiting(shared: Shared) -> int:
    """How many jobs wait or are in hand."""
    with shared.parts() as (parts, _), parts.database.snapshot() as tx:
        asked = "SELECT count(*) FROM procrastinate_jobs"
        return int(tx.exec_driver_sql(asked).scalar_one())


def test_a_watch_and_two_workers_do_all_of_it(shared: Shared) -> None:
    """Nobody is told of anything but by the watch; one worker is killed on the way."""
    first, _ = shared.start(), shared.start()
    watch = shared.start("watch")
    shared.until(lambda: POINTS["claimed"](shared.home.root) or placed(shared), pause=0.001)
    first.kill()
    shared.start()
    shared.until(lambda: len(placed(shared)) == 2)
    shared.until(lambda: shared.home.checkpoint.is_file())
    watch.terminate()
    assert watch.wait(60) == 0
    shared.until(lambda: not waiting(shared))
    shared.end()
    assert_one_of_each(shared)
    assert "scheduling" in shared.log.read_text()


def test_the_next_watch_becomes_the_scheduler_when_the_first_dies(shared: Shared) -> None:
    first = shared.start("watch")
    shared.until(lambda: shared.log.read_text().count("scheduling") == 1)
    shared.start("watch")
    shared.until(lambda: shared.log.read_text().count('"watching"') == 2)
    assert shared.log.read_text().count("scheduling") == 1
    first.kill()
    shared.until(lambda: shared.log.read_text().count("scheduling") == 2)


def test_a_tick_is_refused_beside_workers(shared: Shared, run_gateway: Callable[..., Any]) -> None:
    told = run_gateway(shared.home.root, "tick", "--now", AT)
    assert told.returncode == 1
    assert "queue.distributed" in told.stdout + told.stderr


def test_run_starts_a_watch_and_workers_and_ends_them(shared: Shared) -> None:
    """In real time: the drop is taken by one of the workers, whatever the day."""
    with shared.log.open("ab") as log:
        words = [sys.executable, "-m", "gateway", "--home", str(shared.home.root), "run"]
        run = subprocess.Popen(words, cwd=CHECKOUT, stdout=log, stderr=log)
    shared.processes.append(run)
    shared.until(lambda: list(shared.home.reports_of("ofsted").glob("*.csv")))
    run.terminate()
    assert run.wait(120) == 0
    told = shared.log.read_text()
    for name in ("watch", "worker-1", "worker-2"):
        assert f"{name} started" in told
    assert told.count('"stopped"') == 4
