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

from measure import Cost, measure

HERE = Path(__file__).resolve().parent
PASSWORD = "bench only, protects nothing"  # noqa: S105
SENDER, RECIPIENT = "sender@bench.example", "recipient@bench.example"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Variant:
    """One way to run the pipeline: settings of ``baseline.sh`` and the programs they need."""

    name: str
    settings: tuple[tuple[str, str], ...]
    needs: tuple[str, ...]


MILLER = Variant("shell, default (mlr)", (), ("mlr",))
CSVKIT = Variant("shell, csvkit", (("CUT", "csvkit"),), ("csvcut",))
TUNED_MILLER = Variant("shell, tuned (mlr)", (("TUNED", "1"), ("CUT", "mlr")), ("mlr",))
TUNED_DUCKDB = Variant("shell, tuned (duckdb)", (("TUNED", "1"),), ("duckdb",))
_FAST_XLSX = ("FROM_XLSX", "xlsx2csv -f %d/%m/%Y")
FOR_CSV = (MILLER, CSVKIT, TUNED_MILLER, TUNED_DUCKDB)
FOR_XLSX = (
    Variant("shell, default (in2csv, mlr)", (), ("mlr", "in2csv")),
    Variant("shell, xlsx2csv, mlr", (_FAST_XLSX,), ("mlr", "xlsx2csv")),
    Variant(
        "shell, tuned (xlsx2csv, mlr)",
        (("TUNED", "1"), ("CUT", "mlr"), _FAST_XLSX),
        ("mlr", "xlsx2csv"),
    ),
)


def prepare_tools(folder: Path, say: Say) -> str:
    """Get the pipeline's tools where that is allowed; gives the PATH they are on.

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
    if subprocess.run([*pip, *wanted], check=False).returncode != 0:
        say("csvkit, xlsx2csv and duckdb could not be installed; variants with them are left out.")
    native = _native_duckdb(tools)
    parts = [*([str(native.parent)] if native else []), str(tools / "bin"), os.environ["PATH"]]
    return os.pathsep.join(parts)


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

    def __init__(self, script: Path, path: str, folder: Path) -> None:
        self._script, self._folder = script, folder
        self._home = Path(tempfile.mkdtemp(prefix="gwb-"))
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        self._environment = {
            **os.environ,
            "PATH": path,
            "GNUPGHOME": str(self._home),
            "SENDER": SENDER,
            "RECIPIENT": RECIPIENT,
            "ZIP_PASSWORD_FILE": str(password),
        }
        for user in (SENDER, RECIPIENT):
            make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", user]
            self._run([*make, "future-default", "default", "never"])

    def can(self, variant: Variant) -> str | None:
        """Why a variant cannot run here, or None."""
        needs = ("7z", "gpg", *variant.needs)
        gone = [need for need in needs if not shutil.which(need, path=self._environment["PATH"])]
        return f"{', '.join(gone)} not installed" if gone else None

    def run(self, variant: Variant, files: list[Path], rows: int) -> Cost:
        """One run over all files, checked: each package must hold every row in 33 columns."""
        outbox = self._folder / "outbox"
        shutil.rmtree(outbox, ignore_errors=True)
        settings = {**self._environment, **dict(variant.settings), "OUTBOX": str(outbox)}
        self._run(["gpgconf", "--launch", "gpg-agent"])  # before the clock, as its notes say
        cost = measure(["bash", str(self._script), *map(str, files)], settings, self._folder)
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
                count, right = count + 1, right and len(record) == 33
        if process.returncode != 0 or not right or count != rows + 1:
            sys.exit(f"{package.name} holds {count - 1} rows, not {rows} of 33 columns.")

    def _run(self, command: list[str]) -> bytes:
        ran = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        if ran.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{ran.stderr.decode(errors='replace')}")
        return ran.stdout

    def close(self) -> None:
        """End the agent and remove the keys."""
        self._run(["gpgconf", "--kill", "all"])
        shutil.rmtree(self._home, ignore_errors=True)
