"""A package's file over HTTP: whole or in part, and what arrives of it counted for who asked.

The same for programs and for people, so that `collected` means the same by either way.
"""

import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from flask import Request, Response, request

from gateway.receipts.keeping import Way
from gateway.receipts.refused import ReceiptRefused, refusal
from gateway.receipts.serving import note_served
from gateway.serving.ranges import Span, wanted_span
from gateway.serving.sending import Ending, send
from gateway.store import packages
from gateway.store.database import Database, StoreFault, Transaction
from gateway.store.lifecycles import MoveRefused
from gateway.store.packages import DeliveryRow, PackageRow


class OtherBytes(Exception):
    """The request is about other bytes than there are (its ``If-Match``)."""


@dataclass(frozen=True)
class Ours:
    """A package, and its delivery to the party of whoever asks."""

    package: PackageRow
    delivery: DeliveryRow

    @property
    def etag(self) -> str:
        """What names exactly these bytes: their SHA-256."""
        return self.delivery.sha256


@dataclass(frozen=True)
class Collector:
    """Who collects (never a secret: a token's prefix, a person's id), and by which way."""

    principal: str
    way: Way
    database: Database
    ending: Ending
    now: Callable[[], datetime]


def ours_of(tx: Transaction, delivery: DeliveryRow) -> Ours:
    """A delivery with its package. Raises ReceiptRefused."""
    package = packages.get(tx, delivery.package_id)
    if package is None:
        raise refusal("package.unknown")
    return Ours(package, delivery)


def connection() -> socket.socket | None:
    """The socket of the request in hand; None in a test client."""
    found = request.environ.get("gunicorn.socket")
    return found if isinstance(found, socket.socket) else None


def file_answer(asked: Request, ours: Ours, path: Path, collector: Collector) -> Response:
    """The file as the request's headers want it; what arrives is noted as served.

    Raises OtherBytes and RangeUnsatisfiable.
    """
    span, size = _span(asked, ours), ours.delivery.size
    wanted = span or Span(0, size)
    answer = Response(status=206 if span else 200, mimetype="application/octet-stream")
    digest = b64encode(bytes.fromhex(ours.etag)).decode()  # as RFC 8941 writes bytes
    answer.headers.update(
        {
            "Accept-Ranges": "bytes",
            "ETag": f'"{ours.etag}"',
            "Repr-Digest": f"sha-256=:{digest}:",
            "Content-Disposition": f'attachment; filename="{ours.delivery.file_name}"',
        }
    )
    if span:
        answer.headers["Content-Range"] = span.content_range(size)
    if asked.method != "HEAD":
        answer.response = send(path, wanted, connection(), _Noted(ours, collector))
    answer.headers["Content-Length"] = str(wanted.stop - wanted.start)
    return answer


def _span(asked: Request, ours: Ours) -> Span | None:
    """What the headers ask for; None: the whole file."""
    if asked.if_match and not asked.if_match.contains(ours.etag):
        raise OtherBytes
    condition = asked.headers.get("If-Range")
    if condition is not None and condition.strip() != f'"{ours.etag}"':
        return None
    return wanted_span(asked.headers.get("Range"), ours.delivery.size)


@dataclass
class _Noted:
    """A download whose bytes count. Whoever asks just after its last byte waits for the count."""

    ours: Ours
    collector: Collector
    near_end: bool = False

    def ending(self) -> None:
        """The last byte is about to be sent."""
        self.near_end = True
        self.collector.ending.begin(self.collector.principal, self.ours.package.id)

    def over(self, arrived: Span) -> None:
        """Note what arrived. A fault is logged: the answer has gone, so nobody can be told."""
        log = structlog.get_logger(self.collector.way)
        try:
            collected = self._note(arrived)
            log.info("sent", **self._about(arrived), collected=collected)
        except (StoreFault, ReceiptRefused, MoveRefused) as fault:
            log.error("served bytes not noted", **self._about(arrived), code=fault.code)
        finally:
            if self.near_end:
                self.collector.ending.end(self.collector.principal, self.ours.package.id)

    def _about(self, arrived: Span) -> dict[str, str | int]:
        who, package = self.collector.principal, self.ours.package.id
        return {"package": package, "caller": who, "start": arrived.start, "stop": arrived.stop}

    def _note(self, arrived: Span) -> bool:
        return note_served(
            self.collector.database,
            self.ours.delivery,
            self.ours.package.agreement_hash,
            self.collector.principal,
            self.collector.way,
            arrived.start,
            arrived.stop,
            self.collector.now(),
        )
