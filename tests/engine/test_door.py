"""The worker's local door: a real socket, real tokens, and the worker's own loop."""

import json
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from receipting import Recipients
from rehearsing import AtWork, clean_row

from gateway.access.tokens import SCOPES, make_token, revoke_token
from gateway.dispatch.password import released_password
from gateway.engine.asked import LARGEST_LINE
from gateway.engine.door import Door, DoorClosed, ask
from gateway.engine.worker import work as work_on
from gateway.receipts.receipt import to_bytes
from gateway.store import ledger
from gateway.store.lifecycles import advance

FLOW = "notifications"


class Face:
    """A face before the open door of a home where a package was placed."""

    def __init__(self, recipients: Recipients) -> None:
        self.recipients, self.parts = recipients, recipients.parts
        self.path = recipients.home.door

    def token(
        self,
        party: str = "dfe",
        flow: str = FLOW,
        scopes: Any = SCOPES,
        days: int = 1,
        ago: int = 0,
    ) -> str:
        """A token made ``ago`` days before."""
        with self.parts.database.transaction() as tx:
            made = self.recipients.now - timedelta(days=ago)
            return make_token(tx, party, flow, scopes, days, made)

    def password(self, token: str, package: str = "") -> dict[str, Any]:
        """Ask for the password of the package, or of another."""
        about = package or self.recipients.package_id
        return ask(self.path, {"op": "password", "token": token, "package": about})

    def receipt(self, token: str, body: bytes, signature: bytes) -> dict[str, Any]:
        """Hand in a receipt."""
        text = {"receipt": body.decode(), "signature": signature.decode()}
        return ask(self.path, {"op": "receipt", "token": token, **text})

    def leaves(self, *events: str) -> list[dict[str, Any]]:
        """The facts in the ledger's leaves of those events."""
        with self.parts.database.transaction() as tx:
            told = [json.loads(row.leaf) for row in ledger.leaves(tx)]
        return [leaf["facts"] for leaf in told if leaf["event"] in events]


@pytest.fixture
def face(recipients: Recipients) -> Iterator[Face]:
    """A face before an open door."""
    door = Door(recipients.parts, lambda: recipients.now)
    try:
        yield Face(recipients)
    finally:
        door.close()
    assert not recipients.home.door.exists()


def test_the_password_of_the_tokens_own_package(face: Face) -> None:
    """It is released, and the ledger says to whom, the token itself under a commitment."""
    answer = face.password(face.token(scopes=("password",)))
    with face.parts.database.transaction() as tx:
        wanted = released_password(tx, face.parts.sealer, face.recipients.package_id, "dfe")
    assert answer == {"ok": True, "password": wanted}
    facts = {"package": face.recipients.package_id, "party": "dfe", "way": "api"}
    assert face.leaves("password.released") == [facts]
    with face.parts.database.transaction() as tx:
        assert wanted.encode() not in b"".join(row.leaf for row in ledger.leaves(tx))


@pytest.mark.parametrize(
    ("made", "code", "party"),
    [
        ({"party": "ofsted"}, "package.unknown", "ofsted"),
        ({"flow": "scr-updates"}, "package.unknown", "dfe"),
        ({"scopes": ("collect", "receipt")}, "token.scope", "dfe"),
        ({"ago": 2}, "token.expired", ""),
    ],
    ids=["another party's", "another flow's", "without the scope", "expired"],
)
def test_a_token_that_may_not_have_it(face: Face, made: Any, code: str, party: str) -> None:
    """Refused with its reason, and recorded."""
    answer = face.password(face.token(**made))
    assert (answer["ok"], answer["code"]) == (False, code)
    assert answer["message"] and answer["hint"] and "password" not in answer
    assert face.leaves("password.refused") == [{"party": party, "way": "api", "code": code}]
    assert face.leaves("password.released") == []


@pytest.mark.parametrize("shown", ["", "nonsense", "0" * 16 + "." + "A" * 43])
def test_what_is_no_token(face: Face, shown: str) -> None:
    """Nobody learns more than that."""
    answer = face.password(shown)
    assert answer["code"] in ("token.malformed", "token.unknown")
    assert [facts["code"] for facts in face.leaves("password.refused")] == [answer["code"]]


def test_a_revoked_token(face: Face) -> None:
    """Worth nothing from that moment on."""
    token = face.token()
    assert face.password(token)["ok"]
    with face.parts.database.transaction() as tx:
        revoke_token(tx, token.partition(".")[0], face.recipients.now)
    assert face.password(token)["code"] == "token.revoked"


def test_a_recalled_or_absent_package(face: Face) -> None:
    """Its password is not given any more; and there is none for what never was."""
    token = face.token()
    assert face.password(token, "../../etc/passwd")["code"] == "package.unknown"
    key = {"id": face.recipients.delivery().id}
    with face.parts.database.transaction() as tx:
        advance(tx, "delivery", key, "placed", "recalled")
    assert face.password(token)["code"] == "package.recalled"


def test_receipts_by_the_api(face: Face) -> None:
    """Judged as any other; refused where token, scope or flow are others."""
    recipients, token = face.recipients, face.token(scopes=("receipt",))
    receipt = recipients.receipt("collected")
    body, signature = to_bytes(receipt), recipients.signed(receipt)
    for made, code in [
        ({"party": "panel"}, "receipt.not-yours"),
        ({"flow": "scr-updates"}, "receipt.not-yours"),
        ({"scopes": ("password",)}, "token.scope"),
        ({"ago": 2}, "token.expired"),
    ]:
        assert face.receipt(face.token(**made), body, signature)["code"] == code
    assert [facts["code"] for facts in face.leaves("access.refused")] == [
        "token.scope",
        "token.expired",
    ]
    assert len(face.leaves("receipt.refused")) == 2
    assert face.receipt(token, body, b"")["code"] == "receipt.not-signed"
    assert face.receipt(token, body, signature) == {
        "ok": True,
        "kind": "collected",
        "package": recipients.package_id,
        "party": "dfe",
        "way": "api",
        "state": "collected",
    }
    assert face.receipt(token, body, signature)["code"] == "receipt.replayed"
    assert recipients.delivery().state == "collected"


def test_many_at_once(face: Face) -> None:
    """Eight threads of a face: every answer is that to its own question."""
    recipients, token = face.recipients, face.token()
    offered = [recipients.receipt("collected") for _ in range(4)]
    signed = [(to_bytes(item), recipients.signed(item)) for item in offered]
    with ThreadPoolExecutor(8) as pool:
        passwords = [pool.submit(face.password, token) for _ in range(8)]
        receipts = [pool.submit(face.receipt, token, *item) for item in signed]
    assert len({item.result()["password"] for item in passwords}) == 1
    assert [item.result()["state"] for item in receipts] == ["collected"] * 4
    assert len(recipients.kept()) == 4


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"no JSON\n",
        b"[]\n",
        b'{"op":"password"}\n',
        b'{"op":"keys","token":"t"}\n',
        b'{"op":"password","token":"t","package":"p","more":1}\n',
        b"\xff\xfe\n",
        b" " * (LARGEST_LINE + 10),
    ],
    ids=["nothing", "text", "list", "half", "unknown", "more", "not text", "long"],
)
def test_what_the_worker_does_not_know(face: Face, line: bytes) -> None:
    """An answer all the same; the door stays open."""
    assert b"asked.malformed" in spoken(face.path, line)
    assert face.password(face.token())["ok"]


def spoken(path: Path, line: bytes) -> bytes:
    """What the door says to those bytes."""
    with socket.socket(socket.AF_UNIX) as to, inside(path.parent):
        to.settimeout(20)
        to.connect(path.name)
        to.sendall(line)
        to.shutdown(socket.SHUT_WR)
        return to.makefile("rb").readline()


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, since a socket's address is short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_a_face_that_goes_away(face: Face, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a word, or before its answer: nothing is said of it, and the next is served."""
    for line in (b"", b'{"op":'):
        with socket.socket(socket.AF_UNIX) as to, inside(face.path.parent):
            to.connect(face.path.name)
            to.sendall(line)
    assert face.password(face.token())["ok"]
    assert capfd.readouterr().err == ""


def test_nobody_else_is_let_in(face: Face, ordinary_user: Any) -> None:
    """The socket is the worker's own; and were its mode changed, the kernel tells who calls."""
    assert stat.S_IMODE(face.path.stat().st_mode) == 0o600
    if os.geteuid() != 0:
        pytest.skip("only root can call as another user")
    call = (
        "import socket,sys\n"
        "to = socket.socket(socket.AF_UNIX)\n"
        "to.settimeout(20)\n"
        "to.connect(sys.argv[1])\n"
        "to.sendall(b'{}\\n')\n"
        "print(to.recv(1000))\n"
    )
    short = Path(ordinary_user.folder) / "door.sock"
    os.link(face.path, short)
    short.chmod(0o666)
    try:
        done = ordinary_user.run("-c", call, str(short))
    finally:
        short.unlink()
    assert done.stdout.strip() in ("", "b''"), "hung up, with not a word"
    assert done.stdout or "ConnectionResetError" in done.stderr or "BrokenPipeError" in done.stderr


def test_no_worker_no_answer(tmp_path: Path) -> None:
    """The face is told, and can tell its caller."""
    with pytest.raises(DoorClosed) as caught:
        ask(tmp_path / "door.sock", {"op": "password"})
    assert (caught.value.code, bool(caught.value.hint)) == ("worker.absent", True)
    with pytest.raises(DoorClosed):
        ask(tmp_path / "absent" / "door.sock", {"op": "password"})


def test_a_socket_that_a_killed_worker_left(recipients: Recipients) -> None:
    """It is replaced; and a door closes without taking away another worker's."""
    first = Door(recipients.parts, lambda: recipients.now)
    second = Door(recipients.parts, lambda: recipients.now)
    first.close()
    face = Face(recipients)
    assert face.password(face.token())["ok"]
    second.close()
    assert not recipients.home.door.exists()


@pytest.fixture
def handlers() -> Iterator[None]:
    """The worker takes SIGTERM and SIGINT over: give them back."""
    structlog.reset_defaults()
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_the_worker_opens_the_door_and_closes_it(work: AtWork) -> None:
    """While it works a sender withdraws its drop; nobody else's token can."""
    work.rows(clean_row(1))
    work.tick("2026-03-02T09:00")
    ((drop,),) = work.query("SELECT id FROM drops")
    told: list[dict[str, Any]] = []
    with work.parts("2026-03-02T09:01") as (parts, now):
        with parts.database.transaction() as tx:
            tokens = [
                make_token(tx, "dfe", FLOW, ("drop",), 1, now),
                make_token(tx, "ofsted", FLOW, ("status",), 1, now),
                make_token(tx, "ofsted", FLOW, ("drop",), 1, now),
            ]

        def call() -> None:
            try:
                while not work.home.door.exists():
                    time.sleep(0.05)
                for token in [*tokens, tokens[-1]]:
                    asked = {"op": "withdraw", "token": token, "drop": drop}
                    told.append(ask(work.home.door, asked))
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        caller = threading.Thread(target=call)
        caller.start()
        work_on(parts, lambda: now)
        caller.join()
    codes = [answer.get("code") for answer in told]
    assert codes == ["drop.unknown", "token.scope", None, "drop.not-waiting"]
    assert told[2] == {"ok": True, "drop": drop}
    assert work.states() == ["withdrawn"]
    assert not work.home.door.exists()
