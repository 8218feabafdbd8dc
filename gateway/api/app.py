"""The Flask app: the table of routes, every answer's headers, and every error as problem+json."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map

from gateway.api.face import Face
from gateway.api.problem import Problem, internal, problem_of
from gateway.api.routes import IDS, ROUTES, Route
from gateway.api.views import OPEN_VIEWS, VIEWS
from gateway.serving.content import connection
from gateway.serving.headway import HEADWAY, WORK_SECONDS

LARGEST_BODY = 64 * 1024  # bytes; a drop has its flow's own limit
_ENDING_SECONDS = 5.0
_OF_ALL = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_LOG = structlog.get_logger("api")


def make_app(face: Face) -> Flask:
    """The app over those parts."""
    app = Flask("gateway.api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.merge_slashes = False
    _know_ids(app.url_map)
    for route in ROUTES:
        app.add_url_rule(
            route.rule,
            route.name,
            _handler(face, route),
            methods=[route.method],
            provide_automatic_options=False,
            strict_slashes=True,
        )
    app.register_error_handler(Problem, lambda problem: problem.response())
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(Exception, _failed)
    app.before_request(_begin)
    app.after_request(_end)
    return app


def _know_ids(rules: Map) -> None:
    for name, (pattern, _) in IDS.items():
        known = {"regex": pattern, "part_isolating": True}
        rules.converters[name] = type(f"{name.title()}Id", (BaseConverter,), known)


def _handler(face: Face, route: Route) -> Callable[..., Response]:
    """Let the caller in, wait for what its last download still has to count, and answer."""

    def answer(**ids: str) -> Response:
        if route.scope is None:
            return OPEN_VIEWS[route.name](face)
        caller = face.callers.admit(request.headers.get("Authorization"), route.scope)
        g.caller = caller.id
        if not face.at_once.begin(caller.id):
            raise _TOO_MANY
        try:
            if route.name != "content":
                face.ending.wait(caller.id, ids.get("package"), _ENDING_SECONDS)
            told = VIEWS[route.name](face, caller, **ids)
        except BaseException:
            face.at_once.end(caller.id)
            raise
        told.call_on_close(lambda: face.at_once.end(caller.id))  # a download is in hand till then
        return told

    return answer


_TOO_MANY = Problem(
    429,
    "rate.at-once",
    "The token has too many requests in hand at once.",
    "Wait until one of them is answered, and ask for less at once.",
    {"Retry-After": "1"},
)


def _begin() -> None:
    g.started = time.monotonic()
    HEADWAY.give(connection(), WORK_SECONDS)


def _end(answer: Response) -> Response:
    for name, value in _OF_ALL.items():
        answer.headers[name] = value
    _LOG.info(
        "request",
        method=request.method,
        route=request.endpoint,
        status=answer.status_code,
        caller=g.get("caller"),
        milliseconds=round((time.monotonic() - g.started) * 1000),
    )
    return answer


def _refused_by_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return internal().response()
    code, words, hint = _HTTP.get(status, _HTTP[400])
    kept = ("Allow",)
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return Problem(status, code, words, hint, headers).response()


_SEE = "See /api/v1/openapi.json for what there is."
_HTTP = {
    400: ("request.malformed", "The request makes no sense.", _SEE),
    404: ("route.unknown", "There is nothing at this address.", _SEE),
    405: ("method.not-allowed", "This address does not take that method.", _SEE),
    413: ("body.too-large", f"The body has more than {LARGEST_BODY:,} bytes.", "Send less."),
}


def _failed(error: Exception) -> Response:
    """Words of our own are told; of anything else only its kind is logged, and nothing is told."""
    problem = problem_of(error)
    if problem.status >= 500:
        _LOG.error("failed", route=request.endpoint, code=_code(error), kind=type(error).__name__)
    return problem.response()


def _code(error: Any) -> str:
    code = getattr(error, "code", "")
    return code if isinstance(code, str) else ""
