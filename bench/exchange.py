"""The gateway's side of the measurement: from a dropped file to packages with two recipients."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from measure import Cost, measure

CHECKOUT = Path(__file__).resolve().parent.parent
Package = Literal["xlsx", "csv"]
_WORKBOOK = '\nformats = ["xlsx"]\n'
MORNING, WINDOW = "2025-03-17T09:00", "2025-03-17T16:00"  # a Monday after all dates of the workload


class Exchange:
    """Fresh rehearsal homes, each a copy of one that ``init`` made before any clock started."""

    def __init__(self, folder: Path, package: Package = "xlsx") -> None:
        """``package``: what its agreement says a package's rows travel as."""
        self._folder = folder
        self._template = folder / f"template-{package}"
        self._home = folder / "home"
        shutil.rmtree(self._template, ignore_errors=True)
        config = self._template / "config"
        shutil.copytree(CHECKOUT / "config", config)
        self._template.chmod(0o700)
        agreement = config / "agreements" / "ofsted-dfe.toml"
        told = agreement.read_text()
        if _WORKBOOK not in told:
            sys.exit("The agreement no longer says of its flows that a package is a workbook.")
        agreement.write_text(told.replace(_WORKBOOK, f'\nformats = ["{package}"]\n'))
        self._run(self._template, "init", "--rehearsal")

    def start(self) -> Cost:
        """What it costs to start the program and do nothing."""
        return measure(self._command(self._template, "--version"), os.environ, self._folder)

    def run(self, files: list[Path], rows: int) -> tuple[Cost, Cost]:
        """The cost of intake and of the window, checked: every row must be accepted and sent.

        ``rows`` are those of each file.
        """
        shutil.rmtree(self._home, ignore_errors=True)
        ignored = shutil.ignore_patterns("S.*")
        shutil.copytree(self._template, self._home, symlinks=True, ignore=ignored)
        inbox = self._home / "inbox" / "ofsted" / "notifications"
        settled = time.time() - 3600  # or the wait for a file to stand still is in the wall time
        for file in files:
            shutil.copyfile(file, inbox / file.name)
            os.utime(inbox / file.name, (settled, settled))
        intake = self._measured("tick", "--now", MORNING)
        window = self._measured("tick", "--now", WINDOW)
        self._check(len(files), rows)
        return intake, window

    def validated(self, file: Path) -> Cost:
        """The cost of `check`, which judges a file by every rule and sends nothing."""
        command = self._command(self._template, "check", str(file), "--flow", "notifications")
        return measure(command, os.environ, self._folder)

    def _check(self, files: int, rows: int) -> None:
        told = json.loads(self._run(self._home, "status", "--now", WINDOW, "--json"))
        taken = [(drop["rows"], drop["accepted"]) for drop in told["drops"]]
        sent = [package["rows"] for package in told["packages"]]
        placed = sorted(item["party"] for item in told["deliveries"] if item["placed_at"])
        if (taken, sent, placed) != ([(rows, rows)] * files, [rows * files], ["dfe", "panel"]):
            sys.exit(f"The exchange did not send {files} × {rows} rows to two: {sent}, {placed}.")

    def _measured(self, *words: str) -> Cost:
        return measure(self._command(self._home, *words), os.environ, self._folder)

    def _run(self, home: Path, *words: str) -> str:
        command = self._command(home, *words)
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
        if ran.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    @staticmethod
    def _command(home: Path, *words: str) -> list[str]:
        return [sys.executable, "-m", "gateway", "--home", str(home), *words]
