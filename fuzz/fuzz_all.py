"""Fuzz every target for a while, and keep what reached new code: ``make fuzz``.

FUZZ_SECONDS is the time for each target, 60 unless it is set. atheris is installed, from pins with
hashes, into an environment of the fuzzing alone. What breaks a target is left in ``var/fuzz`` and
the run fails; what reached new code, made as small as libFuzzer can, joins ``fuzz/corpus``.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from fuzz_targets import TARGETS

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "var" / "fuzz"
CORPUS = HERE / "corpus"
LONGEST = 8192  # bytes of an input
MOST_KEPT = 70 * 1024  # bytes of a target's corpus in the repository


def prepare() -> str:
    """An environment with atheris, and this one's packages beside it. Gives its Python."""
    tools = WORK / "tools"
    python = tools / "bin" / "python"
    if not python.exists():
        venv.create(tools, with_pip=True, symlinks=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    wanted = ["-qq", "--require-hashes", "-r", str(HERE / "requirements.txt")]
    if subprocess.run([*pip, *wanted], check=False).returncode != 0:
        raise SystemExit("atheris could not be installed: see above.")
    own = Path(os.__file__).parent / "site-packages"
    packages = next((path for path in map(Path, sys.path) if (path / "polars").is_dir()), own)
    for folder in tools.glob("lib/python*/site-packages"):
        (folder / "gateway-packages.pth").write_text(f"{packages}\n")
    return str(python)


def itself(python: str, target: str) -> Path:
    """A program that fuzzes this one target: libFuzzer starts itself again by its name."""
    program = WORK / f"fuzz-{target}"
    program.write_text(
        f'#!/bin/sh\nFUZZ_SELF={program} exec {python} {HERE / "fuzz_one.py"} {target} "$@"\n'
    )
    program.chmod(0o700)
    return program


def fuzz(python: str, target: str, seconds: int) -> bool:
    """Fuzz one target. Whether nothing broke it."""
    found, kept = WORK / "found" / target, CORPUS / target
    found.mkdir(parents=True, exist_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    command = [str(itself(python, target)), f"-max_len={LONGEST}"]
    ran = subprocess.run(
        [*command, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096",
         f"-artifact_prefix={WORK}/broke-{target}-", "-print_final_stats=1", str(found), str(kept)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    said = [line for line in ran.stderr.splitlines() if "stat::" in line or "SUMMARY" in line]
    print(f"{target}: {'held' if ran.returncode == 0 else 'BROKE'}", *said, sep="\n  ", flush=True)
    if ran.returncode != 0:
        print(ran.stdout[-4000:], ran.stderr[-4000:], flush=True)
        return False
    keep(command, found, kept)
    return True


def keep(command: list[str], found: Path, kept: Path) -> None:
    """Make the target's corpus the least that reaches all code reached, smallest inputs first."""
    least = WORK / "least"
    shutil.rmtree(least, ignore_errors=True)
    least.mkdir()
    merged = [*command, "-merge=1", str(least), str(kept), str(found)]
    subprocess.run(merged, check=True, capture_output=True)
    room = MOST_KEPT
    shutil.rmtree(kept)
    kept.mkdir()
    for path in sorted(least.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        room -= path.stat().st_size
        if room < 0:
            break
        shutil.copyfile(path, kept / path.name)
    print(f"  corpus: {len(list(kept.iterdir()))} inputs, {MOST_KEPT - max(room, 0)} bytes")


def main() -> int:
    """Fuzz those named, or all."""
    seconds = int(os.environ.get("FUZZ_SECONDS") or 60)
    python = prepare()
    results = [fuzz(python, target, seconds) for target in sys.argv[1:] or TARGETS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
