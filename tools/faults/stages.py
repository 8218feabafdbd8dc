"""The stages: a home as it stands before each, made once, and the real program that works on it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from points import Stage

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
