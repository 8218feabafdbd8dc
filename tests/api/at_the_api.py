"""The real API over a rehearsal home: gunicorn in its own process, and a worker's open door."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from receipting import Keyring, Recipients
from rehearsing import UPDATE_HEADINGS, UPDATES, AtWork, clean_row, csv_of, packed, update_row

from gateway.access.tokens import SCOPES, make_token, revoke_token
from gateway.api.routes import PREFIX
from gateway.bootstrap import open_parts
from gateway.engine.door import Door
from gateway.engine.parts import Parts
from gateway.intake.confined.reader import Reader
from gateway.settings import Home

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30.0
FLOW = "notifications"


@dataclass(frozen=True)
class Placed:
    """A home at rest with packages in its outboxes. Copy it; do not use it."""

    home: Path
    packages: tuple[str, ...]  # ofsted → dfe, panel
    other: str  # dfe → ofsted, of the other flow


def place_all(root: Path, reader: Reader) -> Placed:
    """Packages of each flow; there are enough for tests that share a home."""
    work = AtWork(root, reader)
    work.drop(csv_of([update_row(1)], UPDATE_HEADINGS), UPDATES)
    [answered] = packed(work.tick("2026-02-27T12:05"), UPDATES)
    work.rows(clean_row(1), clean_row(2))
    days = ("2026-03-02", "2026-03-03", "2026-03-04")
    sent = [item for day in days for item in packed(work.tick(f"{day}T16:05"))]
    return Placed(root, tuple(item.package_id for item in sent[-3:]), answered.package_id)


@dataclass(frozen=True)
class Told:
    """An answer: its status, its headers in lower case, its bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem, whose form is looked at too."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        assert set(self.json) == {"type", "title", "status", "detail", "code", "hint"}
        assert self.json["status"] == self.status
        return str(self.json["code"])


@dataclass
class Api:
    """A running API, and what tests do with it."""

    home: Home
    placed: Placed
    parts: Parts
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    keyring: Keyring
    _tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """A package of `notifications`, the one that `recipients` sign for."""
        return self.placed.packages[0]

    def token(self, party: str = "dfe", flow: str = FLOW, *scopes: str, days: int = 90) -> str:
        """A token of that party, of every scope unless some are named; the same each time."""
        key = (party, flow, str(days), *scopes)
        if key not in self._tokens:
            now = datetime.now(UTC) - timedelta(days=2)
            with self.parts.database.transaction() as tx:
                self._tokens[key] = make_token(tx, party, flow, scopes or SCOPES, days, now)
        return self._tokens[key]

    def fresh(self, party: str = "dfe", flow: str = FLOW, *scopes: str) -> str:
        """A token that no other test has used."""
        with self.parts.database.transaction() as tx:
            return make_token(tx, party, flow, scopes or SCOPES, 90, datetime.now(UTC))

    def revoked(self) -> str:
        """A token that is good no more."""
        token = self.fresh()
        with self.parts.database.transaction() as tx:
            revoke_token(tx, token.partition(".")[0], datetime.now(UTC))
        return token

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Any = None,
        **headers: str,
    ) -> Told:
        """Ask; ``path`` comes after the prefix; header names take ``_`` for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        with self.connected() as to:
            to.request(method, PREFIX + path, body, sent)
            heard = to.getresponse()
            named = {name.lower(): value for name, value in heard.getheaders()}
            return Told(heard.status, named, heard.read())

    def get(self, path: str, token: str | None = None, **headers: str) -> Told:
        """GET."""
        return self.call("GET", path, token, **headers)

    @contextmanager
    def connected(self) -> Iterator[HTTPConnection]:
        """A connection, closed at the end."""
        to = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            yield to
        finally:
            to.close()

    @contextmanager
    def plain(self, small: bool = False) -> Iterator[socket.socket]:
        """A plain connection; ``small``: it takes in few bytes that nobody reads."""
        with socket.socket() as to:
            if small:
                to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            to.settimeout(PATIENCE_SECONDS)
            to.connect(("127.0.0.1", self.port))
            yield to

    def url(self, path: str) -> str:
        """A whole address, for clients that take one."""
        return f"http://127.0.0.1:{self.port}{PREFIX}{path}"

    def recipients(self) -> Recipients:
        """Whoever signs receipts for the package."""
        return Recipients(self.home.root, self.parts, self.keyring, self.package)

    def leaves(self, event: str) -> list[dict[str, Any]]:
        """The ledger's leaves of an event."""
        return AtWork(self.home.root, self.parts.reader).leaves(event)

    def receipts(self, package: str, party: str) -> list[tuple[str, str]]:
        """Kind and way of the receipts for a delivery, oldest first."""
        asked = "SELECT kind, way FROM receipts WHERE delivery_id = ? ORDER BY recorded_at"
        return self.query(asked, f"{package}:{party}")

    def query(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        return AtWork(self.home.root, self.parts.reader).query(question, *values)

    def inbox(self, party: str = "ofsted", flow: str = FLOW) -> list[str]:
        """The names in an inbox, but for the one that keeps the folder."""
        names = (path.name for path in self.home.inbox_of(party, flow).iterdir())
        return sorted(name for name in names if name != ".gitkeep")


@contextmanager
def api_over(
    placed: Placed,
    folder: Path,
    keyring: Keyring,
    settings: str = "",
    largest: int | None = None,
    hurried: bool = False,
) -> Iterator[Api]:
    """A copy of the home with a worker's door and an API, both ended at the end.

    ``largest``: bytes that the agreement lets a drop have; ``hurried``: clients have little time.
    """
    root = folder / "home"
    shutil.copytree(
        placed.home, root, symlinks=True, ignore=shutil.ignore_patterns("S.*", "worker.lock")
    )
    home = Home(root)
    home.settings_file.write_text(settings, encoding="utf-8")
    if largest is not None:
        _allow(home, largest)
    with ExitStack() as stack:
        parts = stack.enter_context(open_parts(home))
        stack.callback(Door(parts, lambda: datetime.now(UTC)).close)
        log = folder / "api.log"
        process = stack.enter_context(started(root, log, hurried))
        yield Api(home, placed, parts, listening(log, process), process, log, keyring)


def _allow(home: Home, largest: int) -> None:
    [agreement] = (home.config / "agreements").glob("*.toml")
    before = "files = { "
    changed = agreement.read_text().replace(before, f"{before}maximum_bytes = {largest}, ")
    agreement.write_text(changed)


_HURRIED = (
    "import sys, gateway.serving.headway as headway;"
    "headway.HEAD_SECONDS = headway.BLOCK_SECONDS = 0.3;"
    "from gateway.cli import main; main()"
)


@contextmanager
def started(root: Path, log: Path, hurried: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
    """`gateway api` on a free port."""
    words = ["--home", str(root), "api", "--listen", "127.0.0.1:0"]
    how = ["-c", _HURRIED] if hurried else ["-m", "gateway"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *how, *words], cwd=CHECKOUT, stderr=stream, stdout=stream
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait()


def listening(log: Path, process: "subprocess.Popen[bytes]") -> int:
    """The port that an API says it listens on."""
    until = time.monotonic() + PATIENCE_SECONDS
    words = re.compile(r'"address": "127\.0\.0\.1:([0-9]+)", "event": "api listening"')
    while True:
        said = log.read_text()
        if found := words.search(said):
            return int(found[1])
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)
