"""The shell pipeline that the gateway is measured against: its tools, keys, variants and runs."""

import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from columns import AGREED
from measure import Cost, measure

HERE = Path(__file__).resolve().parent
PASSWORD = "bench only, protects nothing"  # noqa: S105
SENDER, RECIPIENT = "sender@bench.example", "recipient@bench.example"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Variant:
    """One way to run `pipeline.sh`: the tool that cuts, and how the rest is set.

    ``tuned``: as whoever has profiled it would, deflating at the first level, and not once more by
    gpg. ``plain``: what makes CSV of a workbook.
    """

    name: str
    tool: str
    tuned: bool = False
    plain: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What the script reads from its environment."""
        level, seal = ("1", "--compress-algo none") if self.tuned else ("5", "")
        return {"TOOL": self.tool, "LEVEL": level, "SEAL": seal, "PLAIN": self.plain or ""}

    @property
    def needs(self) -> tuple[str, ...]:
        """The programs it runs."""
        return ("7z", "gpg", self.tool, *([self.plain] if self.plain else []))


MILLER = Variant("shell, default (mlr)", "mlr")
CSVKIT = Variant("shell, csvkit", "csvcut")
TUNED_MILLER = Variant("shell, tuned (mlr)", "mlr", tuned=True)
TUNED_DUCKDB = Variant("shell, tuned (duckdb)", "duckdb", tuned=True)
FOR_CSV = (MILLER, CSVKIT, TUNED_MILLER, TUNED_DUCKDB)
FROM_XLSX = Variant("shell, default (in2csv, mlr)", "mlr", plain="in2csv")
FOR_XLSX = (
    FROM_XLSX,
    Variant("shell, xlsx2csv, mlr", "mlr", plain="xlsx2csv"),
    Variant("shell, tuned (xlsx2csv, mlr)", "mlr", tuned=True, plain="xlsx2csv"),
)


@dataclass(frozen=True)
class Tools:
    """What the gateway is measured against: the PATH of its programs, and the Python of libraries.

    ``python`` is None where they could not be installed.
    """

    path: str
    python: Path | None


def prepare_tools(folder: Path, say: Say) -> Tools:
    """Get the tools where that is allowed.

    Miller comes from apt-get, the rest from PyPI into an environment of the bench alone. Nothing
    that cannot be had is replaced by anything else: its variants are left out, and said to be.
    """
    _from_apt({"mlr": "miller", "7z": "p7zip-full"}, say)
    tools = folder / "tools"
    python = tools / "bin" / "python"
    if not python.exists():
        venv.create(tools, with_pip=True, symlinks=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    wanted = ["-qq", "--require-hashes", "-r", str(HERE / "requirements.txt")]
    installed = subprocess.run([*pip, *wanted], check=False).returncode == 0
    if not installed:
        say("What PyPI carries could not be installed; what needs it is left out.")
    native = _native_duckdb(tools)
    parts = [*([str(native.parent)] if native else []), str(tools / "bin"), os.environ["PATH"]]
    return Tools(os.pathsep.join(parts), python if installed else None)


def _from_apt(wanted: dict[str, str], say: Say) -> None:
    missing = [package for program, package in wanted.items() if not shutil.which(program)]
    apt = shutil.which("apt-get")
    if not missing:
        return
    if apt is None or os.geteuid() != 0:
        say(f"Not installed, and not mine to install: {', '.join(missing)}.")
        return
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    }
    subprocess.run([apt, "-qq", "update"], check=False, **quiet)  # type: ignore[call-overload]
    command = [apt, "-qq", "-y", "--no-install-recommends", "install", *missing]
    if subprocess.run(command, check=False, **quiet).returncode != 0:  # type: ignore[call-overload]
        say(f"apt-get could not install {', '.join(missing)}.")


def _native_duckdb(tools: Path) -> Path | None:
    """The binary itself: the ``duckdb`` on the environment's PATH is a script around it."""
    for found in tools.glob("lib/python*/site-packages/duckdb_cli/**/duckdb"):
        with found.open("rb") as file:
            if file.read(4) == b"\x7fELF":
                return found
    return None


class Pipeline:
    """The pipeline with keys and a password of its own. ``close()`` ends its agent."""

    def __init__(self, path: str, folder: Path) -> None:
        self._folder = folder
        self._home = Path(tempfile.mkdtemp(prefix="gwb-"))
        self._password, self._agreed = folder / "password", folder / "agreed.csv"
        self._password.write_text(PASSWORD + "\n")
        with self._agreed.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(AGREED)
        self._environment = {**os.environ, "PATH": path, "GNUPGHOME": str(self._home)}
        for user in (SENDER, RECIPIENT):
            make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", user]
            self._run([*make, "future-default", "default", "never"])

    def can(self, variant: Variant) -> str | None:
        """Why a variant cannot run here, or None."""
        gone = [
            need for need in variant.needs if not shutil.which(need, path=self._environment["PATH"])
        ]
        return f"{', '.join(gone)} not installed" if gone else None

    def run(self, variant: Variant, files: list[Path], rows: int) -> Cost:
        """One run over all files, checked: each package must hold every row in 33 columns."""
        outbox = self._folder / "outbox"
        shutil.rmtree(outbox, ignore_errors=True)
        settings = {**self._environment, **variant.settings}
        self._run(["gpgconf", "--launch", "gpg-agent"])  # before the clock
        given = [str(self._agreed), str(self._password), str(outbox), SENDER, RECIPIENT]
        command = ["bash", str(HERE / "pipeline.sh"), *given, *map(str, files)]
        cost = measure(command, settings, self._folder)
        for file in files:
            self._check(outbox / f"{file.stem}.zip.gpg", file.stem, rows)
        return cost

    def _check(self, package: Path, name: str, rows: int) -> None:
        plain = package.with_suffix("")
        self._run(["gpg", "--batch", "--quiet", "--output", str(plain), "--decrypt", str(package)])
        unzip = ["7z", "x", "-so", f"-p{PASSWORD}", str(plain), f"{name}.csv"]
        count, right = 0, True
        # Row by row: what this process holds at its fullest shows in the figures of all it starts.
        with subprocess.Popen(unzip, env=self._environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            for record in csv.reader(io.TextIOWrapper(process.stdout, "utf-8-sig", newline="")):
                count, right = count + 1, right and len(record) == len(AGREED)
        if process.returncode != 0 or not right or count != rows + 1:
            sys.exit(f"{package.name} holds {count - 1} rows, not {rows} of {len(AGREED)} columns.")

    def _run(self, command: list[str]) -> bytes:
        ran = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        if ran.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{ran.stderr.decode(errors='replace')}")
        return ran.stdout

    def close(self) -> None:
        """End the agent and remove the keys."""
        self._run(["gpgconf", "--kill", "all"])
        shutil.rmtree(self._home, ignore_errors=True)
