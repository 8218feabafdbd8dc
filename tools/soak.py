"""`make soak`: the real service under steady work and faults, watched for whatever grows or stays.

    SOAK_SECONDS=600 python tools/soak.py [--write]

A rehearsal home of its own (var/soak) with a few days of history, and `gateway run` with the API
and the site. First its processes are killed now and then, while all warms up; then, for the steady
part, the outbox fills up, the database is held, and the reader dies, but memory, descriptors and
files must stay as they are. At last the faults end: whatever was dropped must be finished once,
by itself; nothing may still run, lie in the temp folder or in var/work; the invariants must hold.
With --write, the table replaces the section of docs/reliability.md. Exit code 1 for any growth.
"""

import argparse
import itertools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "samples")]

import psutil  # type: ignore[import-untyped]  # noqa: E402
import sample_history  # noqa: E402
from section import machine_words, write_section  # noqa: E402
from soak_figures import LONGEST_WORK, Growth, Looks, left_files  # noqa: E402
from soak_load import Faults, Load, gateway, token  # noqa: E402

from gateway.settings import Home  # noqa: E402

FOLDER = CHECKOUT / "var" / "soak"
_EVERY = 2.0  # seconds between looks
_WARM = 0.4  # of the time: processes are killed, and warm up
_LONG_LOCK = 60.0
_STARTING = 240.0
_STARTS_AGAIN = 12.0  # after a kill, at most, unless it died more often than that
_STARTS = (
    ("worker started", '"event": "working"'),
    ("api started", "api listening"),
    ("web started", "web listening"),
)
_SETTLING = 240.0
_STOPPING = 150.0
_MARK = "GATEWAY_SOAK"
_DAYS = ("", "nil", "overnight")  # of the history, as sample_history.DAYS names them
_KILLED = ("worker", "api serving", "web serving", "worker", "api", "web")
_HISTORY_ENDS = timedelta(days=4)  # ago: what came due since is the service's own work


@dataclass
class Verdict:
    """What was found amiss, in words."""

    growth: list[Growth]
    amiss: list[str] = field(default_factory=list)
    invariants: str = "not checked: this gateway has no `doctor --deep`"

    def need(self, holds: bool, words: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.amiss.append(words)


def make_home() -> Home:
    """A rehearsal home whose history ends a few days ago."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    home = Home(FOLDER / "home")
    made = gateway(home, "init", "--rehearsal")
    if made.returncode:
        sys.exit(f"No home: {made.stdout}{made.stderr}")
    sample_history.DAYS = _DAYS  # type: ignore[assignment]
    sample_history.make_history(home, datetime.now(UTC) - _HISTORY_ENDS)
    home.settings_file.write_text("settle_seconds = 0.5\ntick_seconds = 2.0\n")
    return home


@contextmanager
def service(home: Home, api: str, web: str, temp: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`gateway run`, its log in var/soak; told to stop at the end."""
    words = [sys.executable, "-m", "gateway", "--home", str(home.root), "run"]
    environ = {**os.environ, "TMPDIR": str(temp), _MARK: str(temp)}
    with (FOLDER / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [*words, "--api", api, "--web", web], env=environ, stderr=log, stdout=log
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOPPING)


def ready(process: "subprocess.Popen[bytes]") -> None:
    """Wait until the worker works and the faces listen, each after its last start."""
    end = time.monotonic() + _STARTING
    while process.poll() is None and time.monotonic() < end:
        told = (FOLDER / "service.log").read_text(encoding="utf-8")
        if all(0 <= told.rfind(start) < told.rfind(there) for start, there in _STARTS):
            return
        time.sleep(0.5)
    sys.exit(f"The service does not start: see {FOLDER / 'service.log'}.")


def kill_often(faults: Faults, seconds: float) -> None:
    """Processes die, each at its moment of so many seconds; they are started again."""
    for role in _KILLED:
        time.sleep(seconds / len(_KILLED))
        faults.kill(role)
    time.sleep(_STARTS_AGAIN)


def trouble(faults: Faults, seconds: float) -> None:
    """What troubles a service without ending its processes, for about so many seconds."""
    end = time.monotonic() + seconds
    for turn in itertools.count():
        faults.full_outbox(6.0)
        time.sleep(6)
        long = turn == 0 and seconds > _LONG_LOCK + 40
        faults.locked_database(_LONG_LOCK if long else 5.0)
        time.sleep(6)
        faults.kill("reader's child")
        time.sleep(max(4.0, seconds / 40))
        if time.monotonic() + 30 > end:
            break
    time.sleep(max(0.0, end - time.monotonic()))


def settled(home: Home, load: Load) -> bool:
    """Whether everything dropped is finished, within a patient while."""
    end = time.monotonic() + _SETTLING
    while time.monotonic() < end:
        waiting = list(home.inbox_of("ofsted", "notifications").glob("*.csv"))
        if not waiting and not left_files(home.drops_work) and not _unfinished(home, load):
            return True
        time.sleep(1)
    return False


def _unfinished(home: Home, load: Load) -> list[str]:
    states = drop_states(home)
    return [sha for sha in load.dropped if states.get(sha, ["none"]) in (["none"], ["received"])]


def drop_states(home: Home) -> dict[str, list[str]]:
    """The states of the drops of each content."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as plain:
        for sha, state in plain.execute("SELECT sha256, state FROM drops"):
            found.setdefault(sha, []).append(state)
    return found


def judge(
    home: Home, looks: Looks, load: Load, faults: Faults, since: float, temp: Path
) -> Verdict:
    """After the service has ended: what grew, what is left, what was lost or doubled."""
    verdict = Verdict(list(looks.growth(since)))
    for item in verdict.growth:
        verdict.need(not item.grows, f"{item.role}: {item.unit} grew")
    for role, seconds in looks.longest.items():
        verdict.need(seconds < LONGEST_WORK, f"a process of {role} lived {seconds:.0f} s")
    verdict.need(not looks.left(), f"left running: {', '.join(looks.left())}")
    verdict.need(not looks.alive(), "marked processes still run")
    left = left_files(temp)
    verdict.need(not left, f"left in the temp folder: {', '.join(left[:5])}")
    work = left_files(home.drops_work) + left_files(home.root / "var" / "work" / "packages")
    verdict.need(not work, f"left in var/work: {', '.join(work[:5])}")
    _drops(home, load, faults, verdict)
    _deep(home, verdict)
    return verdict


def _drops(home: Home, load: Load, faults: Faults, verdict: Verdict) -> None:
    """Each stands once, and is taken; but a file whose reader is killed is refused (over-limit)."""
    states = drop_states(home)
    refused = 0
    for sha in load.dropped:
        found = states.get(sha, [])
        verdict.need(len(found) == 1, f"a drop stands {len(found)} times")
        refused += found == ["quarantined"]
        known = set(found) <= {"accepted", "sent", "quarantined"}
        verdict.need(known, f"a drop is {', '.join(found)}")
    killed = faults.count["kill -9 of reader's child"]
    verdict.need(refused <= killed, f"{refused} drops refused, {killed} readers killed")
    load.count["drops refused as their reader was killed"] = refused


def _deep(home: Home, verdict: Verdict) -> None:
    """The invariant checker, where this gateway has it."""
    if "--deep" not in gateway(home, "doctor", "--help").stdout:
        return
    done = gateway(home, "doctor", "--deep", "--json")
    told = json.loads(done.stdout).get("invariants", []) if done.stdout else []
    broken = [item["code"] for item in told if not item["holds"]]
    verdict.invariants = f"{len(told) - len(broken)} of {len(told)} hold"
    verdict.need(bool(told) and not broken, f"invariants: {', '.join(broken) or 'not told'}")


def page(seconds: float, looks: Looks, load: Load, faults: Faults, verdict: Verdict) -> str:
    """The section, as Markdown."""
    rows = "\n".join(
        f"| {item.role} | {item.unit} | {item.samples} | {item.first:.1f} | {item.last:.1f} | "
        f"{item.noise:.1f} | {item.per_hour:+.1f} | {'GROWS' if item.grows else 'flat'} |"
        for item in verdict.growth
    )
    done = ", ".join(f"{name} {number}" for name, number in sorted(load.count.items()))
    suffered = ", ".join(f"{name} × {number}" for name, number in sorted(faults.count.items()))
    passing = ", ".join(
        f"{role} at most {looks.most[role]} at once, none longer than {age:.0f} s"
        for role, age in sorted(looks.longest.items())
    )
    works, temps = [one[1] for one in looks.folders], [one[2] for one in looks.folders]
    amiss = "; ".join(verdict.amiss) or "nothing grew, was left, was lost or stands twice"
    no_disk = "" if faults.disk else " (no full outbox: this user may mount no small disk)"
    return f"""
`make soak` ran the service for {seconds:.0f} s on {machine_words()}.

Work: {done}. Faults: {suffered}{no_disk}.

| process | of | looks | first third | last third | noise | slope per hour | |
|---|---|--:|--:|--:|--:|--:|---|
{rows}

Medians of the steady part ({1 - _WARM:.0%} of the time, in which no lasting process is killed).
A figure grows when its last third lies above its first by more than the noise: three times the
usual distance from the slope, at least 2 % of memory. The slope is told for each, and says
little in a short run. Starts are not counted in the time.
Passing processes: {passing}. At most {max(works)} KiB lay in `var/work` and {max(temps)} KiB in
the temp folder.

Invariants: {verdict.invariants}. Verdict: {amiss}.
"""


def main() -> int:
    """Soak, judge, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the section in the docs")
    write = words.parse_args().write
    seconds = float(os.environ.get("SOAK_SECONDS", "600"))
    temp = Path(tempfile.mkdtemp(prefix="soak-"))
    told, amiss = soaked(make_home(), seconds, temp)
    sys.stdout.write(told)
    if write:
        write_section("Soak", told)
    shutil.rmtree(temp, ignore_errors=True)
    return int(amiss)


def soaked(home: Home, seconds: float, temp: Path) -> tuple[str, bool]:
    """Run the service through it all; the section, and whether anything is amiss."""
    tokens = {
        "ofsted": token(home, "ofsted", "drop"),
        "dfe": token(home, "dfe", "collect", "receipt"),
    }
    api, web = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    over = threading.Event()
    with service(home, api, web, temp) as process:
        looks = Looks(psutil.Process(process.pid), str(temp), temp, home.root / "var" / "work")
        load = Load(home, f"http://{api}", f"http://{web}", tokens)
        faults = Faults(home, looks)
        watcher = threading.Thread(target=_watch, args=(looks, over))
        watcher.start()
        try:
            ready(process)
            load.start()
            kill_often(faults, seconds * _WARM)
            ready(process)
            since = time.monotonic()
            trouble(faults, seconds * (1 - _WARM))
            load.stop()
            in_time = settled(home, load)
        finally:
            over.set()
            load.stop()
            watcher.join()
            faults.close()
    verdict = judge(home, looks, load, faults, since, temp)
    verdict.need(in_time, "what was dropped was not finished in time")
    verdict.need(process.returncode == 0, f"the service ended with {process.returncode}")
    return page(seconds, looks, load, faults, verdict), bool(verdict.amiss)


def _watch(looks: Looks, over: threading.Event) -> None:
    while not over.wait(_EVERY):
        looks.look()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
