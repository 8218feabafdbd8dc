"""A package's password: kept sealed by the worker, released to a recipient of the package."""

import re

from gateway.crypto.sealing import Sealer
from gateway.refusal import Refusal
from gateway.store import packages
from gateway.store.database import Transaction

_PACKAGE_ID = re.compile(r"^(?P<id>[a-z][a-z0-9-]*-\d{4}-\d{2}-\d{2}-\d{2})(\.[a-z.]+)?$")


class PasswordRefused(Refusal):
    """The password may not be had, or there is none. ``hint`` says what to do."""


def sealed_password(sealer: Sealer, package_id: str, password: str) -> bytes:
    """The password as it is kept."""
    return sealer.seal(password.encode(), f"password:{package_id}")


def released_password(tx: Transaction, sealer: Sealer, package: str, party: str) -> str:
    """The password of a package, named by its id or by a file of it, for one of its recipients.

    Raises PasswordRefused.
    """
    match = _PACKAGE_ID.match(package)
    row = packages.get(tx, match["id"]) if match else None
    if row is None:
        raise PasswordRefused(
            "package.unknown", "There is no such package here.", "`status` lists the packages."
        )
    if party not in {item.party for item in packages.deliveries_of(tx, row.id)}:
        raise PasswordRefused(
            "package.not-yours",
            "That party is no recipient of this package.",
            "Name one of its recipients with --party.",
        )
    return sealer.open(row.password_sealed, f"password:{row.id}").decode()
