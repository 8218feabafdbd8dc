"""Conditions of the machine: a disk of a few megabytes, a locked database, keys, gpg's programs."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bad_home import Exchange, Worker

from gateway.crypto.keys import REHEARSAL_MADE, HomeKeys, import_party_keys, load_pins, write_pins
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import PartyPins, Pins

EXPIRY = datetime(2026, 2, 1, tzinfo=UTC)


# --- disks --------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: str = "24m") -> Iterator[Path]:
    """A file system of its own at ``folder``, with what lay there. Skips where none may be made."""
    kept = folder.with_name(f"{folder.name}-kept")
    shutil.copytree(folder, kept, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave_kib: int = 0) -> Path:
    """Fill the disk but for so much; remove the ballast to mend it."""
    ballast = folder / "ballast.tmp"
    block = b"\0" * 4096
    with ballast.open("wb") as stream:
        try:
            while True:
                stream.write(block)
                stream.flush()
        except OSError as error:
            assert error.errno == errno.ENOSPC
            with suppress(OSError):
                stream.close()
    os.truncate(ballast, max(0, ballast.stat().st_size - leave_kib * 1024))
    return ballast


# --- the database -------------------------------------------------------------------------


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program holds the database for writing."""
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


class LockedAt:
    """A tick's progress that takes the database away at the first word of a stage."""

    def __init__(self, database: Path, stage: str) -> None:
        self._other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self.stage, self.held = stage, False

    def __call__(self, stage: str, _done: int, _total: int | None) -> None:
        if stage == self.stage and not self.held:
            self._other.execute("BEGIN IMMEDIATE")
            self.held = True

    def release(self) -> None:
        """Let go, and close."""
        self._other.close()


# --- files that arrive --------------------------------------------------------------------


@contextmanager
def growing(path: Path, piece: bytes) -> Iterator[None]:
    """The file gets a further piece every few milliseconds, as over a slow share."""
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.01):
            with path.open("ab") as stream:
                stream.write(piece)

    path.write_bytes(piece)
    writer = threading.Thread(target=grow)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


# --- keys and gpg -------------------------------------------------------------------------


def new_key(exchange: Exchange, party: str, role: str, expires: datetime | None = None) -> str:
    """A further key in the party's own folder; its public half is offered in keys/parties."""
    keys = HomeKeys(exchange.home.root)
    with OpenPGP(keys.rehearsal(party)) as keyring:
        name = f"Another {party} {role}"
        made = keyring.generate(name, "encrypt-and-sign", REHEARSAL_MADE, expires)
        keys.party_public(party, role).write_bytes(keyring.export_public(made))  # type: ignore[arg-type]
    return made


def pin(exchange: Exchange, party: str, role: str, fingerprint: str) -> None:
    """Two officers write another fingerprint into config/parties.toml."""
    pins = load_pins(exchange.home.parties_file)
    had = pins.parties[party]
    now = {"exchange": had.exchange, "records": had.records, role: fingerprint}
    changed = PartyPins(str(now["exchange"]), now["records"])
    write_pins(exchange.home.parties_file, Pins(pins.gateway, {**pins.parties, party: changed}))


def take_over_keys(exchange: Exchange) -> None:
    """What `init` does with the key files that parties handed over."""
    import_party_keys(exchange.home.root, load_pins(exchange.home.parties_file))


@contextmanager
def without_secret_key(worker: Worker) -> Iterator[None]:
    """The gateway's own signing key is gone, as after a backup without it."""
    folder = HomeKeys(worker.home.root).gateway / "private-keys-v1.d"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    yield
    folder.rmdir()
    aside.rename(folder)


class Programs:
    """A folder of programs that stands first and alone on PATH; gpg can be taken out of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._real = {name: Path(shutil.which(name) or "") for name in ("gpg", "gpgconf")}
        self.give()

    def give(self) -> None:
        """GnuPG is installed."""
        for name, path in self._real.items():
            (self.folder / name).symlink_to(path)

    def take(self) -> None:
        """GnuPG is removed."""
        for name in self._real:
            (self.folder / name).unlink()


class Service:
    """`run` as a process, its JSON log read as it comes; told to stop at the end."""

    def __init__(self, home: Path, path: Path) -> None:
        self.said, self.exit_code = "", None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--home", str(home), "run"],
            env={**os.environ, "PATH": str(path)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self.said += self._process.communicate()[1]
        self.exit_code = self._process.returncode

    def heard(self, event: str) -> dict[str, Any]:
        """Wait for an event in the log; fails when the service ends first."""
        assert self._process.stderr
        for line in self._process.stderr:
            self.said += line
            if line.startswith("{") and (said := json.loads(line))["event"] == event:
                return dict(said)
        raise AssertionError(f"ended before it said {event}: {self.said}")
