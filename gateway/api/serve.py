"""The API as a process of its own (`gateway.serving.process`)."""

from contextlib import AbstractContextManager

from flask import Flask

from gateway.api.app import make_app
from gateway.api.face import make_face
from gateway.api.problem import Problem, internal
from gateway.engine.face import FaceParts
from gateway.serving import process
from gateway.settings import ApiSettings

_NO_HTTP = Problem(
    400, "request.malformed", "The request is no HTTP/1.1 of ordinary size.", "Mend the client."
)


def serve(
    listen: str, settings: ApiSettings, open_parts: AbstractContextManager[FaceParts]
) -> None:
    """Serve the API on ``host:port`` until SIGTERM; see `process.serve`."""
    process.serve(process.Serving("api", listen, settings.threads, _refusal), _app, open_parts)


def _app(parts: FaceParts) -> Flask:
    return make_app(make_face(parts))


def _refusal(known: bool) -> bytes:
    answer = (_NO_HTTP if known else internal()).response()
    body = answer.get_data()
    head = (
        f"HTTP/1.1 {answer.status}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode("ascii") + body
