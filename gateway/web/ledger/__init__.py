"""The ledger: looking for events, an event's proof, the latest checkpoint, evidence packs."""

from gateway.web.ledger import evidence as _evidence  # its pages are of the same part
from gateway.web.ledger.views import PART

__all__ = ["PART", "_evidence"]
