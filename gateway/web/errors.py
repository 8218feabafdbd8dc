"""Every page that says no: what happened, what to do next, and a reference that the log has too."""

from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from gateway.engine.faults import own_words
from gateway.serving.statuses import status_of
from gateway.web.security import MACHINE_PATHS
from gateway.web.visitor import know_visitor, maybe_visitor

_LOG = structlog.get_logger("web")


@dataclass(frozen=True)
class Told:
    """What an error page says. Nothing of the request is repeated on it."""

    status: int
    title: str
    words: tuple[str, ...]


_AGAIN = "Try again later."
_TELL = "If it stays so, tell whoever looks after the gateway, with the reference below."
_BY_STATUS = {
    400: Told(400, "The request makes no sense", ("Go back, and try again.", _TELL)),
    403: Told(403, "You may not do this", ("Go to the home page to see what you can do.",)),
    404: Told(
        404,
        "Page not found",
        (
            "If you typed the address, check that it is right.",
            "If you pasted it, check that you copied all of it.",
        ),
    ),
    405: Told(405, "This page cannot be used that way", ("Go back, and use the page’s buttons.",)),
    413: Told(413, "That is too large", ("Send less, or a smaller file.",)),
    429: Told(429, "Too many requests", ("Wait a minute, and try again.",)),
    500: Told(500, "There is a problem with the gateway", (_AGAIN, _TELL)),
    503: Told(503, "The gateway is busy or being restarted", (_AGAIN, _TELL)),
}
_NOTHING_COUNTS = Told(
    404, "Page not found", ("Nothing that you were granted counts now. The home page says why.",)
)
_FORM_TOO_OLD = Told(
    400,
    "The form was open for too long",
    ("Nothing was done. Go back, reload the page, and send it again.",),
)


def tell_errors(app: Flask) -> None:
    """Answer every error of an app with a page."""
    app.register_error_handler(HTTPException, _by_http)
    app.register_error_handler(Exception, _by_exception)


def _by_http(error: HTTPException) -> Response:
    if isinstance(error, CSRFError):
        know_visitor()
        return _page(_FORM_TOO_OLD, "form.forged-or-old")
    if error.response is not None:  # a redirect, by routing
        return make_response(error.response)
    if error is request.routing_exception and request.path not in MACHINE_PATHS:
        know_visitor()  # no view was found that would have: the page shows them the way on
    status = error.code or 500
    told = _BY_STATUS.get(status) or _BY_STATUS[500 if status >= 500 else 400]
    who = maybe_visitor()
    if status == 404 and who is not None and not who.grants:
        told = _NOTHING_COUNTS
    answer = _page(told, f"http.{told.status}")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _by_exception(error: Exception) -> Response:
    """Words of our own are told; of anything else its kind alone is logged, and nothing is told."""
    own = own_words(error)
    status = status_of(own[0]) if own is not None else None
    if own is None or status is None:
        _LOG.error("failed", reference=reference(), kind=type(error).__name__, code=_code(error))
        return _page(_BY_STATUS[500], "internal")
    code, message, hint = own
    usual = _BY_STATUS.get(status)
    title = usual.title if usual is not None else "This could not be done"
    answer = _page(Told(status, title, tuple(filter(None, (message, hint)))), code)
    wait = 15 if status == 503 else getattr(error, "wait_seconds", None)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def reference() -> str:
    """What the person and the log both have of the request in hand."""
    return str(g.get("reference", ""))


def _page(told: Told, code: str) -> Response:
    g.code = code
    if request.path in MACHINE_PATHS:
        return Response(f"{told.title}\n", told.status, mimetype="text/plain")
    shown: dict[str, Any] = {"told": told, "reference": reference()}
    return make_response(render_template("error.html", **shown), told.status)


def _code(error: Any) -> str:
    code = getattr(error, "code", "")
    return code if isinstance(code, str) else ""
