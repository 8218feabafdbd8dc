"""A form with a file, taken as it comes: nothing of the file is kept in memory or in a folder.

The form's other fields stand before the file in it, the proof against forgery among them; that is
checked before the first byte of the file is read. The file's name is not looked at (decision 0004).
"""

import socket
from collections.abc import Iterator, Mapping

from flask import current_app, request
from flask_wtf.csrf import CSRFError, same_origin, validate_csrf
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Event, Field, File, MultipartDecoder, NeedData
from wtforms.validators import ValidationError

from gateway.serving.headway import BLOCK, connection_of

_LARGEST_FIELDS = 64 * 1024  # bytes: of what stands before the file
_MOST_PARTS = 50
_NO_LIMIT = 1 << 62


class Upload:
    """A file that is on its way, and the fields that stood before it.

    ``read`` gives its bytes, empty at its end; it raises ValueError or the server's own where they
    break off. `gateway.serving.taking.take` reads it.
    """

    def __init__(self, fields: Mapping[str, str], events: Iterator[bytes]) -> None:
        self.fields = fields
        self._blocks = events
        self._rest = b""

    @property
    def connection(self) -> socket.socket | None:
        """The connection that it comes by; None in a test client."""
        return connection_of(request.environ)

    def read(self, size: int, /) -> bytes:
        """Some of its bytes."""
        if not self._rest:
            self._rest = next(self._blocks, b"")
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def begun_upload() -> Upload:
    """The upload of the request in hand, whose form is no forgery. Raises BadRequest, CSRFError."""
    request.max_content_length = _NO_LIMIT  # whoever takes the file counts its bytes
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise BadRequest
    events = _events(boundary.encode("utf-8", "replace"))
    fields: dict[str, str] = {}
    try:
        for event in events:
            if isinstance(event, Field):
                fields[event.name] = _value(events)
            if isinstance(event, File):
                break
    except ValueError as error:
        raise BadRequest from error
    _require_no_forgery(fields.get("csrf_token"))
    return Upload(fields, _blocks(events))


def _events(boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, _LARGEST_FIELDS + BLOCK, max_parts=_MOST_PARTS)
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            decoder.receive_data(request.stream.read(BLOCK) or None)
            continue
        yield event
        if decoder.complete:
            return


def _value(events: Iterator[Event]) -> str:
    value = bytearray()
    for event in events:
        if isinstance(event, Data):
            value += event.data
            if len(value) > _LARGEST_FIELDS:
                raise RequestEntityTooLarge
            if not event.more_data:
                break
    return value.decode("utf-8", "replace")


def _blocks(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        if isinstance(event, Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return


def _require_no_forgery(token: str | None) -> None:
    """What Flask-WTF asks of every other form. Raises CSRFError."""
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CSRFError("The form's token is missing or wrong.") from error
    if request.is_secure and current_app.config["WTF_CSRF_SSL_STRICT"]:
        ours = f"https://{request.host}/"
        if not request.referrer or not same_origin(request.referrer, ours):
            raise CSRFError("The form was not one of ours.")
