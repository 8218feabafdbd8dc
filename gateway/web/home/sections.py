"""The home page's sections: each part of the site tells its visitors what waits for them there.

A part that has one adds a line to `_SECTIONS`: a function that gathers it, and the template that
shows it, which finds what was gathered as ``section.shown``. The most urgent part comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.web.sending.today import todays
from gateway.web.site import Site
from gateway.web.visitor import Visitor


@dataclass(frozen=True)
class Section:
    """A section of a visitor's home page."""

    template: str
    shown: Any


Gather = Callable[[Site, Visitor], Any]  # empty where there is nothing of that part for a visitor
_SECTIONS: tuple[tuple[str, Gather], ...] = (("sending/today.html", todays),)


def sections_for(site: Site, visitor: Visitor) -> list[Section]:
    """The sections of a visitor's home page, in order."""
    gathered = [Section(template, gather(site, visitor)) for template, gather in _SECTIONS]
    return [section for section in gathered if section.shown]
