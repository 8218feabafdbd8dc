"""`make bench`: how soon a killed worker works again, against a worker that was stopped cleanly.

    python bench/recovery.py [--write] [--kills 40]

One rehearsal home, and files of a few rows that always lie in its inbox. A worker is started; the
time from there to its first useful work, the first leaf of a drop in the ledger, is measured; at a
random moment, while there is work in hand, it is killed (SIGKILL) and started again. Every fifth
one is let finish and is stopped cleanly instead (SIGTERM): the start after it is a clean one, in
the same run and under the same load. At the end nothing may be lost or stand twice. With --write
the figures replace their section of docs/reliability.md.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tools")]

from section import machine_words, write_section  # noqa: E402
from soak_load import HEADINGS, ROW, gateway  # noqa: E402

from gateway.settings import Home  # noqa: E402

FOLDER = CHECKOUT / "var" / "bench" / "recovery"
TIMES = 5  # p99 after a kill may be so many times the median of a clean start
_WAITING = 4  # files in the inbox at each start
_ROWS = 20
_POLL = 0.02
_PATIENCE = 180.0
_CLEAN_EVERY = 5
_P99 = 99


@dataclass
class Trial:
    """A home, what was dropped there, and the seconds measured."""

    home: Home
    random: random.Random
    dropped: set[str] = field(default_factory=set)
    clean: list[float] = field(default_factory=list)
    killed: list[float] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    number: int = 0

    def fill(self) -> None:
        """Let so many files wait."""
        inbox = self.home.inbox_of("ofsted", "notifications")
        for _ in range(_WAITING - len(list(inbox.glob("*.csv")))):
            self.number += 1
            rows = [ROW.format(number=self.number * 100 + row) for row in range(_ROWS)]
            data = "\n".join((HEADINGS, *rows, "")).encode()
            self.dropped.add(hashlib.sha256(data).hexdigest())
            path = inbox / f"recovery-{self.number}.csv"
            path.with_suffix(".part").write_bytes(data)
            path.with_suffix(".part").rename(path)

    def started(self) -> tuple["subprocess.Popen[bytes]", float]:
        """A worker, and the seconds to its first useful work."""
        before = leaves(self.home)
        words = [sys.executable, "-m", "gateway", "--home", str(self.home.root), "worker"]
        with (FOLDER / "worker.log").open("ab") as log:
            began = time.monotonic()
            worker = subprocess.Popen(words, stdout=log, stderr=log)
        while leaves(self.home) == before:
            if worker.poll() is not None or time.monotonic() - began > _PATIENCE:
                sys.exit(f"The worker does not work: see {FOLDER / 'worker.log'}.")
            time.sleep(_POLL)
        return worker, time.monotonic() - began

    def finished(self) -> None:
        """Wait until all that was dropped is judged."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            found = states(self.home)
            if all(found.get(sha, ["received"]) != ["received"] for sha in self.dropped):
                return
            time.sleep(_POLL)
        sys.exit("What was dropped is not finished.")


def leaves(home: Home) -> int:
    """How many leaves the ledger has of drops."""
    with _plain(home) as plain:
        asked = "SELECT count(*) FROM ledger WHERE CAST(leaf AS TEXT) LIKE ?"
        told = plain.execute(asked, ('%"event":"drop.%',))
        count: int = told.fetchone()[0]
        return count


def states(home: Home) -> dict[str, list[str]]:
    """The states of the drops of each content."""
    found: dict[str, list[str]] = {}
    with _plain(home) as plain:
        for sha, state in plain.execute("SELECT sha256, state FROM drops"):
            found.setdefault(sha, []).append(state)
    return found


def _plain(home: Home) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, timeout=30))


def measure(kills: int, seed: int, within: float) -> Trial:
    """Kill and stop in turn until there were so many kills."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    home = Home(FOLDER / "home")
    made = gateway(home, "init", "--rehearsal")
    if made.returncode:
        sys.exit(f"No home: {made.stdout}{made.stderr}")
    home.settings_file.write_text("settle_seconds = 0.0\ntick_seconds = 1.0\n")
    trial = Trial(home, random.Random(seed))  # noqa: S311 - moments, no secrets
    after_kill, longest, turn = None, 1.0, 0
    end = time.monotonic() + within
    while len(trial.killed) < kills and time.monotonic() < end:
        turn += 1
        trial.fill()
        worker, seconds = trial.started()
        if after_kill is not None:
            (trial.killed if after_kill else trial.clean).append(seconds)
        began = time.monotonic()
        after_kill = bool(turn % _CLEAN_EVERY)
        if after_kill:
            moment = trial.random.uniform(0.0, longest)
            time.sleep(moment)
            trial.moments.append(moment)
        else:
            trial.finished()
            longest = time.monotonic() - began
        worker.send_signal(signal.SIGKILL if after_kill else signal.SIGTERM)
        worker.wait(_PATIENCE)
        sys.stdout.write("x" if after_kill else ".")
        sys.stdout.flush()
    sys.stdout.write("\n")
    _end(trial)
    return trial


def _end(trial: Trial) -> None:
    """A last clean run finishes everything; then each content must stand once, and be accepted."""
    trial.fill()
    worker, _ = trial.started()
    trial.finished()
    worker.send_signal(signal.SIGTERM)
    worker.wait(_PATIENCE)
    found = states(trial.home)
    if any(found.get(sha) != ["accepted"] for sha in trial.dropped):
        sys.exit("A drop was lost, or stands twice.")
    with suppress(OSError):
        shutil.rmtree(FOLDER / "home")


def page(trial: Trial, seed: int) -> tuple[str, bool]:
    """The section, and whether the bound holds."""
    clean, killed = sorted(trial.clean), sorted(trial.killed)
    middle = statistics.median(clean)
    p99 = killed[min(len(killed) - 1, round(_P99 / 100 * len(killed)))]
    ratio = p99 / middle
    holds = ratio <= TIMES
    rows = "\n".join(
        f"| {name} | {len(values)} | {statistics.median(values):.2f} | {values[-1]:.2f} |"
        for name, values in (("after a clean stop", clean), ("after SIGKILL", killed))
    )
    text = f"""
`bench/recovery.py` on {machine_words()}, seed {seed}: seconds of wall time from the start of a
worker to its first useful work, with {_WAITING} files of {_ROWS} rows in the inbox. Kills came at
random, {min(trial.moments):.2f} to {max(trial.moments):.2f} s after the first work of a run.

| start | of | median | slowest |
|---|--:|--:|--:|
{rows}

p99 after SIGKILL, of so few the slowest, is {p99:.2f} s: {ratio:.2f} times the median of a clean
start (the bound is {TIMES} times: {"it holds" if holds else "IT DOES NOT HOLD"}). Of
{len(trial.dropped)} files none was lost and none stands twice.
"""
    return text, holds


def main() -> int:
    """Measure, tell, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the section in the docs")
    words.add_argument("--kills", type=int, default=40)
    words.add_argument("--within", type=float, default=3600.0, help="seconds; then with fewer")
    words.add_argument("--seed", type=int, default=os.getpid())
    arguments = words.parse_args()
    text, holds = page(measure(arguments.kills, arguments.seed, arguments.within), arguments.seed)
    sys.stdout.write(text)
    if arguments.write:
        write_section("Recovery", text)
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
