"""Sending to the site as it really runs: `gateway run`, its web process, and its worker."""

import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
from receipting import copied
from rehearsing import NOTIFICATIONS, clean_row, csv_of
from senders import OURS, SENDER
from signing_in import TOKEN, lasting_code
from site_process import CHECKOUT, PATIENCE_SECONDS, port_of

from gateway.access.rehearsal import read_people
from gateway.settings import Home

BOUNDARY = "a-boundary-of-tests"
A_DAY = [clean_row(number) for number in range(1, 51)]  # a typical day's extract: 50 rows
MEGABYTE = 1024 * 1024
LIMIT = 8 * MEGABYTE


def chunk(block: bytes) -> bytes:
    """A chunk of a body whose length is not told."""
    return f"{len(block):x}\r\n".encode() + block + b"\r\n"


class Live:
    """A running gateway, and a sender who is signed in to it."""

    def __init__(self, home: Path, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.home, self.process, self.port = Home(home), process, port
        self.cookie = ""
        self._sign_in()

    def ask(self, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, str, str]:
        """GET or POST; the status, where it leads, and the page."""
        to = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {"Host": f"localhost:{self.port}", "Cookie": f"gateway={self.cookie}"}
        if body is not None:
            headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
        try:
            to.request("GET" if body is None else "POST", path, body, headers)
            heard = to.getresponse()
            for cookie in heard.headers.get_all("Set-Cookie") or []:
                if found := re.match(r"gateway=([^;]*)", cookie):
                    self.cookie = found[1]
            return heard.status, heard.headers.get("Location", ""), heard.read().decode()
        finally:
            to.close()

    def token(self, page: str) -> str:
        """The token of a page's form."""
        found = TOKEN.search(self.ask(page)[2])
        assert found
        return found[1]

    def form(self, page: str, **fields: str) -> None:
        """Send a form that leads on."""
        told = {**fields, "csrf_token": self.token(page)}
        status, _, text = self.ask(page, urlencode(told).encode())
        assert status in (302, 303), text

    def head(self) -> bytes:
        """An upload's form, up to its file."""
        field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n'
        file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        return f"{field}{self.token(f'{OURS}/send')}\r\n{file}".encode()

    def send(self, content: bytes) -> str:
        """Send a file; where it leads."""
        body = self.head() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        status, place, text = self.ask(f"{OURS}/send", body, kind)
        assert status == 303, text
        return place

    def begin(self, length: int) -> tuple[socket.socket, bytes]:
        """An upload of that many bytes in all, of which only the form's head is sent."""
        head = self.head()
        to = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        lines = (
            f"POST {OURS}/send HTTP/1.1",
            f"Host: localhost:{self.port}",
            f"Cookie: gateway={self.cookie}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {length}",
            "Connection: close",
        )
        to.sendall("\r\n".join([*lines, "", ""]).encode() + head)
        return to, head

    def begin_untold(self) -> socket.socket:
        """An upload that does not tell its length, and comes in chunks; its head is sent."""
        to = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        head = self.head()
        lines = (
            f"POST {OURS}/send HTTP/1.1",
            f"Host: localhost:{self.port}",
            f"Cookie: gateway={self.cookie}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            "Transfer-Encoding: chunked",
            "Connection: close",
        )
        to.sendall("\r\n".join([*lines, "", ""]).encode() + chunk(head))
        return to

    def inbox(self) -> list[str]:
        """What lies in the inbox."""
        folder = self.home.inbox_of("ofsted", NOTIFICATIONS)
        return [path.name for path in folder.iterdir() if path.name != ".gitkeep"]

    def wait_for_empty_inbox(self) -> None:
        """What was sent is taken, and what broke off is swept."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.inbox():
            assert time.monotonic() < until, self.inbox()
            time.sleep(0.05)

    def _sign_in(self) -> None:
        [shown] = [item for item in read_people(self.home.root) if item.who == SENDER]
        self.form("/sign-in", email=shown.email, password=shown.password)
        self.form("/sign-in/code", code=lasting_code(shown.key))


@pytest.fixture(scope="module")
def running(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """`gateway run` over a rehearsal home, stopped at the end."""
    folder = tmp_path_factory.mktemp("live")
    home = copied(template_home, folder / "home")
    with running_service(home, folder / "run.log") as made:
        yield made


@pytest.fixture
def limited(rehearsal_home: Path, tmp_path: Path) -> Iterator[Live]:
    """The same, of its own, where a file may have `LIMIT` bytes."""
    [agreement] = (rehearsal_home / "config" / "agreements").glob("*.toml")
    text, before = agreement.read_text(encoding="utf-8"), "files = { "
    assert before in text
    text = text.replace(before, f"{before}maximum_bytes = {LIMIT}, ")
    agreement.write_text(text, encoding="utf-8")
    with running_service(rehearsal_home, tmp_path / "run.log") as made:
        yield made


@contextmanager
def running_service(home: Path, log: Path) -> Iterator[Live]:
    """`gateway run`, and a sender at it."""
    words = ["--home", str(home), "run", "--web", "127.0.0.1:0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *words], cwd=CHECKOUT, stderr=stream, stdout=stream
        )
    try:
        yield Live(home, process, port_of(log, process))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def live(running: Live) -> Iterator[Live]:
    """The same for all tests: each leaves the inbox as it was."""
    yield running
    running.wait_for_empty_inbox()


def test_a_day_s_extract_shows_its_result_by_itself(live: Live) -> None:
    wait = live.send(csv_of(A_DAY))
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, place, page = live.ask(wait)
        wait = place or wait
        if status == 200 and "gateway-waiting" not in page:
            break
        assert time.monotonic() < until, page
        time.sleep(0.1)
    assert re.fullmatch(rf"{OURS}/drops/[0-9]{{8}}-[0-9a-f]{{12}}", wait)
    assert "Your file was accepted" in page
    assert "50 rows will go at" in page
    assert "10 kept, 1 dropped" in page, "the worker has opened what is sealed"


def test_two_gigabytes_are_refused_at_once(live: Live) -> None:
    to, _ = live.begin(2 * 1024**3)
    with to:
        to.sendall(bytes(64 * 1024))  # of two gigabytes: it is not read on
        heard = to.recv(65536)
    assert heard.startswith(b"HTTP/1.1 413")
    assert live.inbox() == []


def test_two_gigabytes_of_untold_length_stop_at_the_limit(limited: Live, tmp_path: Path) -> None:
    block, sent = chunk(bytes(MEGABYTE)), 0
    with limited.begin_untold() as to, suppress(ConnectionError):  # it closes before all has come
        while sent < 2 * 1024 and not select.select([to], [], [], 0)[0]:
            to.sendall(block)
            sent += 1
    until = time.monotonic() + PATIENCE_SECONDS
    while '"code": "drop.too-large"' not in (tmp_path / "run.log").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert sent < 100, "the rest of two gigabytes is not taken"
    assert limited.inbox() == []


def test_an_upload_that_stops_half_way_leaves_nothing(live: Live) -> None:
    to, _ = live.begin(10 * MEGABYTE)
    with to:
        to.sendall(bytes(3 * MEGABYTE))
        until = time.monotonic() + PATIENCE_SECONDS
        while not live.inbox():
            assert time.monotonic() < until
            time.sleep(0.05)
        assert [name.endswith(".part") for name in live.inbox()] == [True]
    live.wait_for_empty_inbox()


def test_a_large_upload_takes_no_memory(live: Live) -> None:
    """`bench/upload.py` sends a gigabyte."""
    [web] = [
        process
        for process in psutil.Process(live.process.pid).children(recursive=True)
        if "web" in process.cmdline() and not process.children()
    ]
    to, _ = live.begin(400 * MEGABYTE)  # never whole, so that the worker has nothing to read
    with to:
        to.sendall(bytes(MEGABYTE))
        before = most = web.memory_info().rss
        for _ in range(64):
            to.sendall(bytes(MEGABYTE))
            most = max(most, web.memory_info().rss)
    assert most - before < 16 * MEGABYTE
