"""The parts that receipts work with."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.access.officers import Officers
from gateway.agreement.load import Agreed
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins
from gateway.crypto.sealing import Sealer
from gateway.records.vault import Vault
from gateway.settings import Home
from gateway.store.database import Database


@dataclass(frozen=True)
class Receipts:
    """Built by the engine. ``agreed`` has the agreement of each flow of the home."""

    home: Home
    agreed: Mapping[str, Agreed]
    database: Database
    officers: Officers
    pins: Pins
    openpgp: OpenPGP
    sealer: Sealer
    vault: Vault
