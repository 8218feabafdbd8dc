"""Dropping files: what is taken is whole and waits in the inbox; nothing is left of the rest."""

import hashlib
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from at_the_api import FLOW, PATIENCE_SECONDS, Api, Placed, api_over
from receipting import Keyring
from rehearsing import AtWork, clean_row, csv_of, make_reader

from gateway.bootstrap import open_face
from gateway.serving.taking import MOST_WAITING, NotTaken, require_room
from gateway.settings import Home

LARGEST = 100_000
MakeApi = Callable[..., Api]


def settled(api: Api) -> list[str]:
    """The inbox once no upload is under way."""
    until = time.monotonic() + PATIENCE_SECONDS
    while any(name.endswith(".part") for name in api.inbox()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return api.inbox()


def head_of(api: Api, *more: str) -> bytes:
    """The head of a drop's request."""
    token = api.token("ofsted")
    lines = ("POST /api/v1/drops HTTP/1.1", "Host: api", f"Authorization: Bearer {token}", *more)
    return "\r\n".join((*lines, "", "")).encode()


def answer_to(to: socket.socket) -> bytes:
    """Everything that comes back until the connection ends."""
    heard = b""
    while block := to.recv(65536):
        heard += block
    return heard


def test_from_a_drop_to_its_withdrawal(api: Api) -> None:
    token = api.token("ofsted")
    extract = csv_of([clean_row(7), clean_row(8, gender="Q")])
    told = api.call("POST", "/drops", token, extract, Content_Type="text/csv")
    assert told.status == 202
    assert told.json == {"sha256": hashlib.sha256(extract).hexdigest(), "size": len(extract)}
    [name] = api.inbox()
    path = api.home.inbox_of("ofsted", FLOW) / name
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (extract, 0o600)
    os.utime(path, (0, 0))
    with make_reader() as reader:
        AtWork(api.home.root, reader).tick("2026-03-03T09:00")
    [drop, _] = api.get("/drops", token).json["drops"]
    assert (drop["state"], drop["accepted"], drop["held"]) == ("partly-held", 1, 1)
    assert drop["sha256"] == told.json["sha256"]
    assert drop["findings"]
    assert api.get(f"/drops/{drop['id']}", token).json == drop
    gone = api.call("POST", f"/drops/{drop['id']}/withdraw", token)
    assert (gone.status, gone.json) == (200, {"drop": drop["id"], "state": "withdrawn"})
    assert api.get("/status", token).json["drops"] == {"withdrawn": 1, "sent": 1}
    again = api.call("POST", f"/drops/{drop['id']}/withdraw", token)
    assert (again.status, again.code) == (409, "drop.not-waiting")


@pytest.fixture(scope="module")
def small_files(
    placed: Placed, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API whose drops have a limit that tests can reach."""
    with api_over(placed, tmp_path_factory.mktemp("small"), keyring, largest=LARGEST) as api:
        yield api


@pytest.fixture
def small(small_files: Api) -> Api:
    """The same with an empty inbox."""
    inbox = small_files.home.inbox_of("ofsted", FLOW)
    for name in small_files.inbox():
        (inbox / name).unlink()
    return small_files


def test_a_drop_that_is_too_large(
    small: Api, tmp_path: Path, need_program: Callable[[str], str]
) -> None:
    token = small.token("ofsted")
    assert small.call("POST", "/drops", token, bytes(LARGEST)).status == 202
    assert small.call("POST", "/drops", token, bytes(LARGEST + 1)).code == "drop.too-large"
    with small.plain() as to:  # told at once, before a byte of it is sent
        to.sendall(head_of(small, f"Content-Length: {5 << 30}"))
        assert to.recv(4096).startswith(b"HTTP/1.1 413 ")
    source = tmp_path / "large"
    with source.open("wb") as large:
        large.truncate(64 << 20)
    for chunked in ([], ["--header", "Transfer-Encoding: chunked"]):
        words = ["--header", f"Authorization: Bearer {token}", "--data-binary", f"@{source}"]
        told = subprocess.run(
            [need_program("curl"), "--silent", *words, *chunked, small.url("/drops")],
            capture_output=True,
            check=False,
        )
        assert b'"code":"drop.too-large"' in told.stdout
    assert len(settled(small)) == 1, "the first alone"


def test_a_chunked_drop_is_taken(small: Api) -> None:
    def blocks() -> Iterator[bytes]:
        for _ in range(10):
            yield b"a,b\n" * 100

    token = small.token("ofsted")
    with small.connected() as to:
        headers = {"Authorization": f"Bearer {token}"}
        to.request("POST", "/api/v1/drops", blocks(), headers, encode_chunked=True)
        told = to.getresponse()
        assert (told.status, b'"size":4000' in told.read()) == (202, True)


def test_drops_that_break_off_leave_nothing(small: Api) -> None:
    with small.plain() as to:
        to.sendall(head_of(small, "Content-Length: 1000") + b"a,b\n")
        to.shutdown(socket.SHUT_WR)
        assert b"drop.broken-off" in answer_to(to)
    for start in (b"", b"64\r\na,b\n", b"what is this\r\n"):
        with small.plain() as to:
            to.sendall(head_of(small, "Transfer-Encoding: chunked") + start)
            to.shutdown(socket.SHUT_WR)
            assert answer_to(to).startswith(b"HTTP/1.1 4")
    empty = small.call("POST", "/drops", small.token("ofsted"), b"")
    assert (empty.status, empty.code) == (422, "drop.empty")
    assert settled(small) == []
    assert '"kind"' not in small.log.read_text(), "none of it was a fault of ours"


def test_slow_clients_are_cut_off_and_leave_nothing(api_set: MakeApi) -> None:
    api = api_set("[api]\nthreads = 2", hurried=True)

    def drip(start: bytes) -> bytes:
        with api.plain() as to:
            to.sendall(start)
            try:
                while True:
                    to.settimeout(0.2)
                    try:
                        if not (heard := to.recv(4096)):
                            return b""
                        return heard + answer_to(to)
                    except TimeoutError:
                        to.sendall(b"x")
            except OSError:
                return b"reset"

    starts = [b"GET /api/v1/hea", head_of(api, "Content-Length: 1000")] * 3
    with ThreadPoolExecutor(len(starts)) as pool:
        heard = list(pool.map(drip, starts))
    assert all(b" 202 " not in told and b" 200 " not in told for told in heard)
    assert settled(api) == []
    assert api.get("/health").status == 200


def test_one_token_has_only_so_many_requests_in_hand(api_set: MakeApi) -> None:
    api = api_set("[api]\nrequests_at_once = 2")
    token = api.token("ofsted")
    with api.plain() as one, api.plain() as two, api.plain() as three:
        slow = [one, two, three]
        heard = dict.fromkeys(slow, b"")
        for to in slow:
            to.sendall(head_of(api, "Content-Length: 4", "Expect: 100-continue"))
        while not (all(heard.values()) and any(map(_is_refused, heard.values()))):
            ready, _, _ = select.select(slow, [], [], PATIENCE_SECONDS)
            assert ready, "any one of the three is refused"
            for to in ready:
                heard[to] += to.recv(65536)
        (refused,) = (to for to, told in heard.items() if _is_refused(told))
        assert b"HTTP/1.1 429" in heard[refused]
        assert b"rate.at-once" in heard[refused]
        assert b"\r\nretry-after: 1\r\n" in heard[refused].lower()
        slow.remove(refused)
        assert api.get("/status", token).code == "rate.at-once"
        assert api.get("/status", api.fresh("ofsted")).status == 200, "another token may"
        slow[0].sendall(b"a,b\n")
        assert slow[0].recv(4096).startswith(b"HTTP/1.1 202")
        _until_let_in(api, token)
        slow[1].shutdown(socket.SHUT_WR)  # broken off: no longer in hand either
        assert b"drop.broken-off" in answer_to(slow[1])
    for _ in range(4):  # whatever they were answered, requests that are over do not count
        assert api.get("/packages/notifications-2030-01-01-01", token).status in (404, 429)
        _until_let_in(api, token)


def _is_refused(told: bytes) -> bool:
    """Whether more than `100 Continue` came: a whole problem."""
    return told.endswith(b"}\n")


def _until_let_in(api: Api, token: str) -> None:
    """A request counts until its answer is sent off, a moment after the answer is heard."""
    until = time.monotonic() + PATIENCE_SECONDS
    while api.get("/status", token).status != 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_many_tiny_drops_are_slowed_down(api_set: MakeApi) -> None:
    api = api_set("[api]\nrequests_per_minute = 20")
    tokens = [api.fresh("ofsted"), api.fresh("ofsted")]
    heard: list[int] = []

    def send(token: str) -> None:
        for _ in range(15):
            told = api.call("POST", "/drops", token, b"tiny")
            heard.append(told.status)
            if told.status == 429:
                assert told.code == "rate.exceeded"
                assert 1 <= int(told.headers["retry-after"]) <= 3

    threads = [threading.Thread(target=send, args=[token]) for token in tokens for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = heard.count(202)
    assert set(heard) == {202, 429}
    assert 2 * 20 <= taken <= 2 * 30, "twenty each, and what became free in the meantime"
    assert len(api.inbox()) == taken


def test_an_inbox_that_is_full_and_a_disk_that_is(rehearsal_home: Path) -> None:
    home = Home(rehearsal_home)
    inbox = home.inbox_of("ofsted", FLOW)
    with open_face(home) as parts:
        flow = parts.flow(FLOW)
        assert require_room(parts, flow, None) == inbox
        for number in range(MOST_WAITING):
            (inbox / f"{number}.csv").touch()
        with pytest.raises(NotTaken) as full:
            require_room(parts, flow, None)
    assert (full.value.code, full.value.wait_seconds) == ("drop.too-many-waiting", 60)
    home.settings_file.write_text(f"minimum_free_bytes = {1 << 60}")
    with open_face(home) as parts, pytest.raises(NotTaken) as low:
        require_room(parts, parts.flow(FLOW), None)
    assert low.value.code == "disk.low"
