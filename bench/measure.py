"""What a command costs: CPU seconds, wall seconds and the memory of its largest process.

CPU is user + system of the command and of all it started, those that outlive it included: this
process adopts orphans (PR_SET_CHILD_SUBREAPER) and waits for them. Processes that ran before the
clock started, such as a gpg agent, are in nobody's account.

Peak memory is the highest resident set of any one process (VmHWM), looked at every 50 ms over the
whole tree, and never less than what the kernel tells of those waited for (ru_maxrss). Pages that
processes share count in each. A process inherits the peak of the one that started it, so nothing
below ``floor()``, this process's own peak, can be told: it must stay small.
"""

import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_EVERY_SECONDS = 0.05
_PATIENCE_SECONDS = 20.0


class CommandFailed(Exception):
    """A measured command did not end well: its figures would mean nothing."""


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU, seconds of wall, and MiB of the largest process."""

    cpu: float
    wall: float
    peak: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.peak, other.peak))


def adopt_orphans() -> None:
    """Let what our children leave behind become our children. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot adopt orphans, so CPU would be missed")


def floor() -> float:
    """The peak of this very process in MiB: no smaller figure is to be believed."""
    return _high_water_kib(os.getpid()) / 1024


def measure(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Cost:
    """Run a command to its end, and that of all it started. Raises CommandFailed."""
    before = _children()
    watch = _PeakWatch(before)
    with (folder / "measured.out").open("w+b") as out:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        costs = [used.ru_utime + used.ru_stime]
        largest = used.ru_maxrss
        for orphan in _orphans(before):
            costs.append(orphan.ru_utime + orphan.ru_stime)
            largest = max(largest, orphan.ru_maxrss)
        watch.stop()
        if process.returncode != 0:
            out.seek(0)
            said = out.read()[-2000:].decode(errors="replace")
            raise CommandFailed(f"{' '.join(command)} gave {process.returncode}:\n{said}")
    return Cost(sum(costs), wall, max(largest, watch.peak_kib) / 1024)


def _children() -> set[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def _orphans(before: set[int]) -> list[resource.struct_rusage]:
    """What the processes used that the command left; they are waited for, up to a limit."""
    used = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while left := _children() - before:
        for pid in left:
            ended, _, rusage = os.wait4(pid, os.WNOHANG)
            if ended:
                used.append(rusage)
        if time.monotonic() > deadline:
            raise CommandFailed(f"processes were left running: {sorted(left)}")
        time.sleep(0.01)
    return used


class _PeakWatch(threading.Thread):
    """Looks at the resident sets of our tree until it is stopped."""

    def __init__(self, apart: set[int]) -> None:
        super().__init__(daemon=True)
        self.peak_kib = 0
        self._apart = apart
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            for pid in self._tree():
                self.peak_kib = max(self.peak_kib, _high_water_kib(pid))

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def _tree(self) -> set[int]:
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                parents[int(entry.name)] = int(stat.rsplit(")", 1)[1].split()[1])
        ours = {os.getpid()}
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in ours} - ours - self._apart
            ours |= more
            grown = bool(more)
        return ours - {os.getpid()}


def _high_water_kib(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
