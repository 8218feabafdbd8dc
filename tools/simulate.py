"""Lives many seeded histories of a gateway, in which much goes wrong, and checks what must hold.

The engine is the real one; time, disk and database calls, OpenPGP and the reader's confinement are
simulated (tests/simulation). Exit: 0 nothing was violated, 1 something was.
"""

import argparse
import gc
import importlib
import multiprocessing
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
_FOLDERS = ("tests/simulation", "tests/engine", "")
_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - a folder of our own is made in it
_EVERY_SECONDS = 30
_FEW = 3  # runs, which bound nothing
_MODULES: dict[str, Any] = {}


@dataclass
class Total:
    """What all runs came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violated: list[Any] = field(default_factory=list)

    @property
    def runs(self) -> int:
        """How many there were."""
        return self.counts["runs"]

    def told(self) -> str:
        """In words: counts, and what no violation in so many runs says about their share."""
        counted = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        bound = ""
        if self.runs > _FEW and not self.violated:
            bound = (
                f"\nWith 95 % confidence fewer than {3 / self.runs:.2%} of such runs violate any "
                f"(3/n, n = {self.runs})."
            )
        return f"{counted}.\n{len(self.violated)} of {self.runs} runs violated an invariant.{bound}"


def _begin(template: str, scratch: str) -> None:
    """Make one process ready: what it needs is read once."""
    sys.path[:0] = [str(CHECKOUT / folder) for folder in _FOLDERS]
    world, history = importlib.import_module("world"), importlib.import_module("history")
    made = world.Template(Path(template))
    _MODULES.update(live=lambda seed: history.run(seed, made, Path(scratch)))
    gc.freeze()  # a killed worker's leavings are looked for: not among what lives for ever


def _live(seed: int) -> Any:
    return _MODULES["live"](seed)


def simulate(seeds: Iterator[int], jobs: int, seconds: float | None, folder: Path) -> Total:
    """Live those histories, in so many processes, for so long at the most."""
    total, ends = Total(), time.monotonic() + seconds if seconds else None
    template = folder / "template"
    template.mkdir()
    sys.path[:0] = [str(CHECKOUT / item) for item in _FOLDERS]
    importlib.import_module("world").Template(template)  # made once, before others read it
    spawn = multiprocessing.get_context("spawn")  # polars does not bear a fork
    told = time.monotonic()
    with ProcessPoolExecutor(jobs, spawn, _begin, (str(template), str(folder))) as pool:
        going: set[Future[Any]] = set()
        while True:
            late = ends is not None and time.monotonic() > ends
            while not late and len(going) < 2 * jobs and (seed := next(seeds, None)) is not None:
                going.add(pool.submit(_live, seed))
            if not going:
                return total
            done, going = wait(going, return_when=FIRST_COMPLETED)
            for future in done:
                _take(total, future.result())
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                sys.stdout.write(f"{total.runs} runs, {len(total.violated)} violated\n")
                sys.stdout.flush()


def _take(total: Total, run: Any) -> None:
    total.counts.update(run.counts)
    if run.wrong:
        total.violated.append(run)
        words = "\n  ".join(run.wrong)
        sys.stdout.write(f"SEED {run.seed}: make simulate SEED={run.seed}\n  {words}\n")
        sys.stdout.flush()


def main() -> int:
    """Simulate, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="live this one history, and tell all of it")
    parser.add_argument("--first", type=int, help="the first seed; drawn where it is not given")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, help="begin no run after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    one = asked.seed is not None
    first = asked.seed if one else asked.first
    if first is None:
        first = secrets.randbelow(10**9)
    runs = 1 if one else asked.runs
    sys.stdout.write(f"Seeds from {first} to {first + runs - 1}.\n")
    sys.stdout.flush()
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        if one:
            _begin_alone(folder)
            run = _live(first)
            sys.stdout.write("\n".join(["", *run.told, ""]))
            total = Total()
            _take(total, run)
        else:
            seeds = iter(range(first, first + runs))
            total = simulate(seeds, asked.jobs, asked.seconds, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{total.told()}\n")
    return 1 if total.violated else 0


def _begin_alone(folder: Path) -> None:
    (folder / "template").mkdir()
    _begin(str(folder / "template"), str(folder))


if __name__ == "__main__":
    sys.exit(main())
