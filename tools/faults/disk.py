"""A disk that is truly full: a small file system of its own, filled but for so much."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages import Broken, Run

LEAVES = (0, 4, 16, 32, 64, 128, 256)  # KiB that are free when the program begins
_SIZE = "48m"
_BLOCK = b"\0" * 4096


@contextmanager
def on_a_small_disk(run: Run) -> Iterator[Run]:
    """The run's home on a file system of its own. Raises Broken where none may be mounted."""
    aside = run.folder / "aside"
    run.home.rename(aside)
    run.home.mkdir(mode=0o755)
    words = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0755", "none", str(run.home)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        raise Broken("this user may not mount a small disk")
    try:
        shutil.copytree(aside, run.home, symlinks=True, dirs_exist_ok=True)
        settings = run.home / "config" / "gateway.toml"  # else so small a disk is alarmed for ever
        told = settings.read_text(encoding="utf-8") if settings.exists() else ""
        settings.write_text(f"minimum_free_bytes = 0\n{told}", encoding="utf-8")
        yield run
    finally:
        subprocess.run(["umount", "--lazy", str(run.home)], check=True)


def fill(home: Path, leave_kib: int) -> Path:
    """Fill the disk but for so much; remove the file to mend it."""
    ballast = home / "ballast.tmp"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while stream.write(_BLOCK):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    with suppress(OSError):
        os.truncate(ballast, max(0, ballast.stat().st_size - leave_kib * 1024))
    return ballast
