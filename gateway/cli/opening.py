"""`open` and `password`: what a recipient does with a package, and what a rehearsal gives away."""

import getpass
import os
import sys
from pathlib import Path

from gateway.bootstrap import open_parts, require_home
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.dispatch.opening import Opened, open_package
from gateway.dispatch.password import PasswordRefused, released_password
from gateway.settings import Home


def open_for(home: Home, package: Path, party: str, to: Path, password_file: Path | None) -> Opened:
    """Open a package as a party: with its rehearsal keys, or the keys of who runs this.

    Raises OpeningFault or CryptoFault; nothing is left in ``to`` then.
    """
    gateway_key = load_pins(home.parties_file).gateway
    keyring = HomeKeys(home.root).rehearsal(party)
    if not keyring.is_dir():
        keyring = Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
    secret = _password(home, package, party, password_file)
    with OpenPGP(keyring) as openpgp:
        return open_package(package, openpgp, gateway_key, secret, to)


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
