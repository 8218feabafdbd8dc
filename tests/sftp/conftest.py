"""A rehearsal home that serves SFTP, and the real OpenSSH client."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsing import AtWork, clean_row, make_reader

from gateway.intake.confined.reader import Reader

PATIENCE_SECONDS = 60
SENT_AT, NEXT_DAY = "2026-03-02T15:00", "2026-03-02T16:05"


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this folder."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home and what tests do with it."""
    return AtWork(rehearsal_home, shared_reader)


@pytest.fixture(scope="session")
def login_keys(need_program, tmp_path_factory) -> dict[str, Path]:
    """A private key of each party and of a stranger; the public one beside it, with ``.pub``."""
    need_program("sftp")
    program = need_program("ssh-keygen")
    folder = tmp_path_factory.mktemp("login")
    found = {}
    for name in ("dfe", "ofsted", "panel", "stranger"):
        words = [program, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(words, check=True)
        found[name] = folder / name
    return found


class Sftp:
    """A home's SFTP process, and OpenSSH's clients of it."""

    def __init__(self, home: Path, keys: dict[str, Path], checkout: Path, folder: Path) -> None:
        self.home, self.keys, self.folder = home, keys, folder
        self.log = folder / "sftp.log"
        command = [sys.executable, "-m", "gateway", "--home", str(home)]
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*command, "sftp", "--listen", "127.0.0.1:0"],
                cwd=checkout,
                stdout=stream,
                stderr=stream,
            )
        self.port = self.wait_for("serving sftp")["port"]
        host = (home / "keys" / "sftp_host_ed25519.pub").read_text().strip()
        self.known = folder / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{self.port} {host}\n")

    def events(self, name: str) -> list[dict[str, object]]:
        """The log's lines of one event so far."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [told for line in lines if (told := json.loads(line))["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> dict[str, object]:
        """Wait until an event was logged so often; the last one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.events(name)) < count:
            assert time.monotonic() < deadline, f"no {name!r} in: {self.log.read_text()}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return self.events(name)[-1]

    def options(self, party: str, key: str = "") -> list[str]:
        """What OpenSSH's programs are told, but for the port."""
        return [
            *("-F", "none", "-i", str(self.keys[key or party])),
            *("-o", f"UserKnownHostsFile={self.known}", "-o", "StrictHostKeyChecking=yes"),
            *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", f"User={party}"),
        ]

    def command(self, party: str, *more: str, key: str = "") -> list[str]:
        """An `sftp` in batch mode, which reads its commands from stdin."""
        words = ["sftp", "-P", str(self.port), *self.options(party, key), *more]
        return [*words, "-b", "-", "127.0.0.1"]

    def do(self, party: str, *lines: str, key: str = "") -> "subprocess.CompletedProcess[str]":
        """Run commands of `sftp` as a party; nothing is checked."""
        return subprocess.run(
            self.command(party, key=key),
            input="".join(f"{line}\n" for line in lines),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def names(self, party: str, folder: str) -> list[str]:
        """The names in a folder."""
        done = self.do(party, f"ls -1 {shlex.quote(folder)}")
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if not line.startswith("sftp>")]
        return sorted(re.sub(r".*/", "", line.strip()) for line in lines)

    def end(self) -> None:
        """Leave nothing running."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def sftp(work: AtWork, login_keys: dict[str, Path], checkout: Path) -> Iterator[Sftp]:
    """SFTP served for a home with a key of each party, on a port of its own."""
    keys = work.home.sftp_keys
    keys.mkdir()
    for party in ("dfe", "ofsted", "panel"):
        (keys / f"{party}.pub").write_text(login_keys[party].with_suffix(".pub").read_text())
    folder = work.home.root.parent / "client"
    folder.mkdir()
    running = Sftp(work.home.root, login_keys, checkout, folder)
    yield running
    running.end()


@pytest.fixture
def package(work: AtWork) -> str:
    """A package that waits in the outboxes of dfe and the panel: its id."""
    work.tick(SENT_AT)
    work.rows(clean_row(1))
    work.tick(NEXT_DAY)
    (found,) = work.packages("dfe")
    return found
