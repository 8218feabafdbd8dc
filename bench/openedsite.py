"""The site over a home in this process, with its worker behind it, and people who are signed in.

The people sign in by the site's own forms, at the time that the home has come to. The worker
answers in this process as it does at its door, so that its time is in the page's.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from gateway.access.rehearsal import Shown, read_people
from gateway.access.secondfactor import code_now
from gateway.bootstrap import open_face, open_parts
from gateway.crypto.keys import HomeKeys
from gateway.engine.asked import answer_to
from gateway.engine.face import FaceParts
from gateway.settings import Home
from gateway.web.app import make_site
from gateway.web.signin import People
from gateway.web.site import Site

# Who of a rehearsal visits as what. Half-way: with a password, and no code yet; choosing: so too,
# and with a security key as well as an app.
VISITORS: Mapping[str, str] = {
    "sender": "sender of ofsted",
    "recipient": "recipient of dfe",
    "approver": "approver-1 of ofsted",
    "administrator": "administrator of dfe",
    "auditor": "auditor of dfe",
    "half-way": "recipient of panel",
    "choosing": "approver-2 of dfe",
}
NOBODY, HALF_WAY, CHOOSING = "nobody", "half-way", "choosing"
_NOT_IN = (HALF_WAY, CHOOSING)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class NotAsExpected(Exception):
    """The site answered otherwise than the bench wants it: its figures would mean nothing."""


@dataclass(frozen=True)
class OpenedSite:
    """The site, and a client for each of `VISITORS` and for nobody."""

    app: Flask
    parts: FaceParts
    clients: Mapping[str, FlaskClient]
    now: datetime

    def post(self, who: str, path: str, fields: Mapping[str, str], page: str = "") -> str:
        """Send a form, with the token of the page that it is on; where that leads."""
        return _post(self.clients[who], path, fields, page)


@contextmanager
def opened_site(root: Path, now: datetime) -> Iterator[OpenedSite]:
    """Open it, and sign everybody in. Raises NotAsExpected."""
    home = Home(root)
    with open_face(home) as face, open_parts(home, now) as parts:

        def ask(asked: dict[str, Any]) -> dict[str, Any]:
            return answer_to(parts, json.dumps(asked).encode(), now)

        secret = HomeKeys(root).web_secret.read_bytes()
        app = make_site(Site(face, lambda: now, ask, People(face, lambda: now), secret))
        known = {item.who: item for item in read_people(root)}
        clients = {NOBODY: app.test_client()}
        for name, who in VISITORS.items():
            clients[name] = _signed_in(app.test_client, known[who], now, name not in _NOT_IN)
        yield OpenedSite(app, face, clients, now)


def _signed_in(
    make: Callable[[], FlaskClient], shown: Shown, now: datetime, wholly: bool
) -> FlaskClient:
    client = make()
    _post(client, "/sign-in", {"email": shown.email, "password": shown.password})
    if wholly:
        _post(client, "/sign-in/code", {"code": code_now(shown.key, now)})
        if client.get("/account").status_code != 200:
            raise NotAsExpected(f"{shown.who} could not sign in")
    return client


def _post(client: FlaskClient, path: str, fields: Mapping[str, str], page: str = "") -> str:
    found = _TOKEN.search(client.get(page or path).text)
    told = client.post(path, data={**fields, "csrf_token": found[1] if found else ""})
    if told.status_code not in (200, 302, 303):
        raise NotAsExpected(f"{path} gave {told.status_code}")
    return str(told.location or "")
