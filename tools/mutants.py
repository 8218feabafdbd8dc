"""Applies each deliberate bug of tests/mutants to a copy of the checkout: the tests must notice.

A patch begins with what is wrong, then the tests that must catch it. First those tests run on the
copy as it is, so that a bug counts as caught by nothing but itself. Exit: 0 all caught, 1 not.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from shutil import copyfile

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "tests" / "mutants"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_SOME_FAILED = 1  # pytest's exit code where tests ran and some did not pass
_PATIENCE_SECONDS = 900  # for one bug's tests; all of them together have ten times that


@dataclass(frozen=True)
class Mutant:
    """A deliberate bug. ``tests``: what must catch it; ``patch``: against the checkout."""

    name: str
    words: str
    tests: tuple[str, ...]
    patch: Path


def read_mutant(path: Path) -> Mutant:
    """A patch with its two lines of heading. Raises ValueError where they are not there."""
    words, caught_by, _ = path.read_text(encoding="utf-8").split("\n", 2)
    label, _, tests = caught_by.partition(": ")
    if label != "Caught by" or not tests:
        raise ValueError(f"{path.name}: the second line names no tests")
    return Mutant(path.stem, words, tuple(tests.split()), path)


def mutants() -> list[Mutant]:
    """All there are, by name."""
    return [read_mutant(path) for path in sorted(FOLDER.glob("*.patch"))]


def copy_checkout(to: Path) -> Path:
    """The files git knows, or would take in, as they are now."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    told = subprocess.run(asked, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, told.split("\0")):
        source = CHECKOUT / name
        if source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, to / name)
            (to / name).chmod(source.stat().st_mode)
    (to / ".venv").symlink_to(CHECKOUT / ".venv")
    return to


def applied(copy: Path, patch: Path, *more: str) -> bool:
    """Whether the patch fits; it is then applied, or what ``more`` says."""
    command = ["git", "apply", "--unsafe-paths", *more, str(patch)]
    return subprocess.run(command, cwd=copy, check=False, capture_output=True).returncode == 0


def ran(copy: Path, tests: Sequence[str], patience: int = _PATIENCE_SECONDS) -> tuple[int, str]:
    """Run tests in a copy: pytest's exit code, and the first that did not pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environ = dict(os.environ, PYTHONPATH=str(copy), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        command,
        cwd=copy,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=patience,
    )
    found = _FAILED.search(done.stdout)
    return done.returncode, found[1] if found else done.stdout[-300:]


def tried(copy: Path, mutant: Mutant) -> tuple[bool, str]:
    """Whether a bug was caught, and by what."""
    if not applied(copy, mutant.patch):
        return False, "the patch does not fit the code any more: make it anew"
    try:
        code, first = ran(copy, mutant.tests)
    except subprocess.TimeoutExpired:
        return False, f"no answer within {_PATIENCE_SECONDS} s"
    finally:
        applied(copy, mutant.patch, "--reverse")
    return code == _SOME_FAILED, first if code == _SOME_FAILED else "NOT CAUGHT"


def main() -> int:
    """Try them, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="these alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    wanted = [item for item in mutants() if not chosen.names or item.name in chosen.names]
    tests = sorted({name for item in wanted for name in item.tests})
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(chosen.jobs):
            copies.put(copy_checkout(Path(folder) / str(number)))
        copy = copies.get()
        code, first = ran(copy, ["-n", str(chosen.jobs), *tests], 10 * _PATIENCE_SECONDS)
        copies.put(copy)
        if code:
            sys.stdout.write(f"Without any bug the tests do not pass: {first}\n")
            return 1

        def one(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                caught, by = tried(copy, mutant)
            finally:
                copies.put(copy)
            sys.stdout.write(f"{'caught' if caught else 'MISSED':7} {mutant.name:34} {by}\n")
            sys.stdout.flush()
            return caught

        with ThreadPoolExecutor(chosen.jobs) as pool:
            caught = sum(pool.map(one, wanted))
    sys.stdout.write(f"{caught} of {len(wanted)} deliberate bugs are caught.\n")
    return int(caught != len(wanted))


if __name__ == "__main__":
    sys.exit(main())
