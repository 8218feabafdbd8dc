"""What other users of a machine could see of a process, and what must never stand there.

Anyone may read a process's words, and its own user its environment. Passing processes are seen by
looking often; each gpg is seen for certain, since a recorder stands before it on PATH.
"""

import base64
import os
import re
import shutil
import threading
from contextlib import suppress
from pathlib import Path

_PRIVATE = re.compile(rb"\((?:d|q) #([0-9A-F]{32,})#\)")  # of a key as gpg's agent keeps it
_FULL_LIMIT = re.compile(r"^Max core file size\s+(\S+)\s+(\S+)", re.MULTILINE)


class Watch:
    """Looks at each process whose environment or command names ``mark``, and all below it.

    ``seen``: their commands and environments. ``dumping``: the commands of those that could leave
    a core dump. ``temp``: what lay in the temp folder's files, looked at just as often.
    """

    def __init__(self, mark: Path) -> None:
        self._mark = os.fsencode(mark)
        self._folder = mark
        self.seen: set[bytes] = set()
        self.dumping: set[bytes] = set()
        self.temp: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_often)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look_often(self) -> None:
        while not self._over.wait(0.05):
            self._look()

    def _look(self) -> None:
        ours: set[str] = set()
        for pid in sorted(
            filter(str.isdigit, (one.name for one in Path("/proc").iterdir())), key=int
        ):
            with suppress(OSError, IndexError):
                words = Path("/proc", pid, "cmdline").read_bytes()
                environ = Path("/proc", pid, "environ").read_bytes()
                parent = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1]
                if parent in ours or self._mark in environ or self._mark in words:
                    ours.add(pid)
                    self.seen |= {words, environ}
                    limit = _FULL_LIMIT.search(Path("/proc", pid, "limits").read_text())
                    if words and limit and limit[1] != "0" and b"gateway" in words:
                        self.dumping.add(words)
        for path in self._folder.rglob("*"):
            with suppress(OSError):
                if path.is_file():
                    self.temp.add(path.read_bytes())


def recorded_gpg(folder: Path) -> Path:
    """A folder for PATH whose gpg writes down its own words and environment before it runs."""
    folder.mkdir()
    notes = folder / "notes"
    notes.mkdir()
    real, cat = shutil.which("gpg"), shutil.which("cat")
    gpg = folder / "gpg"
    gpg.write_text(
        f'#!/bin/sh\n{cat} /proc/$$/cmdline /proc/$$/environ > "{notes}/$$"\nexec {real} "$@"\n'
    )
    gpg.chmod(0o755)
    return folder


def recorded(folder: Path) -> set[bytes]:
    """What each gpg had."""
    return {note.read_bytes() for note in (folder / "notes").iterdir()}


def secrets_of(keys: Path) -> dict[str, set[bytes]]:
    """By file, what of each secret below ``keys`` must be seen nowhere: raw, in hex, in base64."""
    found: dict[str, set[bytes]] = {}
    for path in sorted(keys.rglob("*")):
        if path.suffix == ".key" and path.parent.name == "private-keys-v1.d":
            digits = _PRIVATE.findall(re.sub(rb"\n ", b"", path.read_bytes()))
            assert digits, f"{path} holds no key as this test knows it"
            found[str(path)] = {form for one in digits for form in (one, one.lower())}
        elif path.suffix in (".key", ".secret", ".token", ".password"):
            raw = path.read_bytes().strip()
            forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)}
            found[str(path)] = forms
    return found
