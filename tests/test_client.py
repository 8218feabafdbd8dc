"""`gateway client` against the real API, with real gpg and 7-Zip: as a recipient's job runs it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msoffcrypto
import openpyxl
import pytest
from rehearsing import AtWork, clean_row, make_reader

from gateway import client
from gateway.access.tokens import SCOPES, make_token
from gateway.bootstrap import open_parts
from gateway.crypto.gpghome import GpgHome
from gateway.engine.door import Door
from gateway.engine.parts import Parts
from gateway.engine.returns import take_returns
from gateway.receipts.receipt import from_bytes, to_bytes

FLOW = "notifications"
MONDAY = date(2025, 3, 3)
RECIPIENT = ("collect", "password", "receipt", "status")


class Served:
    """A home at work, its API and its worker's door. Each package is that of a day of its own."""

    def __init__(self, work: AtWork, url: str, parts: Parts) -> None:
        self.work, self.url, self.parts = work, url, parts
        self._day = MONDAY
        self._rows = 0
        self.some = self.package()  # for tests that leave it as it is

    def package(self) -> str:
        """The id of one more package, placed."""
        day, self._day = self._day, self._day + timedelta(days=1 if self._day.weekday() < 4 else 3)
        self._rows += 1
        dates = {"Date of incident": "10/02/2025", "Date notification was received": "11/02/2025"}
        self.work.rows({**clean_row(self._rows), **dates})
        report = self.work.tick(f"{day.isoformat()}T16:00")
        assert len(report.placed) >= 2, (report.faults, self.work.open_alarms())
        return f"{FLOW}-{day.isoformat()}-01"

    def token(self, party: str, scopes: Sequence[str] = RECIPIENT) -> str:
        """A token for a party's program."""
        with self.parts.database.transaction() as tx:
            return make_token(tx, party, FLOW, scopes, 30, datetime.now(UTC))

    def states(self, package: str, party: str = "dfe") -> tuple[str, list[str]]:
        """The delivery's state, and the kinds of its receipts that are signed."""
        name = f"{package}:{party}"
        (state,) = self.work.query("SELECT state FROM deliveries WHERE id = ?", name)
        asked = (
            "SELECT kind FROM receipts WHERE delivery_id = ? AND signature IS NOT NULL"
            " ORDER BY recorded_at, kind"
        )
        return state[0], [kind for (kind,) in self.work.query(asked, name)]


@contextmanager
def api_of(root: Path) -> Iterator[str]:
    """The API's own process, on a free port; its url."""
    command = [sys.executable, "-m", "gateway", "--home", str(root), "api"]
    log = root / "var" / "api.log"
    with log.open("wb") as out, ExitStack() as stack:
        served = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], stdout=out, stderr=out)
        stack.callback(served.wait)
        stack.callback(served.terminate)
        ends = time.monotonic() + 60
        while not (found := re.search(rb'"address": ?"([0-9.:]+)"', log.read_bytes())):
            assert served.poll() is None and time.monotonic() < ends, log.read_text()
            time.sleep(0.05)
        yield f"http://{found[1].decode()}"


@pytest.fixture(scope="module")
def served(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A rehearsal whose panel has Excel alone, with its API and the door of its worker."""
    root = tmp_path_factory.mktemp("client") / "home"
    shutil.copytree(template_home, root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    agreement = root / "config" / "agreements" / "ofsted-dfe.toml"
    text = agreement.read_text(encoding="utf-8")
    by_gpg = 'party = "panel", protection = "openpgp+password"'
    assert by_gpg in text
    agreement.write_text(text.replace(by_gpg, 'party = "panel", protection = "excel-password"'))
    with make_reader() as reader, ExitStack() as stack:
        work = AtWork(root, reader)
        work.sign_again()
        work.tick("2025-03-03T09:00")
        parts = stack.enter_context(open_parts(work.home))
        stack.callback(Door(parts, lambda: datetime.now(UTC)).close)
        yield Served(work, stack.enter_context(api_of(root)), parts)


class Recipient:
    """A party's computer: its keys, its settings, and its client, run in this process."""

    def __init__(self, served: Served, folder: Path, party: str, homes: dict[str, Path]) -> None:
        self.folder, self.settings = folder, folder / "client.ini"
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(served.token(party) + "\n")
        officer = served.parts.officers.of(party, "recipient")[0]
        self.values = {
            "url": served.url,
            "token_file": str(token),
            "party": party,
            "folder": str(folder / "packages"),
            "gateway_key": served.parts.pins.gateway,
            "key": served.parts.pins.exchange_of(party),
            "gnupg_home": str(homes[party]),
            "officer": officer.id,
            "officer_key": officer.key or "",
            "officer_gnupg_home": str(homes[officer.id]),
        }

    def __call__(self, *words: str, **change: str) -> int:
        """Run the client; its exit code."""
        lines = [f"{name} = {value}" for name, value in {**self.values, **change}.items()]
        self.settings.write_text("[gateway]\n" + "\n".join(lines) + "\n")
        return client.main(["--settings", str(self.settings), *words])

    def place(self, package: str) -> Path:
        """Where the client keeps a package."""
        return self.folder / "packages" / package


@pytest.fixture
def homes(served: Served) -> Iterator[dict[str, Path]]:
    """Short ways to the key folders of parties and officers; the agents end with the test."""
    folder = served.work.home.keys / "rehearsal"
    with ExitStack() as stack:
        found = {}
        for name in ("dfe", "dfe-officer-1", "panel", "panel-officer-1"):
            home = GpgHome(folder / name)
            stack.callback(home.close)
            found[name] = home.path
        yield found


@pytest.fixture
def dfe(served: Served, tmp_path: Path, homes: dict[str, Path]) -> Recipient:
    """The DfE's computer."""
    return Recipient(served, tmp_path, "dfe", homes)


# --- the whole way -------------------------------------------------------------------------------


def test_a_scheduled_job_takes_everything_once(served: Served, dfe: Recipient) -> None:
    first, second = served.package(), served.package()
    assert dfe("run") == client.ALL_WELL
    for package in (first, second):
        sheet = openpyxl.load_workbook(dfe.place(package) / "data.xlsx").active
        assert sheet["A2"].value.startswith("SCN")
        assert served.states(package) == ("opened", ["collected", "opened"])
        assert (dfe.place(package).stat().st_mode & 0o777) == 0o700
        for path in dfe.place(package).iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
            assert not path.name.startswith("."), "nothing half-done is left"
    assert dfe("run") == client.NOTHING_NEW


@pytest.mark.parametrize("kinds", [("accepted",), ("queried", "accepted")])
def test_an_officer_accepts_or_queries(
    served: Served, dfe: Recipient, kinds: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    package = served.package()
    assert dfe("receipt", package, "accepted") == client.REFUSED, "it was not even fetched"
    assert dfe("run") == client.ALL_WELL
    for kind in kinds:
        assert dfe("receipt", package, kind) == client.ALL_WELL
    assert served.states(package) == (kinds[-1], ["collected", "opened", *kinds])
    capsys.readouterr()
    assert dfe("receipt", package, kinds[-1]) == client.ALL_WELL
    assert "Sent before" in capsys.readouterr().out


def test_step_by_step_with_a_password_file(
    served: Served, dfe: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    package = served.package()
    assert dfe("list") == client.ALL_WELL
    assert package in capsys.readouterr().out
    assert dfe("list", "--json") == client.ALL_WELL
    assert json.loads(capsys.readouterr().out)[-1]["id"] == package
    assert dfe("fetch", package) == dfe("verify", package) == client.ALL_WELL
    password = dfe.folder / "password"
    assert dfe("password", package, "--to", str(password)) == client.ALL_WELL
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.read_text().strip() not in capsys.readouterr().out
    words = ("open", package, "--password-file", str(password))
    assert dfe(*words) == dfe(*words) == client.ALL_WELL, "opening twice changes nothing"
    assert dfe(*words, "--receipt") == client.ALL_WELL
    assert served.states(package) == ("opened", ["collected", "opened"])


def test_who_has_excel_alone_gets_the_workbook_and_its_password(
    served: Served, tmp_path: Path, homes: dict[str, Path]
) -> None:
    panel = Recipient(served, tmp_path, "panel", homes)
    package = served.package()
    assert panel("run") == client.ALL_WELL
    assert panel("run") == client.NOTHING_NEW
    assert served.states(package, "panel") == ("collected", ["collected"])
    password, plain = tmp_path / "password", tmp_path / "plain.xlsx"
    assert panel("password", package, "--to", str(password)) == client.ALL_WELL
    assert panel("open", package) == client.REFUSED, "Excel opens it"
    with (panel.place(package) / f"{package}.xlsx").open("rb") as sealed, plain.open("wb") as out:
        office = msoffcrypto.OfficeFile(sealed)
        office.load_key(password=password.read_text().strip())
        office.decrypt(out)
    assert openpyxl.load_workbook(plain).active["A2"].value.startswith("SCN")
    assert panel("receipt", package, "opened") == client.ALL_WELL
    assert panel("receipt", package, "accepted") == client.ALL_WELL
    assert served.states(package, "panel")[0] == "accepted"


# --- broken downloads -----------------------------------------------------------------------------


class Cutting:
    """A way to the API that breaks off each of the first ``cuts`` downloads after some bytes."""

    def __init__(self, url: str, cuts: int, after: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._to, self._after, self.cuts = (host, int(port)), after, cuts
        self.ranges: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                with taken, suppress(OSError):
                    self._pass_on(taken)

    def _pass_on(self, taken: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += taken.recv(65536)
        head, _, body = asked.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            more = taken.recv(65536)
            body, asked = body + more, asked + more
        left = None
        if b"/content " in head:
            self.ranges += re.findall(rb"(?i)range: (\S+)", head) or [b"whole"]
            if self.cuts:
                self.cuts -= 1
                left = self._after
        with socket.create_connection(self._to) as there:
            there.sendall(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            while block := there.recv(65536):
                if left is not None:
                    block, left = block[:left], left - len(block[:left])
                taken.sendall(block)
                if left == 0:
                    return


def test_a_broken_download_goes_on_where_it_broke_off(served: Served, dfe: Recipient) -> None:
    package = served.package()
    way = Cutting(served.url, cuts=2, after=2_000)
    try:
        assert dfe("fetch", package, url=way.url) == client.ALL_WELL
    finally:
        way.close()
    assert way.ranges[0] == b"whole" and len(way.ranges) == 3
    starts = [int(re.fullmatch(rb"bytes=(\d+)-", item)[1]) for item in way.ranges[1:]]
    assert 0 < starts[0] < starts[1]
    assert dfe("run") == client.ALL_WELL
    assert served.states(package)[0] == "opened"


def test_a_download_that_keeps_breaking_goes_on_next_time(served: Served, dfe: Recipient) -> None:
    package = served.package()
    way = Cutting(served.url, cuts=100, after=900)
    try:
        assert dfe("fetch", package, url=way.url) == client.REFUSED
    finally:
        way.close()
    (part,) = dfe.place(package).glob("*.part")
    assert part.stat().st_size > 0
    assert dfe("run") == client.ALL_WELL
    assert served.states(package)[0] == "opened"


def test_a_wrong_start_is_found_out_and_not_used(
    served: Served, dfe: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    package = served.some
    dfe.place(package).mkdir(parents=True)
    part = dfe.place(package) / f"{package}.zip.gpg.part"
    for content in (b"x" * 100, b"x" * 10_000_000):
        part.write_bytes(content)
        assert dfe("fetch", package) == client.REFUSED
        assert "fetch.altered" in capsys.readouterr().err
        assert not part.exists()
    assert dfe("fetch", package) == client.ALL_WELL


# --- what is refused ------------------------------------------------------------------------------


def test_what_was_altered_is_not_opened(
    served: Served, dfe: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    package = served.some
    assert dfe("fetch", package) == client.ALL_WELL
    place = dfe.place(package)
    for name, code in (
        (f"{package}.manifest.json", "signature.refused"),
        (f"{package}.manifest.json.asc", "signature.refused"),
        (f"{package}.zip.gpg", "opening.altered"),
    ):
        good = (place / name).read_bytes()
        (place / name).write_bytes(good[:-40] + b"#" + good[-39:])
        assert dfe("open", package) == client.REFUSED
        assert code in capsys.readouterr().err
        (place / name).write_bytes(good)
    assert dfe("open", package, gateway_key=dfe.values["key"]) == client.REFUSED
    assert "signature.refused" in capsys.readouterr().err
    wrong = dfe.folder / "wrong"
    wrong.write_text("abcd-efgh-jkmn")
    assert dfe("open", package, "--password-file", str(wrong)) == client.REFUSED
    assert "password.wrong" in capsys.readouterr().err
    (place / "data.xlsx").write_bytes(b"something of mine")
    assert dfe("open", package) == client.REFUSED
    assert "opening.exists" in capsys.readouterr().err
    assert (place / "data.xlsx").read_bytes() == b"something of mine"
    assert not list(place.glob(".opening-*"))


@pytest.mark.parametrize(
    ("command", "change", "code", "exit_code"),
    [
        ("run", {"url": "http://gateway.example"}, "client.settings", client.USAGE),
        ("run", {"url": "ftp://127.0.0.1"}, "client.settings", client.USAGE),
        ("run", {"url": ""}, "client.settings", client.USAGE),
        ("run", {"gateway_key": "ABCD"}, "client.settings", client.USAGE),
        ("run", {"colour": "red"}, "client.settings", client.USAGE),
        ("run", {"url": "http://127.0.0.1:1"}, "client.unreachable", client.REFUSED),
        ("verify", {"party": "panel"}, "opening.other-package", client.REFUSED),
        ("receipt", {"key": "0" * 40}, "receipt.unsigned", client.REFUSED),
    ],
)
def test_wrong_settings(
    served: Served,
    dfe: Recipient,
    command: str,
    change: dict[str, str],
    code: str,
    exit_code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = {"run": (), "verify": (served.some,), "receipt": (served.some, "opened")}
    if words[command]:
        assert dfe("fetch", served.some) == client.ALL_WELL
    assert dfe(command, *words[command], **change) == exit_code
    assert f"[{code}]" in capsys.readouterr().err


def test_a_token_that_others_can_read_or_that_may_not(
    served: Served, dfe: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    package = served.package()
    token = Path(dfe.values["token_file"])
    token.chmod(0o644)
    assert dfe("list") == client.USAGE
    token.chmod(0o600)
    token.write_text(served.token("dfe", ("collect",)))
    assert dfe("run") == client.REFUSED
    assert "token.scope" in capsys.readouterr().err
    assert (dfe.place(package) / f"{package}.zip.gpg").is_file(), "it was fetched all the same"
    token.write_text("nothing.good")
    assert dfe("run") == client.REFUSED
    assert "token.refused" in capsys.readouterr().err


def test_a_package_id_builds_no_path(dfe: Recipient, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("../../etc/passwd", "notifications", "/tmp", "notifications-2025-03-03-01/.."):
        assert dfe("fetch", word) == client.USAGE
        assert "package.unknown" in capsys.readouterr().err


def test_a_program_that_is_not_there(
    served: Served,
    dfe: Recipient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = served.some
    assert dfe("fetch", package) == client.ALL_WELL
    found = shutil.which
    for program, code in (("gpg", "gpg.missing"), ("7z", "client.no-7zip")):
        with monkeypatch.context() as patched:
            patched.setattr(
                "gateway.client.shutil.which",
                lambda name, gone=program: None if name.startswith(gone[:2]) else found(name),
            )
            assert dfe("open", package) == client.REFUSED
        assert code in capsys.readouterr().err


# --- receipts, secrets, alone ---------------------------------------------------------------------


def test_receipts_are_in_the_gateways_own_form() -> None:
    outer = {
        "agreement_hash": "a" * 64,
        "delivery_sha256": "b" * 64,
        "package": "notifications-2025-03-03-01",
        "recipient": "dfe",
    }
    for kind in client.BY_PARTY + client.BY_OFFICER:
        officer = "dfe-officer-1" if kind in client.BY_OFFICER else None
        made = client.receipt_bytes(kind, outer, officer)
        read = from_bytes(made)
        assert to_bytes(read) == made
        assert (read.kind, read.officer, read.digest) == (kind, officer, "b" * 64)


def test_a_receipt_whose_answer_was_lost_is_not_sent_anew(served: Served, dfe: Recipient) -> None:
    package = served.package()
    assert dfe("run") == client.ALL_WELL
    (dfe.place(package) / "opened.receipt.json.sent").unlink()
    before = (dfe.place(package) / "opened.receipt.json").read_bytes()
    assert dfe("receipt", package, "opened") == client.ALL_WELL
    assert (dfe.place(package) / "opened.receipt.json").read_bytes() == before
    assert served.states(package) == ("opened", ["collected", "opened"])


def test_receipts_go_by_a_folder_too(served: Served, dfe: Recipient) -> None:
    package = served.package()
    inbox = served.work.home.receipts_of("dfe")
    assert dfe("fetch", package) == client.ALL_WELL
    for kind in ("collected", "opened", "accepted"):
        assert dfe("receipt", package, kind, "--to", str(inbox)) == client.ALL_WELL
    for path in inbox.iterdir():
        assert re.fullmatch(rf"{package}-[a-z]+-[0-9a-f]{{8}}\.receipt\.json(\.asc)?", path.name)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    with open_parts(served.work.home) as parts:
        taken = take_returns(parts, datetime.now(UTC))
    assert [item.receipt.kind for item in taken.recorded] == ["collected", "opened", "accepted"]
    assert served.states(package)[0] == "accepted"
    assert list(inbox.iterdir()) == []


def test_no_secret_is_a_word_of_a_command(
    served: Served,
    dfe: Recipient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = served.package()
    commands: list[str] = []
    passwords: list[str] = []
    run = subprocess.run

    def spied(command: list[str], **more: Any) -> Any:
        commands.append(" ".join(command))
        passwords.append((more.get("input") or b"").decode().strip())
        return run(command, **more)

    monkeypatch.setattr("gateway.client.subprocess.run", spied)
    assert dfe("run") == client.ALL_WELL
    told = "\n".join(commands) + "".join(capsys.readouterr())
    (secret, *_) = reversed(Path(dfe.values["token_file"]).read_text().strip().partition("."))
    given = set(filter(None, passwords))
    assert given and not any(password in told for password in {secret, *given})
    for path in dfe.place(package).rglob("*"):
        assert not any(password.encode() in path.read_bytes() for password in given)


def test_it_runs_alone_and_from_the_gateway(
    served: Served, dfe: Recipient, tmp_path: Path, run_gateway: Any
) -> None:
    package = served.package()
    assert dfe("list") == client.ALL_WELL  # writes the settings
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(client.__file__, alone / "client.py")
    command = [sys.executable, "-I", "-S", str(alone / "client.py"), "--settings"]
    for word, code in (("run", client.ALL_WELL), ("run", client.NOTHING_NEW)):
        ran = subprocess.run(
            [*command, str(dfe.settings), word], cwd=alone, capture_output=True, text=True
        )
        assert ran.returncode == code, ran.stderr
    assert served.states(package)[0] == "opened"
    ran = run_gateway(tmp_path, "client", "--settings", str(dfe.settings), "list")
    assert (ran.returncode, package in ran.stdout) == (0, True), ran.stderr
    assert run_gateway(tmp_path, "client", "--nonsense").returncode == client.USAGE


def test_settings_from_the_environment(
    dfe: Recipient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dfe.values.items():
        monkeypatch.setenv(f"GATEWAY_CLIENT_{name.upper()}", value)
    monkeypatch.setenv("GATEWAY_CLIENT_SETTINGS", str(tmp_path / "none.ini"))
    assert client.main(["list"]) == client.ALL_WELL
    assert client.main(["--settings", str(tmp_path / "none.ini"), "list"]) == client.USAGE
    assert set(RECIPIENT) <= set(SCOPES)
