"""What every answer of the API is made with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.api.callers import Callers
from gateway.api.rates import AtOnce, Rates
from gateway.engine.face import FaceParts
from gateway.serving.sending import Ending


@dataclass(frozen=True)
class Face:
    """The home's parts, who may ask, and the downloads that are about to end."""

    parts: FaceParts
    now: Callable[[], datetime]
    callers: Callers
    ending: Ending
    at_once: AtOnce


def make_face(parts: FaceParts, now: Callable[[], datetime] | None = None) -> Face:
    """The API's own parts; ``now`` is the real time unless given."""
    clock = now or _utc_now
    settings = parts.settings.api
    callers = Callers(parts.database, Rates(settings.requests_per_minute), clock)
    return Face(parts, clock, callers, Ending(), AtOnce(settings.requests_at_once))


def _utc_now() -> datetime:
    return datetime.now(UTC)
