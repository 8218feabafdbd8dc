"""The crash matrix: the real program struck at twenty points, before, mid and after, three ways.

    python tools/faults                  all 180 cells (`make faults`)
    python tools/faults --sample         a few, spread (`make test`)
    python tools/faults --only receipt   the cells in whose name that is found (a pattern)
    python tools/faults --sweep fsync    fail the Nth such call, N = 1, 2, 3 …, until a run passes
    python tools/faults --full-disk      a truly full disk, with more and more room, mounted for it
    python tools/faults --write          the table goes into docs/reliability.md

The program has no hooks for it: strace fails one call of it, or kills it there. Then it recovers
three times, every invariant is checked, and the outcome must be that of a run left alone.
"""

import argparse
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from matrix import Matrix, Result, say
from points import FAULTS, Cell, Stage, every_cell, sample
from stages import CHECKOUT
from table import written
from tracing import CALLS, has_strace

DOCUMENT = CHECKOUT / "docs" / "reliability.md"
_NO_STRACE = "strace may not be used here: install it, and allow tracing (ptrace)."


def main() -> int:
    """Run what was asked; the exit code is 0 where every cell is well."""
    asked = arguments()
    if not has_strace():
        print(_NO_STRACE, file=sys.stderr)
        return 2
    cells = sample() if asked.sample else every_cell()
    cells = [cell for cell in cells if re.search(asked.only, cell.name)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        results = asked_for(asked, cells, Path(folder))
    bad = [result for result in results if not result.well]
    minutes = (time.monotonic() - began) / 60
    print(f"{len(results) - len(bad)}/{len(results)} cells well, {minutes:.0f} minutes.")
    if asked.write:
        written(DOCUMENT, cells, {item.cell: item.well for item in results})
    return 1 if bad else 0


def asked_for(asked: argparse.Namespace, cells: list[Cell], folder: Path) -> list[Result]:
    """The cells, or a sweep, or the full disk."""
    one = bool(asked.sweep or asked.full_disk)
    stages: set[Stage] = {asked.stage} if one else {cell.point.stage for cell in cells}
    matrix = Matrix(folder, asked.bases or folder / "bases", sorted(stages))
    try:
        if asked.full_disk:
            return matrix.full_disk(asked.stage)
        if not asked.sweep:
            return in_parallel(matrix, cells, asked.workers)
        results = matrix.sweep(asked.stage, asked.sweep, asked.fault)
        print(f"{len(results)} calls of {asked.sweep} failed, each in a run; then one untouched.")
        return results
    finally:
        matrix.end()


def in_parallel(matrix: Matrix, cells: list[Cell], workers: int) -> list[Result]:
    """Every cell, some at a time: each has a home, a folder and processes of its own."""
    results = []
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(matrix.cell, *numbered) for numbered in enumerate(cells)]
        for done in as_completed(waiting):
            say(done.result())
            results.append(done.result())
    return results


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--bases", type=Path, help="keep the homes there, for another time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sweep", choices=CALLS, default="")
    parser.add_argument("--full-disk", action="store_true", help="a small disk, filled")
    parser.add_argument("--stage", choices=("intake", "window", "receipt"), default="window")
    parser.add_argument("--fault", choices=FAULTS, default="EIO")
    asked = parser.parse_args()
    if asked.write and (asked.sample or asked.only or asked.sweep or asked.full_disk):
        parser.error("--write is for all cells")
    return asked


if __name__ == "__main__":
    sys.exit(main())
