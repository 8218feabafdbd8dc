"""The service as it runs: the worker takes what arrives, is kept alive, and stops cleanly."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.request import urlopen

import psutil
import pytest
from rehearsing import clean_row, csv_of

from gateway.engine.lock import WorkerBusy, only_worker
from gateway.settings import Home
from gateway.store.database import Database

PATIENCE_SECONDS = 60


@pytest.fixture
def service(rehearsal_home, checkout, tmp_path) -> Iterator["Service"]:
    """`gateway run` on a rehearsal home, stopped at the end whatever happens."""
    running = Service(rehearsal_home, checkout, tmp_path / "service.log")
    yield running
    running.end()


class Service:
    """A started `gateway run` and its log."""

    def __init__(self, home, checkout, log, *words):
        self.home, self.log = home, log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "--home", str(home), "run", *words],
                cwd=checkout,
                stderr=stream,
                stdout=stream,
            )

    def events(self, name):
        """The log's lines of one event so far."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [told for line in lines if (told := json.loads(line))["event"] == name]

    def wait_for(self, name, count=1):
        """Wait until an event was logged so often; the last one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.events(name)) < count:
            assert time.monotonic() < deadline, f"no {name!r} in: {self.log.read_text()}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        return self.events(name)[-1]

    def stop(self):
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def end(self):
        """Leave nothing running."""
        family = []
        if self.process.poll() is None:
            family = [psutil.Process(self.process.pid)]
            family += family[0].children(recursive=True)
        for process in family:
            process.kill()
        self.process.wait()


def test_a_dropped_file_is_taken_and_the_end_is_clean(service):
    service.wait_for("working")
    inbox = service.home / "inbox" / "ofsted" / "notifications"
    (inbox / ".arriving.part").write_bytes(csv_of([clean_row(1), clean_row(2, gender="Q")]))
    (inbox / ".arriving.part").rename(inbox / "monday.csv")
    drop = service.wait_for("drop")
    assert (drop["state"], drop["accepted"], drop["held"]) == ("partly-held", 1, 1)
    family = psutil.Process(service.process.pid).children(recursive=True)
    assert family
    assert service.stop() == 0
    assert [process for process in family if process.is_running()] == []
    assert len(service.events("stopped")) == 2, "the worker's and the supervisor's"


def test_a_killed_worker_is_started_again(service):
    first = service.wait_for("worker started")["pid"]
    service.wait_for("working")
    os.kill(first, signal.SIGKILL)
    assert service.wait_for("worker died")["exit_code"] == -signal.SIGKILL
    assert service.wait_for("worker started", 2)["pid"] != first
    service.wait_for("working", 2)
    assert service.stop() == 0


def test_the_api_is_a_process_of_its_own_and_started_again(rehearsal_home, checkout, tmp_path):
    words = ("--api", "127.0.0.1:0")
    service = Service(rehearsal_home, checkout, tmp_path / "service.log", *words)
    try:
        worker = service.wait_for("worker started")["pid"]
        first = psutil.Process(service.wait_for("api started")["pid"])
        address = service.wait_for("api listening")["address"]
        assert worker != first.pid
        service.wait_for("working")
        assert healthy(address)
        first.kill()
        assert service.wait_for("api died")["exit_code"] == -signal.SIGKILL
        address = service.wait_for("api listening", 2)["address"]
        assert healthy(address)
        assert psutil.pid_exists(worker)
        assert service.events("worker died") == [], "the worker went on"
        assert service.stop() == 0
    finally:
        service.end()


def healthy(address):
    """Whether the API there says that it is well, and its worker too."""
    with urlopen(f"http://{address}/api/v1/health", timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer) == {"ok": True, "worker": "answers"}


def test_a_worker_without_its_supervisor_ends(service):
    worker = psutil.Process(service.wait_for("worker started")["pid"])
    service.wait_for("working")
    service.process.kill()
    service.process.wait()
    inbox = service.home / "inbox" / "ofsted" / "notifications"
    (inbox / "wake.csv").write_bytes(csv_of([clean_row(1)]))
    worker.wait(PATIENCE_SECONDS)


def test_an_unsafe_start_is_refused(rehearsal_home, run_gateway):
    (rehearsal_home / "keys" / "home.key").chmod(0o644)
    done = run_gateway(rehearsal_home, "run")
    assert done.returncode == 1
    assert "[start.unsafe]" in done.stderr
    assert "chmod 600 keys/home.key" in done.stderr


def test_two_workers_wait_for_one_another(tmp_path):
    home, order = Home(tmp_path), []
    home.var.mkdir()
    parts = SimpleNamespace(home=home, database=Database.at(home.database))

    def second():
        with only_worker(parts, 30):
            order.append("second")

    with only_worker(parts, 0):
        with pytest.raises(WorkerBusy) as busy, only_worker(parts, 0.2):
            pass
        assert busy.value.code == "worker.busy"
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_who_waits_comes_before_who_wants_it_again_at_once(tmp_path):
    home, over = Home(tmp_path), threading.Event()
    home.var.mkdir()
    parts = SimpleNamespace(home=home, database=Database.at(home.database))

    def busy():
        while not over.is_set():
            with only_worker(parts, 30):
                time.sleep(0.01)

    working = threading.Thread(target=busy)
    working.start()
    try:
        for _ in range(3):
            with only_worker(parts, 30):
                pass
    finally:
        over.set()
        working.join()


def test_an_agreement_edited_while_it_runs_is_noticed_and_stops_dispatch(service):
    """Every process starts anew, so that none goes by what is no longer in the files."""
    first = service.wait_for("working")
    file = service.home / "config" / "agreements" / "ofsted-dfe.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('at = "16:00"', 'at = "16:01"', 1), encoding="utf-8")
    assert service.wait_for("working", count=2) == first | {
        "timestamp": service.events("working")[-1]["timestamp"]
    }
    assert not service.events("worker died")
    _wait_for_alarm(service, "agreement.changed")
    file.write_text(text, encoding="utf-8")
    service.wait_for("working", count=3)
    _wait_for_alarm(service, "agreement.changed", is_open=False)
    assert service.stop() == 0


def _wait_for_alarm(service, code, is_open=True):
    deadline = time.monotonic() + PATIENCE_SECONDS
    asked = "SELECT count(*) FROM alarms WHERE code = ? AND cleared_at IS NULL"
    while True:
        with sqlite3.connect(service.home / "var" / "gateway.db") as plain:
            (count,) = plain.execute(asked, (code,)).fetchone()
        plain.close()
        if bool(count) == is_open:
            return
        assert time.monotonic() < deadline, service.log.read_text()
        time.sleep(0.2)
