"""Four eyes: what officers have asked for, what waits for whom, and the approving of it."""

from gateway.web.approving import asking as _asking  # its pages are of the same part
from gateway.web.approving.views import PART

__all__ = ["PART", "_asking"]
