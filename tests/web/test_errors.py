"""Every page that says no: plain words, a reference that the log has, nothing of the request."""

import json
import re

import pytest
from at_the_site import AtTheSite
from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from structlog.testing import capture_logs

from gateway.engine.door import DoorClosed
from gateway.store.database import StoreFault
from gateway.web.app import PARTS
from gateway.web.visitor import ANYONE, page

CANARY = "canary-7f3a"
STATUSES = (400, 403, 404, 405, 413, 429, 500, 503)


def failing() -> Blueprint:
    """Views that fail, each in its way."""
    part = Blueprint("failing", __name__)

    @page(part, "/abort/<int:status>", roles=ANYONE)
    def aborted(status: int) -> ResponseReturnValue:
        abort(status)

    @page(part, "/fails/<how>", roles=ANYONE)
    def fails(how: str) -> ResponseReturnValue:
        if how == "unknown":
            raise RuntimeError(CANARY)
        if how == "worker":
            raise DoorClosed("The gateway's worker does not answer.")
        raise StoreFault("database.locked", "Another program holds the database.", "Wait.")

    return part


@pytest.fixture
def failed(site_set) -> AtTheSite:
    """A site whose pages fail."""
    return site_set(parts=(*PARTS, failing()))


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_page_in_plain_words_with_a_reference(status, failed):
    with capture_logs() as logs:
        told = failed.client.get(f"/abort/{status}?{CANARY}", headers={"X-Odd": CANARY})
    assert told.status_code == status
    assert told.mimetype == "text/html"
    assert told.text.count("<h1") == 1
    assert CANARY not in told.text
    assert "Traceback" not in told.text
    [reference] = re.findall(r"Reference: <span[^>]*>([0-9a-f]{10})<", told.text)
    [line] = [line for line in logs if line["event"] == "request"]
    assert (line["reference"], line["status"]) == (reference, status)
    assert CANARY not in json.dumps(logs)


def test_of_what_is_not_ours_the_kind_alone_is_logged_and_nothing_is_told(failed):
    with capture_logs() as logs:
        told = failed.client.get("/fails/unknown")
    assert told.status_code == 500
    assert "There is a problem with the gateway" in told.text
    assert CANARY not in told.text + json.dumps(logs)
    [line] = [line for line in logs if line["event"] == "failed"]
    assert line["kind"] == "RuntimeError"
    assert line["reference"] in told.text


@pytest.mark.parametrize(
    ("how", "words"),
    [("worker", "worker does not answer"), ("database", "Another program holds the database.")],
)
def test_our_own_words_are_told_with_when_to_try_again(how, words, failed):
    told = failed.client.get(f"/fails/{how}")
    assert told.status_code == 503
    assert words in told.text.replace("&#39;", "'")
    assert told.headers["Retry-After"] == "15"


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE", "OPTIONS"])
def test_a_method_that_is_not_taken_says_which_are(method, at):
    told = at.client.open("/", method=method)
    assert told.status_code == 405
    assert "GET" in told.headers["Allow"]


@pytest.mark.parametrize("path", ["/<script>alert(1)</script>", "/%3Cb%3E", "/" + "a" * 1500])
def test_an_address_that_is_not_there_is_not_repeated(path, at):
    told = at.client.get(path)
    assert told.status_code == 404
    assert "alert(1)" not in told.text
    assert "<b>" not in told.text
    assert "aaaa" not in told.text


def test_the_pages_name_no_version_of_anything(at):
    told = at.client.get("/nothing")
    assert not re.search(r"werkzeug|flask|gunicorn|python", told.text, re.IGNORECASE)
