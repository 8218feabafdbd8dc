"""The site over a rehearsal home in the test's own process, and people who are let in by saying so.

`SaidToBe` stands in the place of sign-in (`gateway.web.visitor.Visitors`): it is the door that the
real one stands in too, so that pages can be tested as any person.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from flask.testing import FlaskClient

from gateway.bootstrap import open_face
from gateway.settings import Home
from gateway.web.app import PARTS, make_site
from gateway.web.site import Site
from gateway.web.visitor import Grant, Visitor, Visitors

AFTER = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)  # the morning after `placed`'s last package
SECRET = b"of tests alone, and thirty-two b"


@dataclass
class SaidToBe(Visitors):
    """Whoever the test says is here. ``refusals``: what visitors asked for in vain."""

    who: Visitor | None = None
    refusals: list[tuple[str, str, str]] = field(default_factory=list)

    def current(self) -> Visitor | None:
        """The visitor."""
        return self.who

    def refused(self, visitor: Visitor, party: str, flow: str) -> None:
        """Remember it."""
        self.refusals.append((visitor.id, party, flow))


@dataclass
class Worker:
    """The door, with answers laid ready. ``asked``: what it was asked."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer."""
        self.asked.append(request)
        return self.answers.pop(0)


@dataclass
class AtTheSite:
    """The site, a client of it, and who visits."""

    app: Flask
    client: FlaskClient
    site: Site
    people: SaidToBe
    worker: Worker

    def sign_in(self, *grants: tuple[str, str, str], fresh: bool = False) -> Visitor:
        """From now on a person with those grants (party, flow, role) visits."""
        given = tuple(Grant(*grant) for grant in grants)
        self.people.who = Visitor("p-1", "Robin Sample", given, "a-session", fresh)
        return self.people.who

    def sign_out(self) -> None:
        """From now on nobody is signed in."""
        self.people.who = None


@contextmanager
def site_over(
    root: Path, now: datetime | None = None, parts: Iterable[Blueprint] = PARTS
) -> Iterator[AtTheSite]:
    """The site over a home."""
    people, worker = SaidToBe(), Worker()
    with open_face(Home(root)) as face:
        site = Site(face, lambda: now or datetime.now(UTC), worker, people, SECRET)
        app = make_site(site, parts)
        app.testing = True
        app.config["PROPAGATE_EXCEPTIONS"] = False
        yield AtTheSite(app, app.test_client(), site, people, worker)
