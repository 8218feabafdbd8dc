"""Downloads that break off, and are gone on with: collected exactly once, and never too early."""

import re
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from at_the_api import PATIENCE_SECONDS, Api

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, and forget what was not read
HEAD_END = b"\r\n\r\n"


def request_for(package: str, token: str) -> bytes:
    """A request for a package's file."""
    path = f"/api/v1/packages/{package}/content"
    return f"GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def wait_for_end(api: Api, token: str) -> None:
    """Until the token's one download is over: what arrived is noted before that is logged."""
    words = re.compile(rf'"caller": "{token.partition(".")[0]}".*"event": "sent"')
    until = time.monotonic() + PATIENCE_SECONDS
    while not words.search(api.log.read_text()):
        assert time.monotonic() < until, api.log.read_text()
        time.sleep(0.02)


def state(api: Api, package: str, token: str) -> str:
    """How the package stands with the token's party."""
    return str(api.get(f"/packages/{package}", token).json["state"])


def test_what_a_client_never_took_in_is_not_served(shared_api: Api) -> None:
    """The whole file fits the kernel's buffers here: handed over is not arrived."""
    api, package = shared_api, shared_api.placed.packages[0]
    token = api.token()
    with api.plain(small=True) as to:
        to.sendall(request_for(package, token))
        while not to.recv(4096, socket.MSG_PEEK).partition(HEAD_END)[2]:
            time.sleep(0.01)  # until bytes of the file itself are there
        to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wait_for_end(api, token)
    assert state(api, package, token) == "placed"
    size = api.get(f"/packages/{package}", token).json["size"]
    asked = "SELECT start, stop FROM served WHERE delivery_id = ?"
    assert sum(stop - start for start, stop in api.query(asked, f"{package}:dfe")) < size


class Breaking:
    """Passes connections on to the API, and resets each after so many bytes of its answer."""

    def __init__(self, api: Api, after: int) -> None:
        self.api, self.left = api, after
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.pass_on)

    def pass_on(self) -> None:
        """One connection."""
        near, _ = self.listener.accept()
        with near, self.api.plain(small=True) as far:
            while self.left > 0:
                ready, _, _ = select.select([near, far], [], [], PATIENCE_SECONDS)
                assert ready
                for one in ready:
                    block = one.recv(min(4096, self.left))
                    other = far if one is near else near
                    other.sendall(block)
                    self.left -= len(block) if one is far else 0
            near.shutdown(socket.SHUT_WR)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address."""
        self.thread.start()
        with self.listener:
            yield f"http://127.0.0.1:{self.port}/api/v1"
            self.thread.join(PATIENCE_SECONDS)


def test_curl_goes_on_after_a_broken_connection(
    shared_api: Api, tmp_path: Path, need_program: Callable[[str], str]
) -> None:
    api, package = shared_api, shared_api.placed.packages[0]
    curl, token, target = need_program("curl"), api.token("panel"), tmp_path / "package"
    words = [curl, "--silent", "--fail", "--header", f"Authorization: Bearer {token}"]
    path = f"/packages/{package}/content"
    file = api.get(f"/packages/{package}", token).json
    breaking = Breaking(api, 600 + file["size"] // 2)
    with breaking.running() as base:
        torn = subprocess.run([*words, "--output", target, base + path], check=False)
    partial_file = 18
    assert torn.returncode == partial_file
    assert 0 < target.stat().st_size < file["size"]
    wait_for_end(api, token)
    assert state(api, package, token) == "placed"
    go_on = [*words, "--continue-at", "-", "--output", target, api.url(path)]
    subprocess.run(go_on, check=True)
    subprocess.run(go_on, check=False)  # curl asks for what is missing, and nothing is
    outbox = api.home.outbox_of("panel", "notifications")
    assert target.read_bytes() == (outbox / file["file"]).read_bytes()
    assert state(api, package, token) == "collected"
    assert api.receipts(package, "panel") == [("collected", "api")]


def test_many_at_once_collect_once(shared_api: Api) -> None:
    api, package = shared_api, shared_api.placed.packages[1]
    token = api.token()

    def collect() -> None:
        api.get(f"/packages/{package}/content", token)

    threads = [threading.Thread(target=collect) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state(api, package, token) == "collected"
    assert api.receipts(package, "dfe") == [("collected", "api")]


def test_who_asks_right_after_the_last_byte_finds_it_counted(shared_api: Api) -> None:
    """The connection of the download is still there, and nothing comes between."""
    api, package = shared_api, shared_api.placed.packages[2]
    token = api.token()
    with api.connected() as to:
        headers = {"Authorization": f"Bearer {token}"}
        to.request("GET", f"/api/v1/packages/{package}/content", headers=headers)
        to.getresponse().read()
        assert state(api, package, token) == "collected"
