"""Outages of what the gateway leans on: gpg that hangs, a service that errs, a database held."""

import http.client
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psutil

# --- gpg ------------------------------------------------------------------------------------------


class HangingGpg:
    """A folder for PATH whose gpg hangs when asked to, and is the real one else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._real = shutil.which("gpg") or ""
        self._switch = folder / "hang"
        (folder / "gpgconf").symlink_to(shutil.which("gpgconf") or "")
        wrapper = folder / "gpg"
        sleep = shutil.which("sleep")
        wrapper.write_text(
            f'#!/bin/sh\nif [ -e "{self._switch}" ]; then read -r words < "{self._switch}"\n'
            f'  case " $* " in *"$words"*) exec {sleep} 900 ;; esac\nfi\nexec {self._real} "$@"\n'
        )
        wrapper.chmod(0o755)

    @contextmanager
    def hanging(self, words: str = " ") -> Iterator[None]:
        """Each run hangs whose words hold ``words``; by default, every one."""
        self._switch.write_text(f"{words}\n")
        yield
        self._switch.unlink()

    def left(self) -> list[int]:
        """The processes that hang still."""
        mine = psutil.Process().children(recursive=True)
        return [one.pid for one in mine if _words(one)[1:] == ["900"]]


@contextmanager
def stopped_agent(short_home: Path) -> Iterator[int]:
    """gpg's own agent stands still, as on a stuck disk: gpg waits for it. Gives its process."""
    running = [one for one in psutil.process_iter() if str(short_home) in _words(one)]
    (agent,) = [one for one in running if "gpg-agent" in _words(one)[0]]
    agent.send_signal(signal.SIGSTOP)
    try:
        yield agent.pid
    finally:
        agent.send_signal(signal.SIGCONT)


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


# --- the database ---------------------------------------------------------------------------------

_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
held.execute("ROLLBACK")
"""


@contextmanager
def held_by_another_program(database: Path, seconds: float | None = None) -> Iterator[None]:
    """A program of its own holds the database: through the block, or for so many seconds of it."""
    words = [sys.executable, "-c", _HOLD, str(database)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == b"held\n"
        if seconds is not None:
            timer = threading.Timer(seconds, other.stdin.close)
            timer.start()
        yield
        if seconds is None:
            other.stdin.close()
        else:
            timer.join()


# --- a bucket's service ---------------------------------------------------------------------------

_CODES = {500: "InternalError", 503: "SlowDown"}


class FaultyProxy:
    """An HTTP proxy before an S3 server that answers puts as ``fault`` says; the rest it passes on.

    ``fault``: 500, 503, ``"cut"`` (the put is done, and the line cut before the answer),
    ``"late"`` (done, and the answer comes when nobody waits any more), or None.
    """

    def __init__(self, endpoint: str) -> None:
        self.fault: int | str | None = None
        self.puts: list[tuple[str, str, int]] = []  # fault, path and what the server answered
        self.over = threading.Event()
        self.behind = urlsplit(endpoint).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Listen no more."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.fault if self.command == "PUT" else None
            if isinstance(fault, int):
                proxy.puts.append((str(fault), self.path, 0))
                told = f"<Error><Code>{_CODES[fault]}</Code><Message>no</Message></Error>"
                self._answer(fault, [("Content-Type", "application/xml")], told.encode())
                return
            status, headers, answer = self._asked(body)
            if self.command == "PUT":
                proxy.puts.append((str(fault or ""), self.path, status))
            if fault == "late":
                proxy.over.wait(20)
            if fault:
                self.close_connection = True
                return
            self._answer(status, headers, answer)

        def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            line = http.client.HTTPConnection(proxy.behind, timeout=60)
            line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    line.putheader(name, value)
            line.endheaders(body)
            with line.getresponse() as told:
                answer = told.read()
            line.close()
            return told.status, told.getheaders(), answer

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
