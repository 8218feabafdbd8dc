"""The home page's sections: each part of the site tells its visitors what waits for them there.

A part that has one adds a line to `_SECTIONS`: the template that shows it, the name by which the
template knows what was gathered, the function that gathers it for a visitor, and the one that says
how soon it wants them. What is overdue stands first, then what is to be done today.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gateway.web.approving import gathering as approving
from gateway.web.approving.views import DECIDING
from gateway.web.collecting import today as collecting
from gateway.web.collecting.views import RECIPIENT
from gateway.web.sending import today as sending
from gateway.web.site import Site
from gateway.web.visitor import Visitor


class Wants(IntEnum):
    """How soon a section wants its visitor."""

    LONG_SINCE, TODAY, LATER = range(3)


@dataclass(frozen=True)
class Section:
    """A section of a visitor's home page."""

    template: str
    name: str
    shown: Any
    wants: Wants


Gather = Callable[[Site, Visitor], Any]  # empty where there is nothing of that part for a visitor


def _sent(site: Site, visitor: Visitor) -> list[sending.Today]:
    """The flows to send, those that are behind first."""
    return sorted(sending.todays(site, visitor), key=lambda day: _sends_want([day]))


def _sends_want(days: list[sending.Today]) -> Wants:
    if any(day.is_late for day in days):
        return Wants.LONG_SINCE
    return Wants.TODAY if any(day.is_today for day in days) else Wants.LATER


def _collected(site: Site, visitor: Visitor) -> collecting.Today | None:
    return collecting.today(site, visitor) if visitor.may(RECIPIENT) else None


def _collects_want(told: collecting.Today) -> Wants:
    if told.overdue:
        return Wants.LONG_SINCE
    return Wants.TODAY if told.owed else Wants.LATER


def _decided(site: Site, visitor: Visitor) -> list[approving.Shown]:
    """The requests that wait for the visitor's decision."""
    if not visitor.may(DECIDING):
        return []
    with site.parts.database.snapshot() as tx:
        return list(approving.listed(tx, site.parts.officers, visitor).waiting)


_SECTIONS: tuple[tuple[str, str, Gather, Callable[[Any], Wants]], ...] = (
    ("sending/today.html", "sends", _sent, _sends_want),
    ("collecting/_today.html", "collect", _collected, _collects_want),
    ("approving/_today.html", "approvals", _decided, lambda _: Wants.TODAY),
)


def sections_for(site: Site, visitor: Visitor) -> list[Section]:
    """The sections of a visitor's home page, the most urgent first."""
    gathered = [
        Section(place, name, shown, wants(shown))
        for place, name, gather, wants in _SECTIONS
        if (shown := gather(site, visitor))
    ]
    return sorted(gathered, key=lambda section: section.wants)
