"""What every page of the site is made with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from gateway.engine.door import ask
from gateway.engine.face import FaceParts
from gateway.web.visitor import Visitors

_KEPT = "gateway"


@dataclass(frozen=True)
class Site:
    """The home's parts, the time, the worker's door, and whoever knows who visits.

    ``ask`` asks the worker and gives its answer (`engine.door`); it raises DoorClosed where none
    answers. ``secret``: what the site's own keys come from (`crypto.sitekey`).
    """

    parts: FaceParts
    now: Callable[[], datetime]
    ask: Callable[[dict[str, Any]], dict[str, Any]]
    visitors: Visitors
    secret: bytes

    @property
    def secure(self) -> bool:
        """Whether people reach the site by TLS."""
        return self.parts.settings.web.origin.startswith("https://")

    @property
    def breached(self) -> Path | None:
        """The file of breached passwords, where one is set."""
        named = self.parts.settings.web.breached_passwords
        return Path(self.parts.home.root, named) if named else None

    def parties(self) -> Mapping[str, str]:
        """The names of all parties of the home's agreements, by id."""
        agreements = [item.agreement for item in self.parts.agreed.values()]
        return {party.id: party.name for item in agreements for party in item.parties}


def open_site(parts: FaceParts, visitors: Visitors, secret: bytes) -> Site:
    """The site over a home, with the real time and the home's own door."""
    door = parts.home.door
    return Site(parts, utc_now, lambda asked: ask(door, asked), visitors, secret)


def utc_now() -> datetime:
    """The real time."""
    return datetime.now(UTC)


def keep(site: Site) -> None:
    """Make a site that of the app in hand; `site` gives it to views."""
    current_app.extensions[_KEPT] = site


def site() -> Site:
    """The site that the request in hand is of."""
    kept: Site = current_app.extensions[_KEPT]
    return kept
