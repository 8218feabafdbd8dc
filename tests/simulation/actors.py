"""The people around a home, and what each remembers: who lays files, collects, answers, recalls."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from rehearsing import UPDATE_HEADINGS, clean_row, csv_of, update_row
from world import World

from gateway.crypto.keys import HomeKeys
from gateway.engine.acts import asking_about
from gateway.intake.change import ChangeRefused, replace_drop, withdraw_drop
from gateway.receipts import Offered, ReceiptRefused, acknowledge
from gateway.receipts.recall import ActRefused, ask_recall
from gateway.receipts.receipt import Receipt, ReceiptKind, new_receipt, to_bytes
from gateway.receipts.serving import note_served, require_servable
from gateway.receipts.writing import write_signed
from gateway.store import packages
from gateway.store.database import StoreFault

NOTIFICATIONS, UPDATES = "notifications", "scr-updates"
RECIPIENTS = {NOTIFICATIONS: ("dfe", "panel"), UPDATES: ("ofsted",)}
SENDER = {NOTIFICATIONS: "ofsted", UPDATES: "dfe"}
STATES = ("Commissioned", "Published", "Under consideration")
Row = tuple[int, int]  # the case's number, and which version of it


@dataclass(frozen=True)
class Laid:
    """A file that was laid into an inbox: what a good gateway makes of it, told beforehand."""

    number: int
    flow: str
    sha256: str
    accepted: tuple[Row, ...]
    held: tuple[Row, ...] = ()
    good: bool = True


@dataclass
class Given:
    """A receipt that was given. ``taken``: what the API said; None where a folder took it."""

    receipt: Receipt
    signature: bytes
    taken: bool | None


@dataclass
class People:
    """Everybody, and all that they did."""

    world: World
    rng: Random
    laid: list[Laid] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    recalled: dict[str, int] = field(default_factory=dict)  # packages, after how many files
    changed: set[str] = field(default_factory=set)  # drops withdrawn or replaced
    versions: dict[int, int] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)

    # --- senders --------------------------------------------------------------------------------

    def send(self) -> None:
        """Lay a file: new cases and changed ones mostly, sometimes one that is no good."""
        kinds: list[Callable[[], None]] = [self._rows] * 8
        kinds += [self._rows_with_held] * 2 + [self._update] * 2
        kinds += [self._nil, self._garbage, self._again]
        self.rng.choice(kinds)()

    def _rows(self, held: tuple[Row, ...] = ()) -> None:
        rows = [(number, self._version(number)) for number in self._cases()]
        made = [clean_row(number, case=_words(version)) for number, version in rows]
        made += [clean_row(number, case=_words(v), gender="Martian") for number, v in held]
        self._lay(NOTIFICATIONS, csv_of(made), tuple(rows), held)

    def _rows_with_held(self) -> None:
        self._rows(held=((self.rng.randint(7, 9), 1),))

    def _update(self) -> None:
        number = self.rng.randint(1, 6)
        version = self.rng.randrange(len(STATES))
        content = csv_of([update_row(number, STATES[version])], UPDATE_HEADINGS)
        self._lay(UPDATES, content, ((number, version),))

    def _nil(self) -> None:
        self._lay(NOTIFICATIONS, csv_of([]), ())

    def _garbage(self) -> None:
        content = b"this,is,no\r\nextract,at,all\r\n" * self.rng.randint(1, 3)
        self._lay(NOTIFICATIONS, content, (), good=False)

    def _again(self) -> None:
        if self.contents:
            at = self.rng.randrange(len(self.contents))
            before = self.laid[at]
            self._lay(before.flow, self.contents[at], before.accepted, before.held, before.good)

    def _cases(self) -> list[int]:
        return sorted(self.rng.sample(range(1, 7), self.rng.randint(1, 3)))

    def _version(self, number: int) -> int:
        """New, unchanged or changed; an earlier version never comes back in a file of its own."""
        known = self.versions.get(number, 0)
        self.versions[number] = known + 1 if known == 0 or self.rng.random() < 0.5 else known
        return self.versions[number]

    def _lay(
        self,
        flow: str,
        content: bytes,
        accepted: tuple[Row, ...],
        held: tuple[Row, ...] = (),
        good: bool = True,
    ) -> None:
        number = len(self.laid) + 1
        digest = hashlib.sha256(content).hexdigest()
        self.laid.append(Laid(number, flow, digest, accepted, held, good))
        self.contents.append(content)
        self.world.lay(SENDER[flow], flow, content, number)
        self.world.say(f"file {number} for {flow}: {accepted} held {held} good {good}")

    def change(self, now: datetime) -> None:
        """Withdraw a waiting drop, or let a newer one stand for it."""
        asked = "SELECT id FROM drops WHERE state IN ('accepted', 'partly-held') ORDER BY number"
        waiting = [drop for (drop,) in self.world.query(asked)]
        if not waiting:
            return
        drop, database = self.rng.choice(waiting), self.world.faces(now).database
        try:
            if self.rng.random() < 0.5 or drop == waiting[-1]:
                withdraw_drop(database, drop, now)
            else:
                replace_drop(database, drop, waiting[-1], now)
        except ChangeRefused:
            return
        self.changed.add(drop)
        self.world.say(f"drop {drop} withdrawn or replaced")

    def recall(self, now: datetime) -> None:
        """The sender recalls a package that lies in the outboxes."""
        asked = "SELECT id FROM packages WHERE state IN ('sealed', 'placed', 'accepted')"
        standing = [
            package for (package,) in self.world.query(f"{asked} AND flow = ?", NOTIFICATIONS)
        ]
        if not standing:
            return
        package, parts = self.rng.choice(standing), self.world.faces(now)
        officers = [f"ofsted-officer-{number}" for number in (1, 2, 3)]
        try:
            asking = asking_about(parts, package, officers[0], now)
            request = ask_recall(asking, package, b"It was made from last year's extract.")
        except ActRefused:
            return
        self.world.approved(request, now, *officers[1:])
        self.recalled[package] = len(self.laid)
        self.world.say(f"recall of {package} approved")

    # --- recipients -----------------------------------------------------------------------------

    def answer(self, now: datetime) -> None:
        """A recipient does something about a package, mostly the next thing that is to be done."""
        asked = "SELECT package_id, party, state FROM deliveries WHERE placed_at IS NOT NULL"
        there = self.world.query(f"{asked} ORDER BY package_id, party")
        if not there:
            return
        package, party, state = self.rng.choice(there)
        follows: dict[str, ReceiptKind] = {
            "placed": "collected",
            "collected": "opened",
            "opened": "accepted",
            "recalled": "quarantined",
        }
        kinds: tuple[ReceiptKind, ...] = ("collected", "opened", "accepted", "queried")
        kind = follows.get(state) if self.rng.random() < 0.8 else self.rng.choice(kinds)
        if kind == "collected" and self.rng.random() < 0.5:
            self._collect(package, party, now)
        elif kind is not None:
            self._give(package, party, kind, now)

    def _collect(self, package: str, party: str, now: datetime) -> None:
        database = self.world.faces(now).database
        try:
            with database.transaction() as tx:
                row = require_servable(tx, package, party)
                sealed = packages.get(tx, package)
            assert sealed is not None
            half = row.size // 2
            for start, stop in ((0, half), (half, row.size)):
                note_served(database, row, sealed.agreement_hash, "token", "api", start, stop, now)
        except ReceiptRefused:
            return
        self.world.say(f"{party} collected {package}")

    def _give(self, package: str, party: str, kind: ReceiptKind, now: datetime) -> None:
        parts = self.world.faces(now)
        with parts.database.transaction() as tx:
            row, sealed = packages.delivery(tx, package, party), packages.get(tx, package)
        assert row is not None
        assert sealed is not None
        officer = f"{party}-officer-1" if kind in ("accepted", "queried", "quarantined") else None
        whole = now.replace(microsecond=0)
        made = new_receipt(kind, package, party, row.sha256, sealed.agreement_hash, whole, officer)
        pins = parts.pins.exchange_of(party)
        signer = parts.officers.get(officer).key if officer else pins
        assert signer is not None
        keys = HomeKeys(self.world.home.root)
        own = self.world.template.openpgp(keys.rehearsal(officer or party), now)
        by_folder = self.rng.random() < 0.3
        folder = self.world.home.receipts_of(party) if by_folder else self.world.home.root / "own"
        path = write_signed(made, own, signer, folder)  # type: ignore[arg-type]
        signature = path.with_name(f"{path.name}.asc").read_bytes()
        given = Given(made, signature, None)
        self.given.append(given)
        self.world.say(f"{party} says {kind} of {package} by {'folder' if by_folder else 'api'}")
        if by_folder:
            for item in (path, path.with_name(f"{path.name}.asc")):
                old = time.time() - 3600
                os.utime(item, (old, old))
        else:
            given.taken = self._offer(given, now)

    def replay(self, now: datetime) -> None:
        """Somebody offers a receipt again, byte for byte."""
        if self.given:
            given = self.rng.choice(self.given)
            if self._offer(given, now):
                if given.taken:
                    raise AssertionError("a receipt was taken twice")
                given.taken = True

    def _offer(self, given: Given, now: datetime) -> bool:
        offered = Offered(to_bytes(given.receipt), given.signature, "api", given.receipt.party)
        try:
            acknowledge(self.world.faces(now).receipts(), offered, now)
        except (ReceiptRefused, StoreFault):
            return False
        return True


def _words(version: int) -> str:
    return f"A referral was received and the plan was agreed at stage {version}."
