"""The stages: a home as it stands before each, made once, and the real program that works on it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from points import Stage
from tracing import strace

CHECKOUT = Path(__file__).resolve().parents[2]
DAY = "2026-03-02"
MORNING, WINDOW, AFTER = f"{DAY}T10:00", f"{DAY}T16:05", f"{DAY}T16:30"
TICKS: dict[Stage, str] = {"intake": MORNING, "window": WINDOW, "receipt": AFTER}
RECOVERS: dict[Stage, str] = {
    "intake": WINDOW, "window": WINDOW, "receipt": AFTER, "served": AFTER,
}  # fmt: skip
PATIENCE = 120
FILE = f"notifications/notifications-{DAY}-01.zip.gpg"


class Broken(Exception):
    """The harness itself does not work as it should: never a pass."""


@dataclass(frozen=True)
class Run:
    """A home of its own, with a temporary folder of its own for all that works in it."""

    folder: Path

    @property
    def home(self) -> Path:
        """The home."""
        return self.folder / "home"

    @property
    def trace(self) -> Path:
        """What strace wrote."""
        return self.folder / "trace"

    def gateway(
        self, *words: str, around: list[str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the gateway and wait; nothing is checked. ``around``: strace's words."""
        return self.program(
            [*(around or []), sys.executable, "-m", "gateway", "--home", str(self.home), *words]
        )

    def program(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        """Run a program in this run's surroundings."""
        return subprocess.run(
            words,
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    @property
    def environment(self) -> dict[str, str]:
        """As ours, with the temporary folder of this run."""
        return {**os.environ, "TMPDIR": str(self.folder / "t"), "PYTHONDONTWRITEBYTECODE": "1"}

    def end(self) -> None:
        """End what a killed program left running, and remove the folder."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if any(f"{self.folder}/".encode() in word for word in words):
                    os.kill(int(process.name), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def copied(base: Run, folder: Path) -> Run:
    """A run on a copy of a home at rest."""
    (folder / "t").mkdir(parents=True)
    ignored = shutil.ignore_patterns("S.*")
    shutil.copytree(base.home, folder / "home", symlinks=True, ignore=ignored)
    if (base.folder / "login").exists():
        shutil.copy2(base.folder / "login", folder / "login")
    return Run(folder)


def made(folder: Path, rows: bytes) -> dict[Stage, Run]:
    """The home before each stage, each made from the one before by the real program.

    Those that lie in the folder from an earlier time are taken as they are.
    """
    stages: tuple[Stage, ...] = ("intake", "window", "served", "receipt")
    if (folder / "made").exists():
        return {stage: Run(folder / stage) for stage in stages}
    first = Run(folder / "intake")
    (first.folder / "t").mkdir(parents=True)
    _well(first.gateway("init", "--rehearsal"))
    key = first.folder / "login"
    _well(first.program(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]))
    place = first.home / "config" / "sftp"
    place.mkdir(exist_ok=True)
    shutil.move(f"{key}.pub", place / "dfe.pub")
    _well(first.gateway("tick", "--now", f"{DAY}T09:00"))  # the database is as it is on any day
    drop = first.home / "inbox" / "ofsted" / "notifications" / "extract.csv"
    drop.write_bytes(rows)
    old = time.time() - 3600
    os.utime(drop, (old, old))
    second = copied(first, folder / "window")
    _well(second.gateway("tick", "--now", MORNING))
    third = copied(second, folder / "served")
    _well(third.gateway("tick", "--now", WINDOW))
    fourth = copied(third, folder / "receipt")
    package = str(fourth.home / "outbox" / "dfe" / FILE)
    words = ("--party", "dfe", "--to", str(fourth.folder / "opened"), "--receipt")
    _well(fourth.gateway("open", package, *words))
    (folder / "made").touch()
    return dict(zip(stages, (first, second, third, fourth), strict=True))


def _well(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode:
        raise Broken(f"{done.args}: {done.stdout} {done.stderr}")


# --- at work --------------------------------------------------------------------------------------


class Warm:
    """The program, loaded: starts it in processes of their own (`warm`)."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self._server.stdin is None or self._server.stdout is None:
            raise Broken("there are no pipes")
        self._to, self._from = self._server.stdin, self._server.stdout

    def worked(self, stage: Stage, run: Run, inject: list[str], follow: bool = False) -> int:
        """Let the program do the stage under strace, a call failed or none; its exit code."""
        if stage == "served":
            return served(run, inject)
        words = ["--home", str(run.home), "tick", "--now", TICKS[stage], "--json"]
        pid = self._start(run, words=words, stop=True)
        tracer = subprocess.Popen(
            [*strace(run.trace, follow=follow), *inject, "-p", str(pid)],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(lambda: _is_traced(pid) or tracer.poll() is not None)
        finally:
            os.kill(pid, signal.SIGCONT)
        code = self._answer("code")
        tracer.wait(PATIENCE)
        return code

    def recovered(self, run: Run, at: str) -> Any:
        """Recover three times, and look: what `recover.recovered` tells. Raises Broken."""
        out = run.folder / "recovered.json"
        self._start(run, home=str(run.home), at=at, out=str(out))
        if self._answer("code"):
            raise Broken(f"recovery failed: {(run.folder / 'said').read_text()[-2000:]}")
        return json.loads(out.read_text(encoding="utf-8"))

    def end(self) -> None:
        """No more."""
        self._to.close()
        self._server.wait(PATIENCE)

    def _start(self, run: Run, **asked: Any) -> int:
        usual = {"tmp": str(run.folder / "t"), "said": str(run.folder / "said")}
        told = {"words": [], "stop": False, **usual, **asked}
        self._to.write(json.dumps(told) + "\n")
        self._to.flush()
        return self._answer("pid")

    def _answer(self, name: str) -> int:
        line = self._from.readline()
        if not line:
            raise Broken("the loaded program has ended")
        return int(json.loads(line)[name])


def _is_traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return "TracerPid:\t0\n" not in status


def _wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise Broken("strace does not take hold")
        time.sleep(0.005)


def served(run: Run, inject: list[str] | None) -> int:
    """Serve the package by SFTP, and collect it with OpenSSH's client; the server's exit code.

    ``inject`` None: without strace. What the client gets is not judged: the server may die.
    """
    wal = run.home / "var" / "gateway.db-wal"
    around = [] if inject is None else [*strace(run.trace, follow=True, only=[wal]), *inject]
    log = run.folder / "sftp.log"
    words = [*around, sys.executable, "-m", "gateway", "--home", str(run.home)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*words, "sftp", "--listen", "127.0.0.1:0"],
            cwd=CHECKOUT, env=run.environment, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        if (port := _port(log, server)) is not None:
            _collect(run, port)
    finally:
        with suppress(OSError):
            os.kill(_gateway_of(server), signal.SIGTERM)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    return server.returncode


def _gateway_of(server: "subprocess.Popen[bytes]") -> int:
    """The gateway's own process: the server, or strace's child. Raises OSError: it has ended."""
    task = Path(f"/proc/{server.pid}/task/{server.pid}")
    if (task / "comm").read_text().strip() != "strace":
        return server.pid
    children = (task / "children").read_text().split()
    if not children:
        raise ProcessLookupError
    return int(children[0])


def _port(log: Path, server: "subprocess.Popen[bytes]") -> int | None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and (told := json.loads(line))["event"] == "serving sftp":
                return int(told["port"])
        time.sleep(0.05)
    return None


def _collect(run: Run, port: int) -> None:
    host = (run.home / "keys" / "sftp_host_ed25519.pub").read_text().strip()
    known = run.folder / "known"
    known.write_text(f"[127.0.0.1]:{port} {host}\n")
    batch = run.folder / "batch"
    batch.write_text(f"get {FILE} {run.folder / 'collected'}\n")
    options = [
        "-o",
        f"UserKnownHostsFile={known}",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "IdentityAgent=none",
    ]
    words = ["sftp", "-F", "none", "-P", str(port), "-i", str(run.folder / "login"), *options]
    run.program([*words, "-o", "User=dfe", "-b", str(batch), "127.0.0.1"])
