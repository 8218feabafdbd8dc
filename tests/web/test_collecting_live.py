"""Collecting from the site as it really runs: a process of its own, curl, and Excel's own kind."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import openpyxl
import pytest
from receipting import copied
from recipients import MONDAY, place_packages
from rehearsing import AtWork
from signing_in import TOKEN, lasting_code
from site_process import PATIENCE_SECONDS, port_of, running

from gateway.access.rehearsal import read_people
from gateway.bootstrap import open_parts
from gateway.crypto import excel
from gateway.engine.door import Door
from gateway.intake.confined.reader import Reader
from gateway.settings import Home

PANEL = "recipient of panel"
HERE = f"/panel/notifications/packages/{MONDAY}"


class Live:
    """A running site with a worker's door, and the panel's recipient at it."""

    def __init__(self, home: Home, port: int) -> None:
        self.home, self.port, self.cookie = home, port, ""
        [shown] = [item for item in read_people(home.root) if item.who == PANEL]
        self.form("/sign-in", email=shown.email, password=shown.password)
        self.form("/sign-in/code", code=lasting_code(shown.key))

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, str]:
        """GET or POST; the status and the page."""
        to = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {"Host": f"localhost:{self.port}", "Cookie": f"gateway={self.cookie}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            to.request("GET" if body is None else "POST", path, body, headers)
            heard = to.getresponse()
            for cookie in heard.headers.get_all("Set-Cookie") or []:
                if found := re.match(r"gateway=([^;]*)", cookie):
                    self.cookie = found[1]
            return heard.status, heard.read().decode()
        finally:
            to.close()

    def form(self, page: str, **fields: str) -> str:
        """Send a page's form; what comes back."""
        found = TOKEN.search(self.ask(page)[1])
        assert found
        told = urlencode({**fields, "csrf_token": found[1]}).encode()
        status, text = self.ask(page, told)
        assert status in (200, 302, 303), text
        return text

    def begin(self, path: str, most: int) -> bytes:
        """The first bytes of a file, whose connection is then cut."""
        with socket.socket() as to:
            to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            to.settimeout(PATIENCE_SECONDS)
            to.connect(("127.0.0.1", self.port))
            lines = (f"GET {path} HTTP/1.1", f"Host: localhost:{self.port}")
            to.sendall("\r\n".join([*lines, f"Cookie: gateway={self.cookie}", "", ""]).encode())
            heard = b""
            while len(heard.partition(b"\r\n\r\n")[2]) < most:
                heard += to.recv(256)
        assert heard.startswith(b"HTTP/1.1 200")
        return heard.partition(b"\r\n\r\n")[2]

    def state(self) -> str:
        """The state of the delivery."""
        asked = "SELECT state FROM deliveries WHERE id = ?"
        plain = AtWork(self.home.root, None)  # type: ignore[arg-type]
        [(state,)] = plain.query(asked, f"{MONDAY}:panel")
        return str(state)


@pytest.fixture
def live(template_home: Path, site_reader: Reader, tmp_path: Path) -> Iterator[Live]:
    """The site over a home whose panel has Excel alone."""
    root = copied(template_home, tmp_path / "home")
    home = Home(root)
    [agreement] = (home.config / "agreements").glob("*.toml")
    text = agreement.read_text(encoding="utf-8")
    by_gpg = 'party = "panel", protection = "openpgp+password"'
    assert by_gpg in text
    agreement.write_text(text.replace(by_gpg, 'party = "panel", protection = "excel-password"'))
    AtWork(root, site_reader).sign_again()
    place_packages(root, site_reader)
    with ExitStack() as stack:
        parts = stack.enter_context(open_parts(home))
        stack.callback(Door(parts, lambda: datetime.now(UTC)).close)
        log = tmp_path / "web.log"
        process = stack.enter_context(running(root, log))
        yield Live(home, port_of(log, process))


def test_a_session_outlives_the_process(rehearsal_home: Path, tmp_path: Path) -> None:
    with running(rehearsal_home, tmp_path / "before.log") as process:
        live = Live(Home(rehearsal_home), port_of(tmp_path / "before.log", process))
        assert live.ask("/account")[0] == 200
    with running(rehearsal_home, tmp_path / "after.log") as process:
        live.port = port_of(tmp_path / "after.log", process)
        assert live.ask("/account")[0] == 200


def test_a_download_that_broke_off_goes_on_and_opens_in_excel(
    live: Live, tmp_path: Path, need_program: Callable[[str], str]
) -> None:
    book = tmp_path / f"{MONDAY}.xlsx"
    book.write_bytes(live.begin(f"{HERE}/file", 3_000))
    had = book.stat().st_size
    cookie = f"Cookie: gateway={live.cookie}"
    words = ["--silent", "--show-error", "--fail", "--continue-at", "-", "--header", cookie]
    address = f"http://localhost:{live.port}{HERE}/file"
    done = subprocess.run(
        [need_program("curl"), *words, "--noproxy", "*", "--output", str(book), address],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert book.stat().st_size > had
    assert "Accept" in live.ask(HERE)[1], "the page waits for the count"
    assert live.state() == "collected"
    assert "Double-click it. Excel asks for the password." in live.ask(HERE)[1]
    found = re.search(r'id="password">([^<]+)<', live.form(f"{HERE}/password"))
    assert found
    excel.unprotect(book, tmp_path / "plain.xlsx", found[1])
    sheet = openpyxl.load_workbook(tmp_path / "plain.xlsx").active
    assert sheet is not None
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["SCN000002", "SCN000003"]
    live.form(f"{HERE}/accept")
    assert live.state() == "accepted"
