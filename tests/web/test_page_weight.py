"""How much of every page is transferred: to a new visitor, and to one who has its files already."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from signing_in import Doorway, doorway_over

from gateway.agreement.windows import LONDON
from gateway.web.assets import FOLDER, Assets

UNCACHED, CACHED = 250 * 1024, 30 * 1024  # bytes
PEOPLE = (
    "sender of ofsted",
    "recipient of dfe",
    "recipient of panel",
    "approver-1 of ofsted",
    "administrator of dfe",
    "auditor of dfe",
)
MOST_PAGES = 150
_LINK = re.compile(r'<a [^>]*href="(/[^"#?]*)"(?![^>]*download)')


@pytest.fixture
def at(lived_in_home: Path) -> Iterator[Doorway]:
    """The site with its real sign-in, over a home that was lived in."""
    with doorway_over(lived_in_home) as made:
        made.now = datetime(2026, 11, 27, 17, 30, tzinfo=LONDON)
        yield made


def every_page(client: FlaskClient) -> dict[str, int]:
    """Every page that links lead to from the first one, with its bytes."""
    weights: dict[str, int] = {}
    to_see = ["/", "/health/now"]
    while to_see and len(weights) < MOST_PAGES:
        path = to_see.pop()
        if path in weights:
            continue
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code < 500 or answer.status_code == 503, path  # no worker is here
        weights[path] = len(answer.data) if answer.mimetype == "text/html" else 0
        if answer.mimetype == "text/html":
            links = {href.replace("&amp;", "&") for href in _LINK.findall(answer.text)}
            to_see += sorted(links - set(weights))
    return weights


def weight_of_files(at: Doorway) -> int:
    """The bytes of all style sheets, scripts and images, as they are transferred."""
    assets = Assets()
    names = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()]
    with at.app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        return sum(
            len(assets.served(assets.version, name).data) for name in names if "LICENCE" not in name
        )


@pytest.mark.slow
@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_is_heavy(who: str, at: Doorway) -> None:
    person = at.person(who)
    person.sign_in()
    files = weight_of_files(at)
    weights = every_page(person.client)
    assert "/account" in weights
    assert any(path.startswith("/health/") for path in weights)
    for path, weight in weights.items():
        assert weight <= CACHED, f"{path}: {weight} bytes"
        assert weight + files <= UNCACHED, f"{path}: {weight + files} bytes with all files"
