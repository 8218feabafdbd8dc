"""What is held against other hosts: by one at a time, and let go when its holder is gone."""

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from twins import Twin

from gateway.engine.lock import WorkerBusy, only_worker
from gateway.settings import Home
from gateway.store.database import StoreFault

CHECKOUT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from gateway.store.database import Database
with Database(sys.argv[1]).held("worker", 0) as is_ours:
    print(bool(is_ours), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def hosts(twin: Twin, tmp_path: Path) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Two hosts with a home folder each; their database is one."""
    made = []
    for name in ("one", "two"):
        home = Home(tmp_path / name)
        home.var.mkdir(parents=True)
        made.append(SimpleNamespace(home=home, database=twin.database))
    return made[0], made[1]


def test_two_workers_of_one_host_wait_for_one_another(
    hosts: tuple[SimpleNamespace, SimpleNamespace],
) -> None:
    with only_worker(hosts[0], 0), pytest.raises(WorkerBusy), only_worker(hosts[0], 0.1):
        pytest.fail("two were at work at once")
    with only_worker(hosts[0], 0):
        pass


def test_workers_of_two_hosts_wait_for_one_another(
    twin: Twin, hosts: tuple[SimpleNamespace, SimpleNamespace]
) -> None:
    if twin.server is None:
        pytest.skip("a database in a file is of one host")
    order: list[str] = []

    def second() -> None:
        with only_worker(hosts[1], 30):
            order.append("second")

    with only_worker(hosts[0], 0):
        with pytest.raises(WorkerBusy) as busy, only_worker(hosts[1], 0.1):
            pytest.fail("two hosts were at work at once")
        assert busy.value.code == "worker.busy"
        waiting = threading.Thread(target=second)
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_what_is_held_under_other_names_is_apart(twin: Twin) -> None:
    with twin.database.held("one", 0) as one, twin.database.held("two", 0) as two:
        assert one and two


def test_a_holder_that_is_killed_lets_go(twin: Twin) -> None:
    if twin.server is None:
        pytest.skip("a database in a file is of one host")
    url = twin.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", HOLD, url]
    holder = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "True\n"
        with twin.database.held("worker", 0) as is_ours:
            assert not is_ours
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with twin.database.held("worker", 30) as is_ours:
        assert is_ours


def test_a_holder_whose_connection_is_lost_ends_well(twin: Twin) -> None:
    """It may not be alone any more: what it does is a compare-and-set, and so it may go on."""
    if twin.server is None:
        pytest.skip("a file has no server")
    with twin.database.held("worker", 0) as is_ours:
        assert is_ours
        twin.server.restart()
        with closing(twin.again()) as other, other.held("worker", 5) as theirs:
            assert theirs
    twin.server.stop()
    try:
        with pytest.raises(StoreFault) as told, twin.database.held("worker", 0):
            pytest.fail("it was held without a server")
        assert told.value.code == "database.unavailable"
    finally:
        twin.server.begin()
