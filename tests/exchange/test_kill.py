"""The worker killed at any moment and started again: one package per window and recipient."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, ignore_patterns

import openpyxl
import pytest

from gateway.bootstrap import open_parts
from gateway.cli.opening import open_for
from gateway.engine.invariants import examine
from gateway.engine.status import status_of
from gateway.settings import Home

AT = "2026-03-02T16:05"
PACKAGE = "notifications-2026-03-02-01"
ROWS = 400
# Two ticks, one after the other, in one program: each start of one costs a second.
TWICE = """
from gateway.cli import main
for _ in range(2):
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, ended.code
    print(end="\\x1e", flush=True)
"""


def some(home: Path, pattern: str, count: int = 1) -> bool:
    """Whether at least so many files lie there."""
    return sum(1 for _ in home.glob(pattern)) >= count


# What must be seen on the disk before the kill: a point of the story each.
POINTS: dict[str, Callable[[Path], bool]] = {
    "claimed": lambda home: some(home, "var/work/drops/*/*/claimed"),
    "original sealed": lambda home: some(home, "var/vault/??/*"),
    "being staged": lambda home: some(home, "var/work/drops/*/*/attempt-*/.*.accepted.part"),
    "staged": lambda home: some(home, "var/staged/*.held"),
    "reported": lambda home: some(home, "outbox/ofsted/reports/*.html"),
    "workbook begun": lambda home: some(home, "var/work/packages/*/plain/*"),
    "zipped": lambda home: some(home, "var/work/packages/*/*.zip"),
    "sealed for dfe": lambda home: some(home, "var/work/packages/*/dfe/*.gpg"),
    "signed for panel": lambda home: some(home, "var/work/packages/*/panel/*.asc"),
    "package kept": lambda home: some(home, "var/vault/??/*", 4),
    "all kept": lambda home: some(home, "var/vault/??/*", 7),
    "first placed": lambda home: some(home, "outbox/dfe/notifications/*.gpg"),
    "first manifest": lambda home: some(home, "outbox/dfe/notifications/*.json"),
    "second placed": lambda home: some(home, "outbox/panel/notifications/*.gpg"),
}


@pytest.mark.parametrize("point", list(POINTS))
def test_killed_and_started_again(point, ordinary_user, template_home, extract, killing):
    home = ordinary_user.folder / "home"
    copytree(template_home, home, symlinks=True, ignore=ignore_patterns("S.*"))
    inbox = home / "inbox" / "ofsted" / "notifications"
    (inbox / "monday.csv").write_text(extract(ROWS), encoding="utf-8")
    ordinary_user.own(home)
    tick = ("-m", "gateway", "--home", str(home), "tick", "--now", AT, "--json")

    worker = ordinary_user.start(*tick)
    deadline = time.monotonic() + 60
    while worker.poll() is None and not POINTS[point](home) and time.monotonic() < deadline:
        time.sleep(0.0005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.communicate()
    killing(home)
    assert worker.returncode == -signal.SIGKILL, "the tick had ended before the kill"

    again = ordinary_user.run("-c", TWICE, *tick[2:])
    assert again.returncode == 0, again.stderr
    first, second = (json.loads(line) for line in again.stdout.split("\x1e")[:2])
    assert (first["faults"], second["faults"]) == ([], [])
    assert_one_whole_package(home)


def assert_one_whole_package(home: Path) -> None:
    """One package with every row, for each recipient; every claim finished; no plain work file."""
    for party in ("dfe", "panel"):
        outbox = home / "outbox" / party / "notifications"
        assert sorted(path.name for path in outbox.iterdir()) == [
            f"{PACKAGE}.manifest.json",
            f"{PACKAGE}.manifest.json.asc",
            f"{PACKAGE}.zip.gpg",
        ]
        to = home / f"opened-{party}"
        open_for(Home(home), outbox / f"{PACKAGE}.zip.gpg", party, to, None)
        rows = list(openpyxl.load_workbook(to / "data.xlsx").active.iter_rows(values_only=True))
        assert [row[0] for row in rows[1:]] == [f"SCN{n:08d}" for n in range(1, ROWS + 1)]
    assert [path for path in (home / "var" / "work").rglob("*") if path.is_file()] == []
    assert list((home / "inbox").rglob("*.csv")) == []
    with open_parts(Home(home)) as parts:
        told = status_of(parts, datetime(2026, 3, 2, 16, 5, tzinfo=UTC))
        assert examine(parts) == []
    assert [drop["state"] for drop in told["drops"]] == ["sent"]
    assert [package["state"] for package in told["packages"]] == ["placed"]
    assert [(item["party"], item["state"]) for item in told["deliveries"]] == [
        ("dfe", "placed"),
        ("panel", "placed"),
    ]
