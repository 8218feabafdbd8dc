"""A form with a file: proven to be ours before the file is read, and never held in memory."""

import hashlib
import io
import re
import tracemalloc

import pytest
from at_the_site import AtTheSite
from flask import Blueprint, render_template_string
from flask.typing import ResponseReturnValue

from gateway.intake.claim import candidates, settled
from gateway.serving.taking import require_room, take
from gateway.web.app import PARTS
from gateway.web.site import site
from gateway.web.uploads import Upload
from gateway.web.visitor import ANYONE, page

BOUNDARY = "a-boundary-of-tests"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
FLOW = "notifications"
SETTLES = 600.0  # seconds: longer than a test may take


def a_taker() -> Blueprint:
    """A page that takes a file, as the sender's does."""
    part = Blueprint("taker", __name__)

    @page(part, "/form", roles=ANYONE)
    def form() -> ResponseReturnValue:
        return render_template_string('<input value="{{ csrf_token() }}">')

    @page(part, "/take", roles=ANYONE, methods=("POST",), streams=True)
    def taken(upload: Upload) -> ResponseReturnValue:
        flow = site().parts.flow(FLOW)
        inbox = require_room(site().parts, flow, None)
        told = take(inbox, flow, upload, None, upload.connection, "web", SETTLES)
        return f"{told.size} {told.sha256} {upload.fields.get('note', '')}"

    return part


@pytest.fixture
def taker(site_set) -> AtTheSite:
    """A site that takes files."""
    return site_set(parts=(*PARTS, a_taker()))


def token_of(at: AtTheSite) -> str:
    """A token of the session."""
    found = re.search('value="([^"]+)"', at.client.get("/form").text)
    assert found is not None
    return found[1]


def field(name: str, value: str) -> bytes:
    """A field of a form."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n".encode()


def file(content: bytes, name: str = "extract.csv") -> bytes:
    """The file of a form, and the form's end."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    return f"{head}Content-Type: text/csv\r\n\r\n".encode() + content + b"\r\n" + END


END = f"--{BOUNDARY}--\r\n".encode()


def waiting(at: AtTheSite) -> list[str]:
    """What lies in the inbox."""
    inbox = at.site.parts.home.inbox_of("ofsted", FLOW)
    return sorted(path.name for path in inbox.iterdir() if path.name != ".gitkeep")


def sent(at: AtTheSite, body: bytes, kind: str = KIND):
    """Send a form."""
    return at.client.post("/take", data=body, content_type=kind)


@pytest.mark.parametrize(
    "content",
    [b"a,b\r\n1,2\r\n", b"\r\n--\r\n-", bytes(range(256)) * 1000, b"x" * 32768 + b"\r\n--a"],
)
def test_a_file_arrives_byte_for_byte(content, taker):
    told = sent(taker, field("csrf_token", token_of(taker)) + field("note", "why") + file(content))
    assert told.text == f"{len(content)} {hashlib.sha256(content).hexdigest()} why"
    [name] = waiting(taker)
    assert name.startswith("web-")
    inbox = taker.site.parts.home.inbox_of("ofsted", FLOW)
    assert (inbox / name).read_bytes() == content
    assert (inbox / name).stat().st_mode & 0o777 == 0o600


def test_what_came_whole_waits_for_nothing(taker):
    """The worker takes it at once: it came by rename, and so need not be seen to stand still."""
    sent(taker, field("csrf_token", token_of(taker)) + file(b"a,b\r\n"))
    parts = taker.site.parts
    patient = parts.settings.model_copy(update={"settle_seconds": SETTLES})
    [found] = candidates(parts.home, patient, "ofsted", FLOW)
    assert settled([found], patient) == ([found], [])


@pytest.mark.parametrize("name", ["../../evil.csv", "a\\\\b", "<script>.csv", "naïve.csv", ""])
def test_its_name_is_not_looked_at(name, taker):
    told = sent(taker, field("csrf_token", token_of(taker)) + file(b"a,b\r\n", name))
    assert told.status_code == 200
    assert re.fullmatch(r"web-[0-9a-f]{32}", waiting(taker)[0])


def test_a_forged_form_is_refused_before_its_file(taker):
    token = token_of(taker)
    for body in (
        file(b"a,b\r\n"),
        field("csrf_token", "forged") + file(b"a,b\r\n"),
        file(b"a,b\r\n")[: -len(END)] + field("csrf_token", token) + END,  # the file came first
    ):
        told = sent(taker, body)
        assert told.status_code == 400
        assert "The form was open for too long" in told.text
    assert waiting(taker) == []


def test_what_breaks_off_or_is_no_form_leaves_nothing(taker):
    start = field("csrf_token", token_of(taker))
    whole = start + file(b"a,b\r\n" * 1000)
    for body, kind in (
        (whole[:2000], KIND),
        (whole[: -len(END)], KIND),
        (start[:20], KIND),
        (b"", KIND),
        (whole, "multipart/form-data"),
        (whole, "text/csv"),
        (b"csrf_token=x", "application/x-www-form-urlencoded"),
        (b"\xff" * 5000, KIND),
    ):
        assert sent(taker, body, kind).status_code == 400, (body[-40:], kind)
    assert waiting(taker) == []


def test_an_empty_file_and_fields_without_end_are_refused(taker):
    token = token_of(taker)
    assert sent(taker, field("csrf_token", token) + file(b"")).status_code == 422
    huge = field("csrf_token", token) + field("note", "x" * 200_000) + file(b"a")
    assert sent(taker, huge).status_code == 413
    many = field("csrf_token", token) + field("note", "x") * 60 + file(b"a")
    assert sent(taker, many).status_code == 413
    assert waiting(taker) == []


class Endless(io.RawIOBase):
    """A form whose file is made while it is read."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head, self._left = head, size

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:
        block = self._head[: len(into)] or b"\0" * min(len(into), self._left)
        if self._head:
            self._head = self._head[len(block) :]
        else:
            self._left -= len(block)
        into[: len(block)] = block
        return len(block)


def test_a_large_file_takes_no_memory_and_stops_at_the_flow_s_limit(rehearsal_home, site_set):
    limit = 24 * 1024 * 1024
    [agreement] = (rehearsal_home / "config" / "agreements").glob("*.toml")
    before = "files = { "
    text = agreement.read_text().replace(before, f"{before}maximum_bytes = {limit}, ")
    agreement.write_text(text)
    taker = site_set(parts=(*PARTS, a_taker()))
    head = field("csrf_token", token_of(taker)) + file(b"")[: -len(END) - 2]
    body = Endless(head, 2 * limit)
    given = {
        "wsgi.input": io.BufferedReader(body),
        "CONTENT_LENGTH": str(len(head) + 2 * limit),
        "CONTENT_TYPE": KIND,
    }
    tracemalloc.start()
    told = taker.client.post("/take", environ_overrides=given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told.status_code == 413
    assert f"{limit:,} bytes" in told.text
    assert peak < limit // 3
    assert waiting(taker) == []


def test_a_page_that_takes_a_file_takes_nothing_else():
    with pytest.raises(ValueError, match="POST"):
        page(Blueprint("odd", __name__), "/odd", roles=ANYONE, streams=True)
