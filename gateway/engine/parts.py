"""The parts of a running gateway, built once by `bootstrap` and handed to whatever works."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.access.officers import Officers
from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.crypto.keys import HomeKeys, KeyReport, examine_keys
from gateway.crypto.memory import KeyedMemory
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins
from gateway.crypto.sealing import Sealer
from gateway.dispatch import Dispatch
from gateway.intake import Intake
from gateway.intake.confined.reader import Reader
from gateway.intake.memory import SentBefore
from gateway.receipts.parts import Receipts
from gateway.receipts.threads import Queries
from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.settings import Home, Settings
from gateway.store.database import Database
from gateway.store.s3 import outboxes


@dataclass(frozen=True)
class Parts:
    """Everything a worker needs.

    ``agreed`` has the agreement of each flow of the home, as it is in force; ``versions`` also
    those that held before, or are to hold from a later day.
    """

    home: Home
    settings: Settings
    agreed: Mapping[str, Agreed]
    versions: tuple[Agreed, ...]
    pins: Pins
    officers: Officers
    database: Database
    vault: Vault
    staging: Staging
    keyed: KeyedMemory
    sealer: Sealer
    openpgp: OpenPGP
    reader: Reader

    def key_reports(self, now: datetime) -> tuple[KeyReport, ...]:
        """How every pinned key stands."""
        offered = HomeKeys(self.home.root).parties
        return examine_keys(self.openpgp, self.pins, now, offered)

    def flow(self, flow_id: str) -> Flow:
        """The flow of that id. Raises KeyError when no agreement has it."""
        return self.agreed[flow_id].agreement.flow(flow_id)

    def flows(self) -> list[Flow]:
        """All flows, in the order of their agreements."""
        return [self.flow(flow_id) for flow_id in self.agreed]

    def intake(self, flow_id: str) -> Intake:
        """What intake needs for a flow."""
        return Intake(
            self.home,
            self.agreed[flow_id],
            self.database,
            self.vault,
            self.staging,
            SentBefore(self.database, self.keyed),
            self.reader,
            self.openpgp,
            self.pins,
            self.sealer,
        )

    def dispatch(self, flow_id: str) -> Dispatch:
        """What dispatch needs for a flow."""
        return Dispatch(
            self.home,
            self.agreed[flow_id],
            self.database,
            self.vault,
            self.staging,
            self.keyed,
            self.openpgp,
            self.pins,
            self.sealer,
            outboxes(HomeKeys(self.home.root).s3, self.settings.s3),
        )

    def queries(self) -> Queries:
        """What queries and their answers need, for all flows."""
        return Queries(self.agreed, self.database, self.officers, self.keyed, self.sealer)

    def receipts(self) -> Receipts:
        """What receipts need, for all flows."""
        return Receipts(
            self.home,
            self.agreed,
            self.database,
            self.officers,
            self.pins,
            self.openpgp,
            self.sealer,
            self.vault,
        )
