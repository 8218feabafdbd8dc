"""What the child says about a file: the sink that `examine` writes to, as frames on a pipe."""

import json
import os
from collections.abc import Sequence

from gateway.agreement.model import RuleBook
from gateway.intake.confined.validate import DROPPED_COUNT, DROPPED_LENGTH, SHEET_NAME
from gateway.intake.confined.wire import COUNT, known_headings, pack, pieces
from gateway.intake.findings import Finding
from gateway.intake.outcome import Examined

FINDINGS_AT_ONCE = 5_000


class Answer:
    """The child's end of the pipe. Headings travel as indexes, so no text of the file does."""

    def __init__(self, descriptor: int, book: RuleBook) -> None:
        self._descriptor = descriptor
        self._places: dict[str, int] = {}
        for index, heading in enumerate(known_headings(book)):
            self._places.setdefault(heading, index)

    def findings(self, items: Sequence[Finding]) -> None:
        """Send findings. A column that the agreement does not know is sent as none."""
        for start in range(0, len(items), FINDINGS_AT_ONCE):
            told = [
                [
                    item.code,
                    item.severity,
                    item.row,
                    None if item.column is None else self._places.get(item.column),
                    item.count,
                ]
                for item in items[start : start + FINDINGS_AT_ONCE]
            ]
            self._send(b"F", _json(told))

    def table(self, csv: bytes, rows: int) -> None:
        """Send rows: the header line ``row,<field ids>`` and ``rows`` records, RFC 4180."""
        for count, piece in pieces(csv, rows):
            self._send(b"T", COUNT.pack(count) + piece)

    def done(self, outcome: Examined) -> None:
        """Send what the file came to. Nothing may be sent after it."""
        told = {
            "sheet": None if outcome.sheet is None else _printable(outcome.sheet, SHEET_NAME),
            "rows": outcome.rows,
            "kept": [self._places[heading] for heading in outcome.kept],
            "dropped": [_printable(t, DROPPED_LENGTH) for t in outcome.dropped[:DROPPED_COUNT]],
            "missing": [self._places[heading] for heading in outcome.missing],
            "refused": outcome.refused,
        }
        self._send(b"D", _json(told))

    def seen(self, observed: dict[str, str | int]) -> None:
        """Send what a probe observed."""
        self._send(b"P", _json(observed))

    def _send(self, kind: bytes, payload: bytes) -> None:
        rest = memoryview(pack(kind, payload))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _printable(text: str, length: int) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text[:length])
