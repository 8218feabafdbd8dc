"""The home page's sections: each part of the site tells its visitors what waits for them there.

A part that has one adds a line to `_SECTIONS`: the template that shows it, the name by which the
template knows what was gathered, and the function that gathers it for a visitor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.web.collecting import today as collecting
from gateway.web.collecting.views import RECIPIENT
from gateway.web.sending import today as sending
from gateway.web.site import Site
from gateway.web.visitor import Visitor


@dataclass(frozen=True)
class Section:
    """A section of a visitor's home page."""

    template: str
    name: str
    shown: Any


Gather = Callable[[Site, Visitor], Any]  # empty where there is nothing of that part for a visitor


def _collected(site: Site, visitor: Visitor) -> collecting.Today | None:
    return collecting.today(site, visitor) if visitor.may(RECIPIENT) else None


_SECTIONS: tuple[tuple[str, str, Gather], ...] = (
    ("sending/today.html", "sends", sending.todays),
    ("collecting/_today.html", "collect", _collected),
)


def sections_for(site: Site, visitor: Visitor) -> list[Section]:
    """The sections of a visitor's home page, in order."""
    gathered = [Section(place, name, gather(site, visitor)) for place, name, gather in _SECTIONS]
    return [section for section in gathered if section.shown]
