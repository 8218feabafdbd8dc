"""What the soak looks at: every process of the service, its files and temp folder, over time.

A process is told by its command: a process that does one piece of work and ends (gpg, a reader's
child) is counted, and must end; of one that lives on, memory and descriptors must not grow.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]

_MIB = 1024 * 1024
_HOUR = 3600.0
_APART = 15.0  # seconds: nearer samples tell of noise, not of growth
_LEAST_NOISE = {"MiB": 0.02, "descriptors": 0.0}  # of the median
_FEW = 6
WARM_SECONDS = 60.0  # of a process's life, in which it loads what it needs
LONGEST_WORK = 60.0  # seconds that a process of one piece of work may live
LASTING = ("supervisor", "worker", "reader", "api", "api serving", "web", "web serving", "agent")


@dataclass(frozen=True)
class Sample:
    """One look at one process, at a monotonic second."""

    at: float
    pid: int
    mib: float
    descriptors: int


@dataclass(frozen=True)
class Growth:
    """How a figure of a role went, over the steady time, within the life of each process."""

    role: str
    unit: str
    samples: int
    first: float
    last: float
    noise: float
    per_hour: float

    @property
    def grows(self) -> bool:
        """Whether the last third lies above the first by more than the noise."""
        return self.last - self.first > self.noise


@dataclass
class Looks:
    """Everything seen. ``mark``: a word in the environment of all that the service starts."""

    supervisor: psutil.Process
    mark: str
    temp: Path
    work: Path
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    seen: dict[tuple[int, float], str] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    folders: list[tuple[float, int, int]] = field(default_factory=list)  # at, work, temp: KiB

    def look(self) -> None:
        """Look once."""
        at, now = time.monotonic(), time.time()
        counted: dict[str, int] = {}
        for process in self.alive():
            with suppress(psutil.Error):
                if not process.cmdline():
                    continue  # it is ending: its memory is given back already
                role = role_of(process)
                counted[role] = counted.get(role, 0) + 1
                key = (process.pid, process.create_time())
                self.seen[key] = role
                age = now - process.create_time()
                if role in LASTING and age < WARM_SECONDS:
                    continue
                if role in LASTING:
                    mib = process.memory_info().rss / _MIB
                    found = Sample(at, process.pid, mib, process.num_fds())
                    self.samples.setdefault(role, []).append(found)
                else:
                    self.longest[role] = max(age, self.longest.get(role, 0.0))
        for role, number in counted.items():
            self.most[role] = max(number, self.most.get(role, 0))
        self.folders.append((at, _kib(self.work), _kib(self.temp)))

    def alive(self) -> list[psutil.Process]:
        """The service's processes: below its supervisor, or marked."""
        found: dict[int, psutil.Process] = {}
        with suppress(psutil.Error):
            below = [self.supervisor, *self.supervisor.children(recursive=True)]
            found.update({process.pid: process for process in below})
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and self.mark in process.environ().values():
                    found[process.pid] = process
        return [one for one in found.values() if _lives(one)]

    def left(self) -> list[str]:
        """What of all that was ever seen lives still, by role."""
        told = []
        for (pid, born), role in self.seen.items():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.create_time() == born and _lives(process):
                    told.append(f"{role} ({pid})")
        return sorted(told)

    def growth(self, since: float) -> Iterator[Growth]:
        """How each role went from that monotonic second on."""
        for role, samples in sorted(self.samples.items()):
            steady = [sample for sample in samples if sample.at >= since]
            if len(steady) >= _FEW:
                yield grown(role, "MiB", [(one.at, one.pid, one.mib) for one in steady])
                points = [(one.at, one.pid, float(one.descriptors)) for one in steady]
                yield grown(role, "descriptors", points)


def role_of(process: psutil.Process) -> str:
    """What a process is for."""
    words = process.cmdline()
    if any(word.endswith("confined/entry.py") for word in words):
        parent = process.parent()
        below = parent is not None and parent.cmdline() == words
        return "reader's child" if below else "reader"
    if words and "gpg-agent" in words[0]:
        return "agent"
    if "gateway" in words:
        after = words[words.index("gateway") + 1 :]
        for word, role in (("run", "supervisor"), ("worker", "worker")):
            if word in after:
                return role
        for face in ("api", "web"):
            if face in after:
                parent = process.parent()
                serves = parent is not None and parent.cmdline() == words
                return f"{face} serving" if serves else face
    return str(process.name())


def grown(role: str, unit: str, points: list[tuple[float, int, float]]) -> Growth:
    """Growth of one figure. ``points``: second, process and value.

    The slope is the median of the slopes between samples of one process (Theil and Sen). First and
    last are the medians of the first and last third; the noise is three times the usual distance
    of a sample from that slope, but at least a fiftieth of the memory.
    """
    lives: dict[int, list[tuple[float, float]]] = {}
    for at, pid, value in points:
        lives.setdefault(pid, []).append((at, value))
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for life in lives.values()
        for earlier, later in itertools.combinations(life, 2)
        if later[0] - earlier[0] >= _APART
    ]
    slope = median(slopes) if slopes else 0.0
    lasting = max(lives.values(), key=len)
    values = [value for _, value in lasting]
    rest = [value - slope * at for at, value in lasting]
    usual = median(abs(value - median(rest)) for value in rest)
    noise = max(3 * usual, _LEAST_NOISE[unit] * median(values))
    third = max(1, len(values) // 3)
    first, last = median(values[:third]), median(values[-third:])
    return Growth(role, unit, len(values), first, last, noise, slope * _HOUR)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _kib(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total // 1024


def left_files(folder: Path) -> list[str]:
    """The files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
