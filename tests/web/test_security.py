"""What every answer carries, and which requests are taken at all."""

import re
from types import SimpleNamespace

import pytest
from at_the_site import AtTheSite
from flask import Blueprint, render_template_string, request
from flask.typing import ResponseReturnValue

from gateway.settings import WebSettings
from gateway.web.app import PARTS
from gateway.web.security import LARGEST_BODY, attachment, client_address, safe_next
from gateway.web.visitor import ANYONE, page

TLS = '[web]\norigin = "https://gateway.example"\nbehind_proxy = ["127.0.0.1"]\n'
_FORM = '<form method="post"><input name="csrf_token" value="{{ csrf_token() }}"></form>'
_TOKEN = re.compile(r'value="([^"]+)"')


def a_form() -> Blueprint:
    """A form that changes something."""
    part = Blueprint("form", __name__)

    @page(part, "/form", roles=ANYONE, methods=("GET", "POST"))
    def form() -> ResponseReturnValue:
        if request.method == "POST":
            return f"taken {len(request.form)}"
        return render_template_string(_FORM)

    @page(part, "/whence", roles=ANYONE)
    def whence() -> ResponseReturnValue:
        return request.scheme

    return part


@pytest.fixture
def formed(site_set) -> AtTheSite:
    """A site with a form."""
    return site_set(parts=(*PARTS, a_form()))


def token_of(at: AtTheSite, **more: object) -> str:
    """The form's own token."""
    found = _TOKEN.search(at.client.get("/form", **more).text)
    assert found is not None
    return found[1]


def test_every_page_carries_the_headers_and_is_not_stored(at):
    for path in ("/", "/nothing-here", "/healthz", "/metrics"):
        headers = at.client.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers, "there is no TLS"


def test_the_policy_lets_nothing_inline_run_but_the_one_line_of_that_answer(at):
    one, two = at.client.get("/"), at.client.get("/")
    policy = one.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for word in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert word in policy
    nonces = [
        re.findall(r"'nonce-([^']+)'", it.headers["Content-Security-Policy"]) for it in (one, two)
    ]
    assert nonces[0] != nonces[1]
    assert re.findall(r'<script nonce="([^"]+)"', one.text) == nonces[0]
    assert "style=" not in one.text
    assert "<style" not in one.text


def test_by_tls_cookies_are_held_to_the_host_and_transport_is_strict(site_set):
    at = site_set(TLS, parts=(*PARTS, a_form()))
    told = at.client.get("/form", base_url="https://gateway.example")
    assert told.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    cookie = told.headers["Set-Cookie"]
    assert cookie.startswith("__Host-gateway=")
    for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    assert at.client.get("/whence", base_url="http://gateway.example").text == "https"


def test_on_loopback_without_tls_the_cookie_is_plain(formed):
    cookie = formed.client.get("/form").headers["Set-Cookie"]
    assert cookie.startswith("gateway=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "gateway.example"])
def test_a_request_for_another_name_is_refused_on_loopback(host, at):
    assert at.client.get("/", base_url=f"http://{host}").status_code == 400


@pytest.mark.parametrize("host", ["localhost:8481", "127.0.0.1:8481", "[::1]:8481"])
def test_loopback_names_are_ours(host, at):
    assert at.client.get("/", base_url=f"http://{host}").status_code == 200


def test_with_an_origin_only_its_name_is_ours_and_only_the_proxy_is_let_in(site_set):
    at = site_set(TLS)
    assert at.client.get("/", base_url="http://gateway.example").status_code == 200
    assert at.client.get("/", base_url="http://localhost").status_code == 400
    other = {"REMOTE_ADDR": "192.0.2.7"}
    refused = at.client.get("/", base_url="http://gateway.example", environ_overrides=other)
    assert refused.status_code == 403


def test_a_write_without_its_token_or_with_a_forged_one_does_nothing(formed):
    good = token_of(formed)
    for data in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}, {"csrf_token": good[:-1]}):
        told = formed.client.post("/form", data=data)
        assert told.status_code == 400
        assert "The form was open for too long" in told.text
    assert formed.client.post("/form", data={"csrf_token": good}).text == "taken 1"


def test_a_token_of_another_session_is_forged(formed):
    other = formed.app.test_client()
    stolen = token_of(SimpleNamespace(client=other))
    token_of(formed)
    assert formed.client.post("/form", data={"csrf_token": stolen}).status_code == 400


def test_by_tls_a_write_comes_from_our_own_pages(site_set):
    at = site_set(TLS, parts=(*PARTS, a_form()))
    here = {"base_url": "https://gateway.example"}  # the test client's cookies go by it alone
    data = {"csrf_token": token_of(at, **here)}
    for headers, status in (
        ({"Referer": "https://gateway.example/form"}, 200),
        ({"Referer": "https://evil.example/"}, 400),
        ({}, 400),
        ({"Referer": "https://gateway.example/form", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Referer": "https://gateway.example/form", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Referer": "https://gateway.example/form", "Sec-Fetch-Site": "same-origin"}, 200),
    ):
        told = at.client.post("/form", data=data, headers=headers, **here)
        assert told.status_code == status, headers


def test_a_form_that_is_too_large_is_refused(formed):
    data = {"csrf_token": token_of(formed), "text": "x" * LARGEST_BODY}
    assert formed.client.post("/form", data=data).status_code == 413
    many = {"csrf_token": data["csrf_token"], **{f"field-{n}": "" for n in range(300)}}
    told = formed.client.post("/form", data=many, content_type="multipart/form-data")
    assert told.status_code == 413


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "evil",
        "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)", "", None,
        "/a\r\nSet-Cookie: x",
        "http:/evil.example", "/\x00", " /home",
    ],
)  # fmt: skip
def test_a_place_that_is_not_ours_is_not_gone_to(wanted):
    assert safe_next(wanted) == "/"
    assert safe_next(wanted, "/health") == "/health"


@pytest.mark.parametrize("wanted", ["/", "/ofsted/notifications/send?day=2026-03-02", "/a//b"])
def test_a_place_of_ours_is_gone_to(wanted):
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("192.0.2.9", None, "192.0.2.9"),
        ("192.0.2.9", "203.0.113.5", "192.0.2.9"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
    ],
)
def test_only_our_proxy_says_who_asks(peer, told, client, at):
    settings = WebSettings(behind_proxy=("10.0.0.1",))
    headers = {"X-Forwarded-For": told} if told else {}
    with at.app.test_request_context(headers=headers, environ_overrides={"REMOTE_ADDR": peer}):
        assert client_address(settings) == client


def test_a_download_is_saved_and_never_shown():
    answer = attachment(b"a,b\n", "findings-2026-03-02.csv", "text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="findings-2026-03-02.csv"'
    for name in ('a"b.csv', "a\r\nb.csv", "../a.csv", "naïve.csv", ""):
        with pytest.raises(ValueError, match="made by the gateway"):
            attachment(b"", name, "text/csv")
