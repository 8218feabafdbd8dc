"""What a face (the HTTP API, SFTP) works with: sealed files, rows and settings, and not one key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access.officers import Officers
from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.records.vault import Vault
from gateway.settings import Home, Settings
from gateway.store.database import Database


@dataclass(frozen=True)
class FaceParts:
    """The parts of a face, made by `bootstrap.open_face`. ``agreed``: each flow's agreement.

    There is no home key, no gpg and no reader here: whatever needs one is asked of the worker,
    over `home.door`.
    """

    home: Home
    settings: Settings
    agreed: Mapping[str, Agreed]
    database: Database
    vault: Vault
    officers: Officers = field(default_factory=Officers)

    def flow(self, flow_id: str) -> Flow:
        """The flow of that id. Raises KeyError when no agreement has it."""
        return self.agreed[flow_id].agreement.flow(flow_id)
