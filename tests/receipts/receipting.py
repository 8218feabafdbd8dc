"""A placed package and its recipients, who sign receipts with their real keys."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsing import AtWork, clean_row, packed

from gateway.access.officers import load_officers
from gateway.bootstrap import open_parts
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.engine.parts import Parts
from gateway.receipts import Offered, Recorded, Way, acknowledge
from gateway.receipts.receipt import Receipt, ReceiptKind, new_receipt, to_bytes
from gateway.settings import Home
from gateway.store import packages, receipts
from gateway.store.packages import DeliveryRow, PackageRow
from gateway.store.receipts import ReceiptRow

PLACED_AT = datetime(2026, 3, 2, 16, 5, tzinfo=UTC)
OFFICER = "{party}-officer-1"
ORDER: tuple[ReceiptKind, ...] = ("collected", "opened", "accepted")


def copied(source: Path, target: Path) -> Path:
    """A copy of a home at rest, without its agents' sockets."""
    return shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("S.*"))


def place_package(work: AtWork) -> str:
    """Send one row; the package's id."""
    work.rows(clean_row(1))
    return packed(work.tick("2026-03-02T16:05"))[0].package_id


class Keyring:
    """The keys of a home's parties and officers, opened when they are first needed."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self._home, self._stack = home, stack
        self._open: dict[tuple[str, datetime], OpenPGP] = {}

    def sign(self, body: bytes, who: str, key: str, at: datetime) -> bytes:
        """An armoured detached signature by ``who``'s key, as at ``at``."""
        if (who, at) not in self._open:
            openpgp = OpenPGP(HomeKeys(self._home).rehearsal(who), at)
            self._open[who, at] = self._stack.enter_context(openpgp)
        folder = self._home.parent / "signing"
        folder.mkdir(exist_ok=True)
        source, target = folder / "body", folder / "body.asc"
        source.write_bytes(body)
        self._open[who, at].detach_sign(source, target, key)
        return target.read_bytes()


class Recipients:
    """What recipients do with the package of a home: make receipts, sign and offer them."""

    def __init__(self, root: Path, parts: Parts, keyring: Keyring, package: str) -> None:
        self.home, self.parts, self.keyring, self.package_id = Home(root), parts, keyring, package
        self.pins, self.officers = (
            load_pins(self.home.parties_file),
            load_officers(self.home.officers_file),
        )
        self.now = PLACED_AT + timedelta(minutes=10)

    def delivery(self, party: str = "dfe") -> DeliveryRow:
        """The delivery's row as it is now."""
        with self.parts.database.transaction() as tx:
            found = packages.delivery(tx, self.package_id, party)
        assert found is not None
        return found

    def kept(self, party: str = "dfe") -> list[ReceiptRow]:
        """The receipts of the delivery, in order."""
        with self.parts.database.transaction() as tx:
            return receipts.of_delivery(tx, f"{self.package_id}:{party}")

    def package(self) -> PackageRow:
        """The package's row as it is now."""
        with self.parts.database.transaction() as tx:
            found = packages.get(tx, self.package_id)
        assert found is not None
        return found

    def receipt(self, kind: ReceiptKind, party: str = "dfe", **change: Any) -> Receipt:
        """A receipt as the party would make it, with some members changed."""
        delivery = self.delivery(party)
        officer = OFFICER.format(party=party)
        made = new_receipt(
            kind,
            self.package_id,
            party,
            delivery.sha256,
            self.package().agreement_hash,
            self.now - timedelta(minutes=1),
            None if kind in ("collected", "opened") else officer,
        )
        return Receipt.model_validate(made.model_dump() | change)

    def signed(self, receipt: Receipt, by: str = "", at: datetime | None = None) -> bytes:
        """Its signature: by whoever should sign, unless ``by`` names another party or officer."""
        who = by or receipt.officer or receipt.party
        parties = self.pins.parties
        key = parties[who].exchange if who in parties else self.officers.get(who).key
        assert key is not None
        return self.keyring.sign(
            to_bytes(receipt), who, key, at or PLACED_AT + timedelta(minutes=9)
        )

    def offered(
        self, receipt: Receipt, way: Way = "api", party: str = "", by: str = "", **more: Any
    ) -> Offered:
        """The receipt, signed, as its party offers it."""
        signature = self.signed(receipt, by)
        return Offered(to_bytes(receipt), signature, way, party or receipt.party, **more)

    def give(self, *kinds: ReceiptKind, party: str = "dfe", way: Way = "api") -> list[Recorded]:
        """Make, sign and offer receipts of those kinds, in that order."""
        return [self.offer(self.offered(self.receipt(kind, party), way)) for kind in kinds]

    def offer(self, offered: Offered) -> Recorded:
        """Offer a receipt to the gateway. Raises ReceiptRefused."""
        return acknowledge(self.parts.receipts(), offered, self.now)


@contextmanager
def at_work(root: Path, keyring: Keyring, package: str) -> Iterator[Recipients]:
    """The recipients of a home, ten minutes after its package was placed."""
    with open_parts(Home(root), PLACED_AT + timedelta(minutes=10)) as parts:
        yield Recipients(root, parts, keyring, package)
