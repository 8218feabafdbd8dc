"""`gateway run --web` over a home, as it really runs, and a sender who is signed in to it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from memory import children_of, words_of

from gateway.access.rehearsal import read_people
from gateway.access.secondfactor import code_now

CHECKOUT = Path(__file__).resolve().parent.parent
OURS = "/ofsted/notifications"
LOOK_SECONDS = 0.5  # as the page's own script looks for news
WAITING = 'data-module="gateway-waiting"'
PATIENCE_SECONDS = 900.0
_BLOCK = 1024 * 1024
_BOUNDARY = "a-boundary-of-the-bench"
_LISTENING = re.compile(r'"address": "127\.0\.0\.1:([0-9]+)", "event": "web listening"')
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class NotAnswered(Exception):
    """The running site did not do what the bench asked of it."""


@dataclass
class LiveSite:
    """The running gateway, by its supervisor's process, and the sender's session with the site."""

    pid: int
    port: int
    cookie: str = ""

    def process(self, service: str) -> int:
        """The process id of a service: web, worker."""
        found = [pid for pid in children_of(self.pid) if service in words_of(pid)]
        if service == "web":  # gunicorn's own child is what answers
            found = [child for pid in found for child in children_of(pid)] or found
        if len(found) != 1:
            raise NotAnswered(f"{len(found)} processes are {service}")
        return found[0]

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, str, str]:
        """GET, or POST a form; the status, where it leads, and the page."""
        return self._heard(path, body, "application/x-www-form-urlencoded", None)

    def form(self, page: str, fields: Mapping[str, str]) -> None:
        """Send a form of a page that leads on. Raises NotAnswered."""
        told = urlencode({**fields, "csrf_token": self._token(page)}).encode()
        status, _, text = self.ask(page, told)
        if status not in (302, 303):
            raise NotAnswered(f"{page} gave {status}: {text[:500]}")

    def send(self, file: Path) -> str:
        """Send a file by the form, block by block; where that leads. Raises NotAnswered."""
        part = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
        head = f'{part}"csrf_token"\r\n\r\n{self._token(f"{OURS}/send")}\r\n'
        head += f'{part}"file"; filename="extract.csv"\r\n\r\n'
        end = f"\r\n--{_BOUNDARY}--\r\n"
        size = len(head) + file.stat().st_size + len(end)

        def body() -> Iterator[bytes]:
            yield head.encode()
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    yield block
            yield end.encode()

        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        status, place, text = self._heard(f"{OURS}/send", body(), kind, size)
        if status != 303:
            raise NotAnswered(f"the upload gave {status}: {text[:500]}")
        return place

    def result(self, place: str) -> str:
        """The result page of what was sent, looked for as the page's script does."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            status, leads, page = self.ask(place)
            place = leads or place
            if status == 200 and WAITING not in page:
                return page
            if not leads:
                time.sleep(LOOK_SECONDS)
        raise NotAnswered("no result came")

    def _token(self, page: str) -> str:
        found = _TOKEN.search(self.ask(page)[2])
        if found is None:
            raise NotAnswered(f"{page} has no form")
        return found[1]

    def _heard(
        self, path: str, body: bytes | Iterator[bytes] | None, kind: str, size: int | None
    ) -> tuple[int, str, str]:
        to = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {"Host": f"localhost:{self.port}", "Cookie": f"gateway={self.cookie}"}
        if body is not None:
            headers["Content-Type"] = kind
        if size is not None:
            headers["Content-Length"] = str(size)
        try:
            to.request("GET" if body is None else "POST", path, body, headers)
            heard = to.getresponse()
            for cookie in heard.headers.get_all("Set-Cookie") or []:
                if found := re.match(r"gateway=([^;]*)", cookie):
                    self.cookie = found[1]
            return heard.status, heard.headers.get("Location", ""), heard.read().decode()
        finally:
            to.close()


@contextmanager
def running_site(root: Path) -> Iterator[LiveSite]:
    """The gateway at work over a rehearsal home, with its sender signed in. Raises NotAnswered."""
    log = root.parent / f"{root.name}.log"
    words = ["--home", str(root), "run", "--web", "127.0.0.1:0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *words], cwd=CHECKOUT, stdout=stream, stderr=stream
        )
    try:
        site = LiveSite(process.pid, _port(log, process))
        [shown] = [item for item in read_people(root) if item.who == "sender of ofsted"]
        site.form("/sign-in", {"email": shown.email, "password": shown.password})
        site.form("/sign-in/code", {"code": code_now(shown.key, datetime.now(UTC))})
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := _LISTENING.search(log.read_text()):
            return int(found[1])
        time.sleep(0.1)
    raise NotAnswered(f"the site did not start: {log.read_text()}")
