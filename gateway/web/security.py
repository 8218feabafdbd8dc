"""What every answer of the site carries, and which requests are taken at all."""

import secrets
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request

from gateway.settings import WebSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_BODY = 64 * 1024  # bytes of a form; what takes files says so itself
_MOST_FIELDS = 200
_HSTS = "max-age=63072000; includeSubDomains"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MACHINE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by address, as a rule
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})  # `none`: typed, or from a bookmark

_OF_ALL: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The forgery check of a form reads the referrer, so pages of our own must send it.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


def secure(app: Flask, settings: WebSettings) -> None:
    """Guard an app: limits, hosts, proxies, headers, cookies."""
    tls = settings.origin.startswith("https://")
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=_MOST_FIELDS,
        # Browsers hold `__Host-` to TLS; on loopback without it some refuse such a cookie.
        SESSION_COOKIE_NAME="__Host-gateway" if tls else "gateway",
        SESSION_COOKIE_SECURE=tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/",
        PREFERRED_URL_SCHEME="https" if tls else "http",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=True,
    )

    if tls:
        app.wsgi_app = _as_tls(app.wsgi_app)  # type: ignore[assignment,method-assign]

    @app.before_request
    def begin() -> None:
        g.nonce = secrets.token_urlsafe(18)
        require_known(settings)

    @app.after_request
    def end(answer: Response) -> Response:
        for name, value in _OF_ALL.items():
            answer.headers[name] = value
        answer.headers["Content-Security-Policy"] = policy(str(g.get("nonce", "")))
        if tls:
            answer.headers["Strict-Transport-Security"] = _HSTS
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def _as_tls(inner: "WSGIApplication") -> "WSGIApplication":
    """People came by TLS, whoever ended it: no header that anybody could send says so."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = "https"
        return inner(environ, start)

    return answer


def policy(nonce: str) -> str:
    """The content security policy: our own files, and the one inline script with that nonce."""
    script = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src {script}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def require_known(settings: WebSettings) -> None:
    """The request came by a name of ours, from our proxy where there is one, and by our own pages.

    Raises BadRequest or Forbidden.
    """
    machine = request.path in MACHINE_PATHS
    if not _host_is_ours(settings, request.host) and not (machine and _is_address(request.host)):
        abort(400)
    if machine:
        return
    peer = request.remote_addr or ""
    if settings.behind_proxy and peer not in settings.behind_proxy:
        abort(403)
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method not in _SAFE_METHODS and site not in _OURS:
        abort(403)


def _host_is_ours(settings: WebSettings, host: str) -> bool:
    if settings.origin:
        return host.lower() == urlsplit(settings.origin).netloc.lower()
    return urlsplit(f"//{host}").hostname in _LOOPBACK_NAMES


def _is_address(host: str) -> bool:
    """Whether a host is an IP address: no name of somebody else's can be made to lead to us."""
    try:
        ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def client_address(settings: WebSettings) -> str:
    """The address of whoever asks: as our proxy tells it, or the connection's own.

    The proxy adds the address that it sees at the end; what stands before it anybody may have
    written.
    """
    peer = request.remote_addr or ""
    if peer not in settings.behind_proxy:
        return peer
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return peer


def safe_next(wanted: str | None, otherwise: str = "/") -> str:
    """A place of this site to go on to, taken from a request; ``otherwise`` where it is none."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return otherwise
    if any(character in wanted for character in "\\\r\n\t") or not wanted.isprintable():
        return otherwise
    parts = urlsplit(wanted)
    return otherwise if parts.scheme or parts.netloc else wanted


def attachment(content: bytes, name: str, kind: str) -> Response:
    """An answer that browsers save and never show. ``name``: of our own making, in plain ASCII."""
    if not name.isascii() or not name.replace(".", "").replace("-", "").replace("_", "").isalnum():
        raise ValueError("a download's name is made by the gateway: letters, digits, . - _")
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Content-Length"] = str(len(content))
    return answer
