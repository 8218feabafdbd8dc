"""From a request to what decides, and back: a view takes bytes and headers apart, no more."""

import json
from collections.abc import Callable, Mapping

from flask import Response, request
from pydantic import ValidationError

from gateway.api import asking, collecting, standing, upload
from gateway.api.callers import Caller
from gateway.api.face import Face
from gateway.api.openapi import document
from gateway.api.problem import Problem
from gateway.api.shapes import HealthShape, ReceiptBody, Shape, TakenShape
from gateway.serving.content import connection
from gateway.serving.taking import require_room, take

_NO_LIMIT = 1 << 62
OpenView = Callable[[Face], Response]
View = Callable[..., Response]  # of a face, a caller, and the ids of the route


def _json(shape: Shape, status: int = 200) -> Response:
    return Response(shape.model_dump_json() + "\n", status, mimetype="application/json")


# --- for anybody ---------------------------------------------------------------------------------

_DOCUMENT = json.dumps(document(), indent=1) + "\n"


def _document(_face: Face) -> Response:
    return Response(_DOCUMENT, mimetype="application/json")


def _health(face: Face) -> Response:
    answers = asking.worker_answers(face)
    return _json(HealthShape(ok=answers, worker="answers" if answers else "absent"))


# --- packages ------------------------------------------------------------------------------------


def _packages(face: Face, caller: Caller) -> Response:
    return _json(collecting.listed(face, caller))


def _package(face: Face, caller: Caller, package: str) -> Response:
    return _json(collecting.shape(collecting.require(face, caller, package)))


def _manifest(face: Face, caller: Caller, package: str) -> Response:
    ours = collecting.require(face, caller, package)
    return Response(collecting.manifest(face, ours), mimetype="application/json")


def _signature(face: Face, caller: Caller, package: str) -> Response:
    ours = collecting.require(face, caller, package)
    return Response(collecting.signature(face, ours), mimetype="text/plain")


def _content(face: Face, caller: Caller, package: str) -> Response:
    return collecting.content(face, caller, collecting.require(face, caller, package))


# --- what the worker does ------------------------------------------------------------------------


def _password(face: Face, caller: Caller, package: str) -> Response:
    return _json(asking.password(face, caller, package))


def _receipt(face: Face, caller: Caller, package: str) -> Response:
    body = _receipt_body()
    return _json(asking.receipt(face, caller, package, body), 201)


def _receipt_body() -> ReceiptBody:
    if not request.is_json:
        raise Problem(
            415,
            "body.not-json",
            "The body is not JSON.",
            "Send it with Content-Type: application/json.",
        )
    try:
        return ReceiptBody.model_validate_json(request.get_data(cache=False))
    except ValidationError as error:
        wrong = sorted({".".join(map(str, item["loc"])) or "the body" for item in error.errors()})
        known = [name for name in wrong if name in ReceiptBody.model_fields] or ["the body"]
        raise Problem(
            422,
            "body.invalid",
            f"Not as it should be: {', '.join(known)}.",
            "Send a JSON object with the members `receipt` and `signature`, both text.",
        ) from error


def _withdraw(face: Face, caller: Caller, drop: str) -> Response:
    return _json(asking.withdraw(face, caller, drop))


# --- drops ---------------------------------------------------------------------------------------


def _send(face: Face, caller: Caller) -> Response:
    flow = upload.require_sender(face, caller)
    request.max_content_length = _NO_LIMIT  # the flow's own holds, and is counted as it comes
    length = request.content_length
    inbox = require_room(face.parts, flow, length)
    settle = face.parts.settings.settle_seconds
    taken = take(inbox, flow, request.stream, length, connection(), "api", settle)
    return _json(TakenShape(sha256=taken.sha256, size=taken.size), 202)


def _drops(face: Face, caller: Caller) -> Response:
    return _json(standing.listed_drops(face, caller))


def _drop(face: Face, caller: Caller, drop: str) -> Response:
    return _json(standing.shown_drop(face, caller, drop))


def _status(face: Face, caller: Caller) -> Response:
    return _json(standing.status(face, caller))


def _checkpoint(face: Face, _caller: Caller) -> Response:
    return Response(standing.checkpoint(face), mimetype="text/plain")


OPEN_VIEWS: Mapping[str, OpenView] = {"document": _document, "health": _health}
VIEWS: Mapping[str, View] = {
    "packages": _packages,
    "package": _package,
    "manifest": _manifest,
    "signature": _signature,
    "content": _content,
    "password": _password,
    "receipt": _receipt,
    "send": _send,
    "drops": _drops,
    "drop": _drop,
    "withdraw": _withdraw,
    "status": _status,
    "checkpoint": _checkpoint,
}
