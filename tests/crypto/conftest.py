"""Real keys, made once for each test process and copied for each test that wants some."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from key_ring import MADE, BareGpg, Holder, Ring

from gateway.crypto.openpgp import Capability, OpenPGP


def _holder(folder: Path, name: str, capability: Capability) -> Holder:
    with OpenPGP(folder / name) as openpgp:
        fingerprint = openpgp.generate(f"Test {name}", capability, MADE, None)
        return Holder(folder / name, fingerprint, openpgp.export_public(fingerprint))


@pytest.fixture(scope="session")
def made_ring() -> Iterator[Ring]:
    folder = Path(tempfile.mkdtemp(prefix="ring-"))
    ring = Ring(
        _holder(folder, "gateway", "sign"),
        _holder(folder, "dfe", "encrypt-and-sign"),
        _holder(folder, "panel", "encrypt-and-sign"),
        _holder(folder, "stranger", "encrypt-and-sign"),
    )
    with OpenPGP(ring.gateway.home) as openpgp:
        for holder in (ring.dfe, ring.panel, ring.stranger):
            openpgp.import_pinned(holder.public, holder.fingerprint)
    for holder in (ring.dfe, ring.panel):
        with OpenPGP(holder.home) as openpgp:
            openpgp.import_pinned(ring.gateway.public, ring.gateway.fingerprint)
    yield ring
    shutil.rmtree(folder)


@pytest.fixture
def ring(made_ring: Ring) -> Iterator[Ring]:
    """A copy of everyone's GNUPGHOME, under a path short enough for a bare gpg."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))

    def copied(holder: Holder) -> Holder:
        home = folder / holder.home.name
        shutil.copytree(holder.home, home, ignore=shutil.ignore_patterns("S.*", "*.lock", ".#*"))
        home.chmod(0o700)
        return Holder(home, holder.fingerprint, holder.public)

    ring = Ring(
        copied(made_ring.gateway),
        copied(made_ring.dfe),
        copied(made_ring.panel),
        copied(made_ring.stranger),
    )
    yield ring
    for home in folder.iterdir():
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    shutil.rmtree(folder)


@pytest.fixture
def bare_gpg() -> BareGpg:
    """Stock gpg, as a party at their own desk runs it."""

    def run(home: Path, *args: object, at: datetime | None = None, typed: bytes = b"") -> bytes:
        clock = [f"--faked-system-time={at:%Y%m%dT%H%M%S}!"] if at else []
        command = ["gpg", "--homedir", home, "--batch", "--yes", "--no-tty", *clock, *args]
        done = subprocess.run(list(map(str, command)), input=typed, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file to protect, with words that must be found nowhere else."""
    path = tmp_path / "plain"
    path.write_bytes(b"PLAINTEXT-CANARY " * 5000)
    return path
