"""The package served by SFTP and collected with OpenSSH's client; a server of its own each time."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from stages import CHECKOUT, FILE, PATIENCE, Run
from tracing import strace


def served(run: Run, inject: list[str] | None) -> int:
    """Serve the package by SFTP, and collect it with OpenSSH's client; the server's exit code.

    ``inject`` None: without strace. What the client gets is not judged: the server may die.
    """
    wal = run.home / "var" / "gateway.db-wal"
    around = [] if inject is None else [*strace(run.trace, follow=True, only=[wal]), *inject]
    log = run.folder / "sftp.log"
    words = [*around, sys.executable, "-m", "gateway", "--home", str(run.home)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*words, "sftp", "--listen", "127.0.0.1:0"],
            cwd=CHECKOUT, env=run.environment, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        if (port := _port(log, server)) is not None:
            _collect(run, port)
    finally:
        with suppress(OSError):
            os.kill(_gateway_of(server), signal.SIGTERM)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    return server.returncode


def _gateway_of(server: "subprocess.Popen[bytes]") -> int:
    """The gateway's own process: the server, or strace's child. Raises OSError: it has ended."""
    task = Path(f"/proc/{server.pid}/task/{server.pid}")
    if (task / "comm").read_text().strip() != "strace":
        return server.pid
    children = (task / "children").read_text().split()
    if not children:
        raise ProcessLookupError
    return int(children[0])


def _port(log: Path, server: "subprocess.Popen[bytes]") -> int | None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and (told := json.loads(line))["event"] == "serving sftp":
                return int(told["port"])
        time.sleep(0.05)
    return None


def _collect(run: Run, port: int) -> None:
    host = (run.home / "keys" / "sftp_host_ed25519.pub").read_text().strip()
    known = run.folder / "known"
    known.write_text(f"[127.0.0.1]:{port} {host}\n")
    batch = run.folder / "batch"
    batch.write_text(f"get outbox/{FILE} {run.folder / 'collected'}\n")
    options = [
        "-o",
        f"UserKnownHostsFile={known}",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "IdentityAgent=none",
    ]
    words = ["sftp", "-F", "none", "-P", str(port), "-i", str(run.folder / "login"), *options]
    run.program([*words, "-o", "User=dfe", "-b", str(batch), "127.0.0.1"])
