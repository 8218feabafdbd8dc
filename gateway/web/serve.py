"""The site as a process of its own (`gateway.serving.process`)."""

from contextlib import AbstractContextManager
from pathlib import Path

from flask import Flask

from gateway.crypto.credentials import secret_file
from gateway.crypto.keys import HomeKeys
from gateway.engine.face import FaceParts
from gateway.engine.webtls import require_safe
from gateway.serving import process
from gateway.settings import Home, SettingsFault, WebSettings
from gateway.web.app import make_site
from gateway.web.signin import People
from gateway.web.site import open_site, utc_now


def serve(
    listen: str, settings: WebSettings, home: Home, open_parts: AbstractContextManager[FaceParts]
) -> None:
    """Serve the site on ``host:port`` until SIGTERM; see `process.serve`.

    Raises SettingsFault where people off this computer would reach it without TLS.
    """
    require_safe(home, settings, listen)
    secret = _secret(home)

    def app(parts: FaceParts) -> Flask:
        return make_site(open_site(parts, People(parts, utc_now), secret))

    serving = process.Serving("web", listen, settings.threads, _refusal, _tls(home, settings))
    process.serve(serving, app, open_parts)


def _secret(home: Home) -> bytes:
    try:
        return secret_file(HomeKeys(home.root).web_secret)[0].read_bytes()
    except FileNotFoundError as error:
        raise SettingsFault(
            "web.no-secret",
            "There is no keys/web.secret, the web site's own.",
            "Run `init`: it makes what this version needs, and keeps what is there.",
        ) from error


def _tls(home: Home, settings: WebSettings) -> process.Tls | None:
    if not settings.certificate:
        return None
    return process.Tls(Path(home.root, settings.certificate), Path(home.root, settings.key))


_REFUSED = {
    True: ("400 Bad Request", "The request is no HTTP/1.1 of ordinary size.\n"),
    False: ("500 Internal Server Error", "The gateway failed. Try again later.\n"),
}


def _refusal(known: bool) -> bytes:
    status, words = _REFUSED[known]
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(words)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return (head + words).encode("ascii")
