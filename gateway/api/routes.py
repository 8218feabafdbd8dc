"""The one table of what the API answers: app, OpenAPI document and page are made of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.access.tokens import Scope
from gateway.api.shapes import (
    DROP_ID,
    PACKAGE_ID,
    DropShape,
    DropsShape,
    HealthShape,
    PackageShape,
    PackagesShape,
    PasswordShape,
    ReceiptBody,
    RecordedShape,
    Shape,
    StatusShape,
    TakenShape,
    WithdrawnShape,
)

PREFIX = "/api/v1"
IDS: Mapping[str, tuple[str, str]] = {
    "package": (PACKAGE_ID, "the package's id, such as `notifications-2026-03-02-01`"),
    "drop": (DROP_ID, "the drop's id, such as `20260302-0123456789ab`"),
}
_NAMED = re.compile(r"{([a-z]+)}")
Bytes = Literal["bytes", "text"]
Answer = type[Shape] | Bytes | Literal["document"]


@dataclass(frozen=True)
class Route:
    """One thing that can be asked.

    ``path`` comes after `PREFIX`; ``scope`` None lets anybody ask; ``refusals`` are statuses of its
    own, beside those of every route.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    scope: Scope | None
    summary: str
    answer: Answer
    status: int = 200
    body: type[Shape] | Literal["bytes"] | None = None
    words: str = ""
    refusals: tuple[int, ...] = ()
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(_NAMED.findall(self.path)))

    @property
    def rule(self) -> str:
        """The path as Flask writes it; ids that do not have their form match nothing."""
        return PREFIX + _NAMED.sub(r"<\1:\1>", self.path)


ROUTES: tuple[Route, ...] = (
    Route("document", "GET", "/openapi.json", None, "This description, OpenAPI 3.1", "document"),
    Route("health", "GET", "/health", None, "Whether the gateway answers", HealthShape),
    Route(
        "packages",
        "GET",
        "/packages",
        "collect",
        "The packages that can be fetched",
        PackagesShape,
        words="Those of the token's party and flow, oldest first, fetched before or not.",
    ),
    Route(
        "package",
        "GET",
        "/packages/{package}",
        "collect",
        "One package",
        PackageShape,
        refusals=(404, 410),
    ),
    Route(
        "manifest",
        "GET",
        "/packages/{package}/manifest",
        "collect",
        "Its manifest",
        "bytes",
        words="The very bytes that were signed.",
        refusals=(404, 410),
    ),
    Route(
        "signature",
        "GET",
        "/packages/{package}/manifest.asc",
        "collect",
        "The manifest's signature",
        "text",
        words="Detached and armoured, by the gateway's signing key.",
        refusals=(404, 410),
    ),
    Route(
        "content",
        "GET",
        "/packages/{package}/content",
        "collect",
        "Its file",
        "bytes",
        words=(
            "A single `Range` of bytes may be asked for, so that a broken download can be resumed; "
            "send the `ETag` of the first answer as `If-Range`. Once every byte has arrived with "
            "one token, the package counts as collected."
        ),
        refusals=(404, 410, 412, 416),
    ),
    Route(
        "password",
        "POST",
        "/packages/{package}/password",
        "password",
        "Its password",
        PasswordShape,
        words="Every release is recorded. The body of the request is empty.",
        refusals=(404, 409, 410, 503),
    ),
    Route(
        "receipt",
        "POST",
        "/packages/{package}/receipts",
        "receipt",
        "Hand in a signed receipt",
        RecordedShape,
        status=201,
        body=ReceiptBody,
        refusals=(400, 404, 409, 413, 415, 422, 503),
    ),
    Route(
        "send",
        "POST",
        "/drops",
        "drop",
        "Drop a file",
        TakenShape,
        status=202,
        body="bytes",
        words=(
            "The body is the file itself, CSV or XLSX; its name does not matter. The answer says "
            "that it arrived whole, not that it is without fault: look for its SHA-256 among the "
            "drops a little later."
        ),
        refusals=(400, 413, 422, 507),
    ),
    Route("drops", "GET", "/drops", "drop", "The latest drops", DropsShape, words="Newest first."),
    Route("drop", "GET", "/drops/{drop}", "drop", "One drop", DropShape, refusals=(404,)),
    Route(
        "withdraw",
        "POST",
        "/drops/{drop}/withdraw",
        "drop",
        "Take a drop back",
        WithdrawnShape,
        words="Possible until its window. The body of the request is empty.",
        refusals=(404, 409, 503),
    ),
    Route(
        "status",
        "GET",
        "/status",
        "status",
        "Where the flow stands",
        StatusShape,
    ),
    Route(
        "checkpoint",
        "GET",
        "/checkpoint",
        "status",
        "The ledger's latest checkpoint",
        "text",
        words=(
            "A signed note (C2SP tlog-checkpoint). Keep it: it shows later that nothing was taken "
            "out of the record. A receipt may carry it as its `head`."
        ),
        refusals=(404,),
    ),
)
