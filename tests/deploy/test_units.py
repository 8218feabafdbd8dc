"""The systemd units: systemd takes them, how exposed they leave us, and that we live in them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from confining import settings_of, words_of  # isort: skip

CHECKOUT = Path(__file__).parents[2]
UNITS = CHECKOUT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
EVERY = sorted(path.name for path in UNITS.iterdir())
# The worst that `systemd-analyze security` may say of each, of 10; docs/operate.md quotes it.
EXPOSED = {
    "gateway-worker.service": 2.2,
    "gateway-web.service": 1.8,
    "gateway-api.service": 1.8,
    "gateway-sftp.service": 1.9,
    "gateway-backup.service": 0.8,
    "gateway-faces.service": 1.1,
}
AT = "2026-03-02T16:05"


@pytest.fixture(scope="session")
def analyze(need_program: Callable[[str], str]) -> str:
    """`systemd-analyze`."""
    return need_program("systemd-analyze")


@pytest.mark.parametrize("name", EVERY)
def test_systemd_takes_each_unit(name, analyze, tmp_path):
    """With a Python that is there; all units lie beside one another, since they name each other."""
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/gateway/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)
    beside = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    told = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, check=False, env=beside,
    )  # fmt: skip
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_none_is_more_exposed_than_is_told(name, analyze):
    told = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(UNITS / name)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    score = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)[1])
    assert score <= EXPOSED[name]
    assert f"| `{name}` | {EXPOSED[name]} |" in (CHECKOUT / "docs" / "operate.md").read_text()


def test_each_role_is_a_command_there_is(run_gateway, tmp_path):
    for name in SERVICES:
        for line in settings_of(UNITS / name).get("ExecStart", []):
            if words := re.search(r"-m gateway --home \S+ ([a-z]+)((?: --[a-z]+)*)", line):
                told = run_gateway(tmp_path, words[1], "--help")
                assert told.returncode == 0
                assert all(flag in told.stdout for flag in words[2].split())


def test_faces_and_backup_are_shown_no_key_of_the_worker():
    for name in ("gateway-web.service", "gateway-api.service", "gateway-sftp.service"):
        hidden = {
            word.lstrip("-") for word in words_of(settings_of(UNITS / name), "InaccessiblePaths")
        }
        keys = {f"/srv/gateway/keys/{key}" for key in ("gateway", "home.key", "ledger.key", "s3")}
        assert {*keys, "/srv/gateway/var/staged", "/srv/gateway/var/work"} <= hidden


# --- living in them -------------------------------------------------------------------------------


@pytest.fixture
def home(template_home: Path, ordinary_user) -> Path:
    """A rehearsal home of an ordinary user."""
    place = ordinary_user.folder / "home"
    copytree(template_home, place, symlinks=True, ignore=ignore_patterns("S.*"))
    return ordinary_user.own(place)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(home: Path, ordinary_user, analyze) -> Iterator[Start]:
    """``start("worker", "tick")``: the gateway's command, confined as that unit is."""
    assert analyze
    if os.geteuid():
        pytest.skip("only root can lay out the paths of a unit")
    running = []

    def run(role: str, *words: str) -> "subprocess.Popen[str]":
        unit = str(UNITS / f"gateway-{role}.service")
        python = ordinary_user.python[0]
        command = [sys.executable, str(Path(__file__).with_name("confining.py")), unit, str(home)]
        command += [str(ordinary_user.uid), python, "-m", "gateway", "--home", str(home), *words]
        set_there = settings_of(UNITS / f"gateway-{role}.service")["Environment"]
        environment = ordinary_user.environment | dict(item.split("=") for item in set_there)
        process = subprocess.Popen(
            command, cwd=ordinary_user.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_the_worker_and_its_reader_live_under_the_filter(start, home, ordinary_user):
    inbox = home / "inbox" / "ofsted" / "notifications"
    rows = (CHECKOUT / "samples" / "notifications-2025-03-13.csv").read_bytes()
    (inbox / "extract.csv").write_bytes(rows)
    os.utime(inbox / "extract.csv", (1_700_000_000, 1_700_000_000))
    ordinary_user.own(inbox)
    told, errors = (looking := start("worker", "doctor", "--json")).communicate(timeout=240)
    looks = {look["name"]: look["state"] for look in json.loads(told)["looks"]}
    reader = {name: state for name, state in looks.items() if name.startswith("reader")}
    assert len(reader) >= 6, errors
    assert set(reader.values()) == {"ok"}, reader
    assert looking.returncode == 0
    told, errors = (ticking := start("worker", "tick", "--now", AT, "--json")).communicate(
        timeout=240
    )
    assert ticking.returncode == 0, errors
    report = json.loads(told)
    assert report["faults"] == []
    assert [drop["state"] for drop in report["drops"]] in (["accepted"], ["partly-held"])
    assert {item["party"] for item in report["deliveries"]} == {"dfe", "panel"}


def test_a_backup_is_made_under_the_filter(start, ordinary_user):
    making = start("backup", "backup", str(ordinary_user.folder / "backup"))
    _, errors = making.communicate(timeout=240)
    assert making.returncode == 0, errors
    assert (ordinary_user.folder / "backup" / "manifest.json").is_file()


def port_of(process: "subprocess.Popen[str]") -> int:
    """The port that a face says it listens on."""
    deadline, said = time.monotonic() + 90, ""
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        said += line
        if not line:
            break
        if found := re.search(r"127\.0\.0\.1:(\d+)|\"port\": (\d+)", line):
            return int(found[1] or found[2])
    pytest.fail(f"it does not listen: {said}", pytrace=False)


def asked(port: int, path: str) -> int:
    """The status of a page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


@pytest.mark.parametrize("face", ["web", "api", "sftp"])
def test_faces_live_without_the_keys(face, start, home):
    process = start(face, face, "--listen", "127.0.0.1:0")
    port = port_of(process)
    if face == "web":
        assert [asked(port, path) for path in ("/healthz", "/metrics", "/sign-in")] == [200] * 3
        assert asked(port, "/readyz") == 503, "no worker is there"
    elif face == "api":
        assert asked(port, "/api/v1/checkpoint") == 401
    else:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            assert line.recv(8) == b"SSH-2.0-"
    seen = Path(f"/proc/{process.pid}/root{home}")
    assert (home / "keys" / "gateway" / "pubring.kbx").is_file()
    for hidden in ("keys/gateway", "var/staged", "var/work", "keys/rehearsal"):
        assert list((seen / hidden).iterdir()) == [], hidden
    assert (seen / "keys" / "home.key").stat().st_size == 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_nobody_but_root_looks_into_the_worker(home, ordinary_user, killing):
    """A face that was taken over is the same user: /proc would lead it to the keys."""
    worker = ordinary_user.start(
        "-m", "gateway", "--home", str(home), "worker", stderr=subprocess.PIPE
    )
    try:
        while "working" not in worker.stderr.readline():
            assert worker.poll() is None
        look = "import os, sys; os.listdir(f'/proc/{sys.argv[1]}/root')"
        told = ordinary_user.run("-c", look, str(worker.pid))
        if os.geteuid() == 0:
            assert "PermissionError" in told.stderr
    finally:
        worker.terminate()
        worker.communicate(timeout=120)
    killing(home)
