"""The parts that dispatch works with."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.agreement.load import Agreed
from gateway.crypto.memory import KeyedMemory
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins
from gateway.crypto.sealing import Sealer
from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.settings import Home
from gateway.store.database import Database
from gateway.store.s3 import S3Place


@dataclass(frozen=True)
class Dispatch:
    """Built by the engine for one flow's agreement. ``buckets``: of the recipients with one."""

    home: Home
    agreed: Agreed
    database: Database
    vault: Vault
    staging: Staging
    keyed: KeyedMemory
    openpgp: OpenPGP
    pins: Pins
    sealer: Sealer
    buckets: Mapping[str, S3Place]
