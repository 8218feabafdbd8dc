"""What a recipient does with a package: opens it, and says so; what a rehearsal gives away."""

import getpass
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from gateway.access.officers import Officer, load_officers
from gateway.bootstrap import moment, open_parts, require_home
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.dispatch.manifest import SUFFIXES, OuterManifest
from gateway.dispatch.opening import Opened, describe_package, open_package
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.engine.clock import latest_moment
from gateway.receipts.receipt import ReceiptKind, receipt_for
from gateway.receipts.refused import refusal
from gateway.receipts.writing import write_signed
from gateway.records.checkpoints import unverified
from gateway.settings import Home, Settings
from gateway.store.database import Database


def open_for(home: Home, package: Path, party: str, to: Path, password_file: Path | None) -> Opened:
    """Open a package as a party: with its rehearsal keys, or the keys of who runs this.

    Raises OpeningFault or CryptoFault; nothing is left in ``to`` then.
    """
    gateway_key = load_pins(home.parties_file).gateway
    secret = _password(home, package, party, password_file)
    with OpenPGP(keyring_of(home, party)) as openpgp:
        return open_package(package, openpgp, gateway_key, secret, to)


def keyring_of(home: Home, who: str) -> Path:
    """The GNUPGHOME of a rehearsal's party or officer, or else of whoever runs this."""
    rehearsal = HomeKeys(home.root).rehearsal(who)
    if rehearsal.is_dir():
        return rehearsal
    return Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")


def receipts_of_opening(
    home: Home, outer: OuterManifest, party: str, to: Path, now: str | None
) -> list[Path]:
    """Sign `collected` and `opened` with the party's key; where they were written.

    A rehearsal's own inbox takes them; else they lie in ``to``, to be sent. Raises ReceiptRefused
    where the package is another party's, CryptoFault.
    """
    if outer.recipient != party:
        raise refusal("receipt.not-yours")
    folder = home.receipts_of(party) if home.is_rehearsal else to
    at, faked = _signing_moment(home, now)
    signer = load_pins(home.parties_file).exchange_of(party)
    kinds: Sequence[ReceiptKind] = ("collected", "opened")
    head = _later_checkpoint(home.checkpoint_of(party), outer)
    with OpenPGP(keyring_of(home, party), faked) as openpgp:
        return [
            write_signed(receipt_for(kind, outer, at, None, head), openpgp, signer, folder)
            for kind in kinds
        ]


def receipt_of_officer(
    home: Home,
    package: str,
    party: str,
    officer_id: str,
    kind: ReceiptKind,
    to: Path | None,
    now: str | None,
) -> Path:
    """Sign what a named officer says of a package; where it was written.

    ``package``: its file, the manifest beside it, or its id where the outbox is in this home.
    Raises OpeningFault, OfficersFault, CryptoFault, ReceiptRefused.
    """
    officer = load_officers(home.officers_file).get(officer_id)
    key = _key_of(officer, party)
    file = _package_file(home, package, party)
    at, faked = _signing_moment(home, now)
    with OpenPGP(keyring_of(home, officer.id), faked) as openpgp:
        outer = describe_package(file, openpgp, load_pins(home.parties_file).gateway)
        if outer.recipient != party:
            raise refusal("receipt.not-yours")
        folder = to or (home.receipts_of(party) if home.is_rehearsal else file.parent)
        head = _later_checkpoint(home.checkpoint_of(party), outer)
        receipt = receipt_for(kind, outer, at, officer.id, head)
        return write_signed(receipt, openpgp, key, folder)


def _later_checkpoint(place: Path, outer: OuterManifest) -> str | None:
    """What lies in the party's outbox, where it is of the manifest's log and later."""
    try:
        note = place.read_text(encoding="utf-8")
        later, told = unverified(note), unverified(outer.checkpoint or note)
    except (CryptoFault, OSError, UnicodeDecodeError):
        return None
    return note if later.origin == told.origin and later.size >= told.size else None


def _key_of(officer: Officer, party: str) -> str:
    if officer.party != party or not officer.has("recipient") or officer.key is None:
        raise refusal("receipt.unknown-officer")
    return officer.key


def _package_file(home: Home, package: str, party: str) -> Path:
    named = Path(package)
    if named.is_file():
        return named
    outbox = home.outbox / party
    known = {path.name: path for path in outbox.glob("*/*") if path.is_file()}
    for suffix in SUFFIXES.values():
        if f"{package}{suffix}" in known:
            return known[f"{package}{suffix}"]
    raise refusal("package.unknown")


def _signing_moment(home: Home, now: str | None) -> tuple[datetime, datetime | None]:
    """The time to sign at. A rehearsal's clock is where its last tick left it."""
    if now is None and home.is_rehearsal:
        with closing(Database.of(home, Settings.load(home.settings_file))) as database:
            latest = latest_moment(database) if database.is_made() else None
        if latest is not None:
            return latest, latest
    return moment(home, now)


def _password(home: Home, package: Path, party: str, password_file: Path | None) -> str:
    if password_file is not None:
        lines = password_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[0].strip() if lines else ""
    if home.is_rehearsal:
        return password_for(home, package.name, party)
    if sys.stdin.isatty():
        return getpass.getpass("The package's password: ")
    raise PasswordRefused(
        "password.absent",
        "No password was given.",
        "Write it into a file that only you can read, and name it with --password-file.",
    )


def password_for(home: Home, package: str, party: str) -> str:
    """The password of a rehearsal's package. Raises PasswordRefused in a real home."""
    require_home(home)
    if not home.is_rehearsal:
        raise PasswordRefused(
            "password.refused",
            "A real home never prints a password.",
            "The recipient asks for it where the package is collected.",
        )
    with open_parts(home) as parts, parts.database.transaction() as tx:
        return released_password(tx, parts.sealer, package, party)
