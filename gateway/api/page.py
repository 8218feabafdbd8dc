"""Writes docs/api.md from the OpenAPI document: ``python -m gateway.api.page > docs/api.md``."""

import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from gateway.api.openapi import WHY, document, statuses
from gateway.api.routes import PREFIX, ROUTES, Route

_HEAD = f"""# The HTTP API

<!-- Made by `python -m gateway.api.page > docs/api.md`; change the table in gateway/api/routes.py. -->

With the API a party's own programs list, fetch and acknowledge packages, and drop files. It runs with `gateway run` where
[`api.listen`](settings.md) names an address, or with `run --api HOST:PORT`. A running gateway gives its own description,
OpenAPI 3.1, at `{PREFIX}/openapi.json`. `python -m gateway client` is a ready client for scheduled jobs.

The API's process holds no private key and no home key: it serves sealed bytes, and asks the worker, over a local socket, for
passwords, receipts and withdrawals. It stores nothing but drops, as files that the worker's user alone can read.

## Tokens

Every request but the first two below needs the header `Authorization: Bearer PREFIX.SECRET`. An administrator makes a token with
`gateway token make`, for one party and one flow, with the scopes that it needs and no more. It is told once; the gateway keeps a
hash. A token that is absent, malformed, unknown, expired or revoked is answered alike: `401`, code `token.refused`. What belongs to
another party or flow is answered as what does not exist. A token may ask `api.requests_per_minute` times a minute (600); after that
the answer is `429` with `Retry-After`.

```console
$ export GATEWAY=https://gateway.example AUTH='Authorization: Bearer 0123456789abcdef.…'
$ curl -H "$AUTH" $GATEWAY{PREFIX}/packages
$ curl -H "$AUTH" -O -J -C - $GATEWAY{PREFIX}/packages/notifications-2026-03-02-01/content
$ curl -H "$AUTH" -X POST $GATEWAY{PREFIX}/packages/notifications-2026-03-02-01/password
$ curl -H "$AUTH" --data-binary @monday.csv -H 'Content-Type: application/octet-stream' $GATEWAY{PREFIX}/drops
```

## What there is
"""
_TAIL = """
## When something is not done

The body is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `hint`, and a `code` to tell programs
apart by. A `500` holds no details; they are in the gateway's log.

| status | when |
|---|---|
{statuses}

## Downloads

`content` takes one `Range` and `If-Range` (RFC 9110). `ETag` is the file's SHA-256, and `Repr-Digest` (RFC 9530) says it too. A
download that broke off is gone on with, as `curl -C -` does; use the same token, since a package counts as collected once every
byte has arrived with one token. Arrived means acknowledged by the other end of the connection, not merely handed to the kernel.

## Limits

| what | limit |
|---|---|
| a drop | what the agreement allows the flow (`files.maximum_bytes`), told by `413` before or while it arrives |
| any other body | 64 KiB |
| files that wait in one inbox | 1,000, then `429` |
| a request's head | 20 seconds, 2,048 bytes of request line, 40 headers |
| a body or an answer | at least 32 KiB in any 30 seconds, or the connection is cut; nothing is left of a drop that broke off |
| requests in hand at once | `api.threads` (8); others wait |
| those of one token | `api.requests_at_once` (6), then `429`, code `rate.at-once` |

## Before it: TLS

The API speaks plain HTTP and belongs behind a proxy that ends TLS, on the same host or a private network. The proxy must pass
requests on as they come and answers without buffering (nginx: `proxy_request_buffering off; proxy_buffering off;`): bytes that
lie in a proxy would else count as collected, and a drop would lie there in the clear. It must pass `Authorization`, `Range`,
`If-Range` and `Expect`, and log no `Authorization`. With `allowed_owners` set, list the user that the API runs as.
"""


def page() -> str:
    """The whole page."""
    described = document()
    parts = [_HEAD, *_overview()]
    for route in ROUTES:
        parts += ["", *_route(route, described)]
    parts += ["", "## What is sent and taken", *_shapes(described)]
    told = "\n".join(f"| {status} | {words} |" for status, words in WHY.items())
    return "\n".join(parts) + "\n" + _TAIL.format(statuses=told)


def _overview() -> Iterator[str]:
    yield "| ask | scope | what |"
    yield "|---|---|---|"
    for route in ROUTES:
        scope = f"`{route.scope}`" if route.scope else "anybody"
        yield f"| [`{route.method} {route.path}`](#{route.name}) | {scope} | {route.summary} |"


def _route(route: Route, described: dict[str, Any]) -> Iterator[str]:
    yield f"### {route.name}"
    yield ""
    yield f"`{route.method} {PREFIX}{route.path}`: {route.summary[0].lower()}{route.summary[1:]}."
    if route.words:
        yield from textwrap.wrap(route.words, 130, break_long_words=False)
    told = described["paths"][PREFIX + route.path][route.method.lower()]
    if body := told.get("requestBody"):
        yield f"Takes {_content(body)}."
    yield (
        f"Answers `{route.status}` with {_content(told['responses'][str(route.status)])}; "
        f"otherwise {', '.join(f'`{status}`' for status in statuses(route))}."
    )


def _content(told: dict[str, Any]) -> str:
    [(kind, item)] = told["content"].items()
    name = item.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return _link(name) if name else f"`{kind}`"


def _link(shape: str) -> str:
    return f"[{_title(shape)}](#{_title(shape).lower()}-json)"


def _title(shape: str) -> str:
    return shape.removesuffix("Shape").removesuffix("Body")


def _shapes(described: dict[str, Any]) -> Iterator[str]:
    for name, schema in described["components"]["schemas"].items():
        yield from ("", f"### {_title(name)} (JSON)", "", schema["description"], "")
        yield from ("| member | kind | what |", "|---|---|---|")
        for member, told in schema["properties"].items():
            yield f"| `{member}` | {_kind(told)} | {told.get('description', '')} |"


def _kind(told: dict[str, Any]) -> str:
    if "anyOf" in told:
        return " or ".join(_kind(one) for one in told["anyOf"])
    if "$ref" in told:
        return _link(told["$ref"].rpartition("/")[2])
    if told.get("type") == "array":
        return f"list of {_kind(told['items'])}"
    if "enum" in told:
        return ", ".join(f"`{one}`" for one in told["enum"])
    if "const" in told:
        return f"`{told['const']}`"
    return {"date-time": "time", "date": "date"}.get(told.get("format", ""), _KINDS[told["type"]])


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "nothing",
    "object": "numbers by name",
}

if __name__ == "__main__":
    sys.stdout.write(page())
