"""What every answer of the API is made with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.api.callers import Callers
from gateway.api.rates import Rates
from gateway.api.sending import Ending
from gateway.engine.face import FaceParts


@dataclass(frozen=True)
class Face:
    """The home's parts, who may ask, and the downloads that are about to end."""

    parts: FaceParts
    now: Callable[[], datetime]
    callers: Callers
    ending: Ending


def make_face(parts: FaceParts, now: Callable[[], datetime] | None = None) -> Face:
    """The API's own parts; ``now`` is the real time unless given."""
    clock = now or _utc_now
    rates = Rates(parts.settings.api.requests_per_minute)
    return Face(parts, clock, Callers(parts.database, rates, clock), Ending())


def _utc_now() -> datetime:
    return datetime.now(UTC)
