"""How much of every page is transferred: to a new visitor, and to one who has its files already."""

import re

import pytest
from at_the_site import AtTheSite

from gateway.web.assets import FOLDER, Assets

UNCACHED, CACHED = 250 * 1024, 30 * 1024  # bytes
ROLES = ("sender", "recipient", "approver", "administrator", "auditor")
MOST_PAGES = 150


def links(page: str) -> set[str]:
    """Where a page leads within the site, without what is downloaded."""
    found = re.findall(r'<a [^>]*href="(/[^"#?]*)"(?![^>]*download)', page)
    return {href.replace("&amp;", "&") for href in found if not href.startswith("/static/")}


def every_page(at: AtTheSite) -> dict[str, int]:
    """Every page that can be reached from the first one, with its bytes."""
    weights: dict[str, int] = {}
    to_see = ["/", "/health/now"]
    while to_see and len(weights) < MOST_PAGES:
        path = to_see.pop()
        if path in weights:
            continue
        answer = at.client.get(path, follow_redirects=True)
        assert answer.status_code < 500, path
        weights[path] = len(answer.data) if answer.mimetype == "text/html" else 0
        if answer.mimetype == "text/html":
            to_see += sorted(links(answer.text) - set(weights))
    return weights


@pytest.mark.slow
@pytest.mark.parametrize("party", ["ofsted", "dfe"])
def test_no_page_is_heavy(party, lived_in):
    assets = Assets()
    names = (path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
    files = 0
    with lived_in.app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        for name in names:
            if not name.split("/")[-1].startswith("LICENCE"):
                files += len(assets.served(assets.version, name).data)
    for role in ROLES:
        lived_in.sign_in((party, "*", role))
        weights = every_page(lived_in)
        assert any(path.startswith("/health/") for path in weights)
        for path, weight in weights.items():
            assert weight <= CACHED, f"{path} as {role}: {weight} bytes"
            assert weight + files <= UNCACHED, f"{path} as {role}: {weight + files} bytes"
