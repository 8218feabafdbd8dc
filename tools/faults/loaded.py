"""The program, loaded: where `warm` is asked to start it, under strace or not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from points import Stage
from serving import served
from stages import CHECKOUT, PATIENCE, TICKS, Broken, Run
from tracing import strace


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
        _wait_for(lambda: _status(pid, "State").startswith("T"))
        tracer = subprocess.Popen(
            [*strace(run.trace, follow=follow), *inject, "-p", str(pid)],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(lambda: _status(pid, "TracerPid") != "0" or tracer.poll() is not None)
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


def _status(pid: int, name: str) -> str:
    """What the kernel tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(line.partition("\t")[2] for line in lines if line.startswith(f"{name}:"))


def _wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise Broken("strace does not take hold")
        time.sleep(0.005)
