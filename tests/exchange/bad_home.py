"""A rehearsal home at work in this process: the real engine, and what must hold after each tick."""

import csv
import hashlib
import html
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import openpyxl

from gateway.bootstrap import moment, open_parts
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.opening import open_package
from gateway.dispatch.password import released_password
from gateway.engine.faults import WORKER, as_fault
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import as_json, tick
from gateway.intake.confined.reader import Reader
from gateway.intake.findings import KINDS
from gateway.settings import Home
from gateway.store import drops
from gateway.store.database import BUSY_SECONDS, Database
from gateway.store.ledger import leaves

FLOW = "notifications"
MORNING, WINDOW, AFTER_GRACE = "2026-03-02T10:00", "2026-03-02T16:05", "2026-03-02T19:30"
TUESDAY = "2026-03-03T16:05"
TOKEN = "Tkplanted"  # every text of a bad file that a person could have typed begins so
SENTENCES = re.compile(r"[A-Za-z0-9][^\n]*\.(?: [A-Z`][^\n]*\.)+")  # what is wrong, and what to do
Sheet = list[tuple[Any, ...]]


@dataclass
class Told:
    """What one tick said. ``error`` is the code of what ended the tick, as the worker logs it."""

    at: str
    drops: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    unfinished: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    packages: list[dict[str, Any]] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    error: str | None = None
    text: str = ""


class Worker:
    """The parts of a home, opened once as `gateway run` does; each tick holds the home's lock."""

    def __init__(self, parts: Parts, scratch: Path) -> None:
        self.parts, self.home, self._scratch = parts, parts.home, scratch

    def tick(self, at: str, progress: Callable[[str, int, int | None], None] | None = None) -> Told:
        """One tick, with the worker's own answer to what it cannot do."""
        now, _ = moment(self.home, at)
        try:
            with only_worker(self.parts, 5):
                said = as_json(self.parts, tick(self.parts, now, progress))
        except Exception as error:
            fault = as_fault(WORKER, error)
            fault.alarm(self.parts.database, now)
            return Told(at, faults={fault.code: fault.words}, error=fault.code, text=fault.words)
        return Told(
            at,
            said["drops"],
            [item["code"] for item in said["refused"]],
            {item["code"]: item["words"] for item in said["faults"]},
            {item["code"]: item["words"] for item in said["alarms"]},
            said["unfinished"],
            [item["day"] for item in said["waiting_windows"]],
            said["packages"],
            [item["party"] for item in said["deliveries"]],
            text=json.dumps(said),
        )

    def ledger_size(self) -> int:
        """How many leaves the ledger has."""
        with self.parts.database.transaction() as tx:
            return sum(1 for _ in leaves(tx))

    def sealed_original(self, drop_id: str) -> bytes:
        """The drop as its sender can get it back: from the vault, with their own records key."""
        with self.parts.database.transaction() as tx:
            row = drops.get(tx, drop_id)
        assert row is not None
        target = self._scratch / f"original-{drop_id}"
        with OpenPGP(HomeKeys(self.home.root).rehearsal(row.party)) as keyring:
            keyring.decrypt(self.parts.vault.path(row.original), target, None)
        data = target.read_bytes()
        assert hashlib.sha256(data).hexdigest() == row.sha256
        return data

    def opened(self, *parties: str) -> dict[str, dict[str, Sheet]]:
        """By party and package, the sheet's rows. Fails for anything in an outbox that is half."""
        return {party: self._opened(party) for party in parties or ("dfe", "panel")}

    def _opened(self, party: str) -> dict[str, Sheet]:
        outbox = self.home.outbox_of(party, FLOW)
        names = sorted(path.name for path in outbox.iterdir())
        ids = sorted({name.split(".")[0] for name in names})
        endings = (".manifest.json", ".manifest.json.asc", ".zip.gpg")
        assert names == sorted(found + ending for found in ids for ending in endings)
        sheets: dict[str, Sheet] = {}
        if not ids:
            return sheets
        with OpenPGP(HomeKeys(self.home.root).rehearsal(party)) as keyring:
            for package_id in ids:
                to = self._scratch / f"{party}-{package_id}"
                if not to.exists():
                    self._open(outbox / f"{package_id}.zip.gpg", party, keyring, to)
                book = openpyxl.load_workbook(to / "data.xlsx")
                cells = [cell for row in book.active.iter_rows() for cell in row]
                assert {cell.data_type for cell in cells} <= {"s", "d", "n"}
                numbers = [cell for cell in cells if cell.data_type == "n" and cell.value]
                assert numbers == [], "only text and dates are ever written"
                sheets[package_id] = list(book.active.iter_rows(min_row=2, values_only=True))
        return sheets

    def open_as(self, party: str, package: Path) -> None:
        """The party tries a package that it came by, with the right password and its own key."""
        with OpenPGP(HomeKeys(self.home.root).rehearsal(party)) as keyring:
            self._open(package, party, keyring, self._scratch / "wrong")

    def _open(self, package: Path, party: str, keyring: OpenPGP, to: Path) -> None:
        with self.parts.database.transaction() as tx:
            password = released_password(tx, self.parts.sealer, package.name, party)
        open_package(package, keyring, self.parts.pins.gateway, password, to)


@dataclass(frozen=True)
class Exchange:
    """A rehearsal home of a test, the folder for what it opens, and the tests' one warm reader."""

    home: Home
    scratch: Path
    extract: Callable[..., str]
    reader: Reader

    @property
    def inbox(self) -> Path:
        """Where Ofsted drops its notifications."""
        return self.home.inbox_of("ofsted", FLOW)

    @contextmanager
    def working(self, at: str = TUESDAY, busy_seconds: int = BUSY_SECONDS) -> Iterator[Worker]:
        """A worker of this home; gpg's clock stands at ``at``. ``busy_seconds``: the database's."""
        with open_parts(self.home, moment(self.home, at)[1]) as made:
            database = Database.at(self.home.database, busy_seconds)
            try:
                own = replace(made, reader=self.reader, database=database)
                yield Worker(own, self.scratch)
            finally:
                database.close()

    def drop(self, name: str | bytes, data: bytes, folder: Path | None = None) -> Path:
        """A file that has long stood still, whatever its name."""
        path = (folder or self.inbox) / os.fsdecode(name)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    def good(self, start: int = 501, count: int = 2) -> bytes:
        """A clean extract of rows that no other file has."""
        return self.extract(count, start=start).encode()

    def lives(self, worker: Worker, at: str = WINDOW, start: int = 501, more: int = 0) -> Told:
        """A good file, dropped now, is in the package of the window at ``at``, which opens."""
        self.drop("good.csv", self.good(start))
        told = worker.tick(at)
        assert [drop["state"] for drop in told.drops][-1:] == ["accepted"], told
        assert [package["kind"] for package in told.packages] == ["data"]
        package = told.packages[0]["id"]
        for sheets in worker.opened("dfe").values():
            references = [row[0] for row in sheets[package]]
            assert len(references) == 2 + more
            assert references[-2:] == [f"SCN{start:08d}", f"SCN{start + 1:08d}"]
        outbox = self.home.outbox_of("panel", FLOW)
        assert (outbox / f"{package}.manifest.json").is_file()
        assert set(told.placed) >= {"dfe", "panel"}
        return told

    def reported(self) -> dict[str, list[tuple[str, str, str]]]:
        """By report (its name's stem), each finding's code, what is wrong and what to do."""
        found = {}
        for sheet in self.home.reports_of("ofsted").glob("*.csv"):
            with sheet.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines))
            found[sheet.stem] = [(r["code"], r["what is wrong"], r["what to do"]) for r in rows]
            page = sheet.with_suffix(".html").read_text(encoding="utf-8")
            assert all(html.escape(message) in page for _, message, _ in found[sheet.stem])
        return found

    def says_nothing_of(self, token: str, *told: Told) -> None:
        """No cell and no file's name stands in what was said, or in any file but the inbox's."""
        assert all(token not in item.text for item in told)
        needles = [form.encode(code) for form in {token, token.lower(), token.upper()}
                   for code in ("utf-8", "utf-16-le")]  # fmt: skip
        for folder, _, names in os.walk(self.home.root):
            for path in (Path(folder) / name for name in names):
                assert token not in path.name or path.is_relative_to(self.home.inbox)
                if path.is_file() and not path.is_relative_to(self.home.inbox):
                    content = path.read_bytes()
                    assert [needle for needle in needles if needle in content] == [], path


def in_plain_words(reported: list[tuple[str, str, str]]) -> None:
    """Each finding says what is wrong and what to do, in its own code's words."""
    for code, message, fix in reported:
        assert code in KINDS
        assert SENTENCES.fullmatch(f"{message} {fix}"), (message, fix)
