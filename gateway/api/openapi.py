"""The OpenAPI 3.1 document, made from the table of routes and the shapes."""

from typing import Any

from pydantic.json_schema import models_json_schema

from gateway import __version__
from gateway.api.routes import IDS, PREFIX, ROUTES, Route
from gateway.api.shapes import SHAPES, ProblemShape

_SCHEMAS = "#/components/schemas/"
WHY = {
    400: "The request is malformed, or its body broke off",
    401: "There is no good token; whatever is wrong with it, the answer is the same",
    403: "The token was not made for this",
    404: "There is nothing of that id for this token",
    409: "It does not fit how the thing stands",
    410: "The package was recalled or superseded, and is no longer served",
    412: "`If-Match` names other bytes than there are",
    413: "The body is too large",
    415: "The body is not JSON",
    416: "The range lies outside the file",
    422: "The body makes no sense, or the receipt is not good",
    429: "Too many requests; `Retry-After` says how many seconds to wait",
    500: "The gateway failed; the answer holds no details",
    503: "The gateway's worker or database does not answer just now",
    507: "The gateway has no room left",
}
_OF_ALL = (500, 503)
_OF_TOKENS = (401, 403, 429)


def document() -> dict[str, Any]:
    """The whole description, as plain data."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The gateway",
            "version": __version__,
            "description": "Collect, open and acknowledge packages, and drop files, by program.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`PREFIX.SECRET`, as `gateway token make` tells it once.",
                }
            },
        },
    }


def statuses(route: Route) -> list[int]:
    """Every refusal that a route may answer with."""
    tokens = _OF_TOKENS if route.scope else ()
    return sorted({*_OF_ALL, *tokens, *route.refusals})


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": route.name, "summary": route.summary}
    if route.words:
        told["description"] = route.words
    told["security"] = [{"token": []}] if route.scope else []
    if route.scope:
        told["x-scope"] = route.scope
    told["parameters"] = [_id(name) for name in route.ids] + _headers(route)
    if route.body is not None:
        told["requestBody"] = _body(route)
    told["responses"] = {str(route.status): _answer(route)} | {
        str(status): _refusal(status) for status in statuses(route)
    }
    if route.name == "content":
        told["responses"]["206"] = _answer(route) | {"description": "The bytes asked for"}
    return told


def _id(name: str) -> dict[str, Any]:
    pattern, words = IDS[name]
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _headers(route: Route) -> list[dict[str, Any]]:
    if route.name != "content":
        return []
    told = {
        "Range": "such as `bytes=1000-`; one range",
        "If-Range": "the `ETag` of the bytes that are there already",
        "If-Match": "the `ETag` that the file must have",
    }
    return [
        {"name": name, "in": "header", "description": words, "schema": {"type": "string"}}
        for name, words in told.items()
    ]


def _body(route: Route) -> dict[str, Any]:
    if route.body == "bytes":
        return {"required": True, "content": {"application/octet-stream": {}}}
    return {"required": True, "content": {"application/json": {"schema": _schema(route.body)}}}


def _answer(route: Route) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "bytes": {"application/octet-stream": {}},
        "text": {"text/plain": {"schema": {"type": "string"}}},
        "document": {"application/json": {"schema": {"type": "object"}}},
    }
    if route.name == "manifest":
        content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    elif isinstance(route.answer, str):
        content = kinds[route.answer]
    else:
        content = {"application/json": {"schema": _schema(route.answer)}}
    return {"description": route.summary, "content": content}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _schema(ProblemShape)}}
    return {"description": WHY[status], "content": content}


def _schema(shape: Any) -> dict[str, str]:
    return {"$ref": f"{_SCHEMAS}{shape.__name__}"}


def _schemas() -> dict[str, Any]:
    modes = [(shape, "serialization") for shape in SHAPES]
    _, told = models_json_schema(modes, ref_template=f"{_SCHEMAS}{{model}}")  # type: ignore[arg-type]
    return dict(told["$defs"])
