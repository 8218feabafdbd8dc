"""A small world to simulate: one home, the daemons that work in it, the people around it."""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import seams
from stand_ins import Rings, StandInPGP, StandInReader

import gateway.engine.invariants.outboxes
from gateway.access.approvals import approve
from gateway.access.statements import signed_statement
from gateway.agreement.load import Agreed
from gateway.agreement.model import RuleBook
from gateway.bootstrap import open_parts
from gateway.crypto.keys import HomeKeys
from gateway.engine.faults import WORKER, as_fault
from gateway.engine.invariants import Breach, examine
from gateway.engine.lock import WorkerBusy, only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.founding import found
from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.settings import Home
from gateway.store.database import Database
from gateway.store.folder import BlobFolder
from gateway.store.requests import RequestRow

CHECKOUT = Path(__file__).resolve().parents[2]
_SHARED = ("config", "keys")  # of the template: nothing writes there
_SIGNED = "SELECT statement, signature, fingerprint FROM agreement_signatures"


class Template:
    """A rehearsal home made once, and what every run shares of it: agreement, keys, settings."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        kept = root / "rings"
        if not self.home.database.is_file():
            found(self.home, CHECKOUT, rehearsal=True)
        if not kept.is_file():
            self._rings().save(kept)
        self.rings = Rings.load(kept)
        with open_parts(self.home) as parts:
            self.parts = parts
        self.books = {flow: item.rule_book(flow) for flow, item in self.parts.agreed.items()}
        self.reader = StandInReader(self.books)
        self.databases: dict[int, seams.Moving] = {}

    def _rings(self) -> Rings:
        keys = HomeKeys(self.home.root)
        people = [path for path in keys.rehearsal("x").parent.iterdir() if path.is_dir()]
        plain = sqlite3.connect(self.home.database)
        try:
            signed = plain.execute(_SIGNED).fetchall()
        finally:
            plain.close()
        folders = {"gateway": keys.gateway} | {path.name: path for path in people}
        return Rings.of(folders, signed)

    def rule_book(self, flow: str) -> RuleBook:
        """A flow's rule book, made once: that of all its years takes as long as a small drop."""
        return self.books[flow]

    def database(self, place: int, path: Path) -> tuple[Database, list[sqlite3.Connection]]:
        """That file's database, for the daemon of that place. A new daemon there takes over the
        engine: what SQLAlchemy has learnt of its statements takes a tenth of a short run to learn.
        """
        if place not in self.databases:
            database = Database.at(path, busy_seconds=0)
            self.databases[place] = seams.Moving(database, database._engine)
        moving = self.databases[place]
        return moving.database, moving.to(path)

    def copy(self, root: Path) -> Home:
        """A fresh home: its keys and configuration are the template's own."""
        source = self.home.root
        root.mkdir(parents=True)
        for entry in source.iterdir():
            if entry.name in _SHARED:
                (root / entry.name).symlink_to(entry)
            elif entry.is_dir():
                shutil.copytree(entry, root / entry.name, symlinks=True)
            elif entry.name != "rings":
                shutil.copyfile(entry, root / entry.name)
        return Home(root)

    def openpgp(self, folder: Path, now: datetime) -> StandInPGP:
        """The stand-in for a key folder."""
        return StandInPGP(self.rings, folder, now)


@dataclass
class Daemon:
    """A worker's process: parts of its own, built when it starts and gone when it is killed."""

    world: "World"
    place: int
    parts: Parts | None = None
    connections: list[sqlite3.Connection] = field(default_factory=list)

    def running(self, now: datetime) -> Parts:
        """Its parts, at that time; it starts where it does not run."""
        if self.parts is None:
            self.parts, self.connections = self.world.build(now, self.place)
        self.parts.openpgp.now = now  # type: ignore[misc]
        return self.parts

    def tick(self, now: datetime, seam: seams.Seam | None = None) -> TickReport | None:
        """One tick, as `engine.worker` does it; None where it did not come to its end."""
        report = None
        with seams.armed(seam) if seam else seams.disarmed():
            parts = self.running(now)
            try:
                with only_worker(parts.home.lock, 0), self._watching():
                    report = tick(parts, now)
            except WorkerBusy:
                self.world.seen["busy"] += 1
            except Exception as error:  # the worker lives on
                self.world.tick_failed(parts, error, now)
        if seam is not None and seam.dead:
            self.stop()
            seams.bury(seam)
        return report

    def _watching(self) -> AbstractContextManager[object]:
        if self.world.watching:
            return nullcontext()
        return mock.patch("gateway.engine.tick.keep_watch", lambda *_: [])

    def stop(self) -> None:
        """It is no more: connections close, and what they had begun is undone by the database."""
        if self.parts is not None:
            for connection in self.connections:
                with suppress(sqlite3.ProgrammingError):  # the pool has closed it already
                    connection.rollback()  # closed alone it would live on in a cursor
                    connection.close()
            self.parts.database.close()
            self.parts = None


class Counts(dict[str, int]):
    """How often each thing happened."""

    def __missing__(self, key: str) -> int:
        return 0


@dataclass
class World:
    """The home of one run, its daemons, and what was seen from outside."""

    template: Template
    home: Home
    rng: Random
    seen: Counts = field(default_factory=Counts)
    daemons: list[Daemon] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # what happened, for whoever replays a run
    watching: bool = True  # whether ticks keep their watch as well
    shown: dict[tuple[str, str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.daemons = [Daemon(self, 0), Daemon(self, 1)]
        self.people = Daemon(self, 2)  # the faces: their own connections to the same database

    def build(self, now: datetime, place: int) -> tuple[Parts, list[sqlite3.Connection]]:
        """Parts as `bootstrap.open_parts` builds them, with the stand-ins at their two seams."""
        base, home = self.template.parts, self.home
        database, made = self.template.database(place, home.database)
        parts = replace(
            base,
            home=home,
            database=database,
            vault=Vault(BlobFolder(home.vault)),
            staging=Staging(home.staged, base.staging.key),
            openpgp=self.template.openpgp(HomeKeys(home.root).gateway, now),
            reader=self.template.reader,
        )
        return parts, made

    def faces(self, now: datetime) -> Parts:
        """What the faces work with, at that time."""
        return self.people.running(now)

    def tick_failed(self, parts: Parts, error: Exception, now: datetime) -> None:
        """What `engine.worker` does when a tick fails as a whole."""
        fault = as_fault(WORKER, error)
        self.say(f"tick failed: {fault.code}: {type(error).__name__}")
        self.seen["ticks failed"] += 1
        fault.alarm(parts.database, now)

    def say(self, words: str) -> None:
        """Note what happened."""
        self.told.append(words)

    def query(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        plain = sqlite3.connect(self.home.database, timeout=0)
        try:
            return plain.execute(question, values).fetchall()
        finally:
            plain.close()

    def lay(self, party: str, flow: str, content: bytes, number: int) -> None:
        """Lay a settled file into an inbox."""
        path = self.home.inbox_of(party, flow) / f"extract-{number}.csv"
        path.write_bytes(content)
        old = time.time() - 86_400 + number
        os.utime(path, (old, old))

    def approved(self, request: RequestRow, now: datetime, *officers: str) -> RequestRow:
        """Those officers sign the request, each with their own key."""
        parts = self.faces(now)
        for who in officers:
            own = self.template.openpgp(HomeKeys(self.home.root).rehearsal(who), now)
            key = parts.officers.get(who).key
            assert key is not None
            signature = signed_statement(own, request, key)  # type: ignore[arg-type]
            known = parts.database, parts.officers, parts.openpgp
            request = approve(*known, request.id, who, signature, now)
        return request

    def examine(self, now: datetime) -> list[Breach]:
        """The invariants of the whole home."""
        module: Any = gateway.engine.invariants.outboxes
        real = module.OpenPGP
        module.OpenPGP = lambda folder: self.template.openpgp(folder, now)
        try:
            return examine(self.faces(now))
        finally:
            module.OpenPGP = real

    def look(self) -> list[str]:
        """See what lies in the outboxes: new packages are kept, and old bytes may not change."""
        wrong = []
        for path in sorted(self.home.outbox.glob("*/*/*.manifest.json")):
            party, flow = path.parent.parent.name, path.parent.name
            name = path.name.removesuffix(".manifest.json")
            key = (party, flow, name)
            sealed = path.with_name(f"{name}.zip.gpg").read_bytes()
            if self.shown.setdefault(key, sealed) != sealed:
                wrong.append(f"the bytes of {name} for {party} changed after it was visible")
        return wrong


@contextmanager
def world(template: Template, scratch: Path, rng: Random) -> Iterator[World]:
    """A fresh world in a folder of its own, gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
    was, tempfile.tempdir = tempfile.tempdir, str(root / "tmp")
    made = World(template, template.copy(root / "home"), rng)
    (root / "tmp").mkdir()
    try:
        with seams.installed(), mock.patch.object(Agreed, "rule_book", template.rule_book):
            yield made
    finally:
        for daemon in (*made.daemons, made.people):
            daemon.stop()
        tempfile.tempdir = was
        shutil.rmtree(root, ignore_errors=True)


def utc(*words: int) -> datetime:
    """A moment."""
    return datetime(*words, tzinfo=UTC)  # type: ignore[arg-type, misc]
