"""How the child's answer is framed: one letter, a length of four bytes, so many bytes.

``F`` findings, as compact JSON arrays ``[code, severity, row, column, count]``, the column being an
index into `known_headings`; ``T`` rows of the table, as a record count and CSV; ``D`` the outcome,
as JSON; ``P`` what a probe saw. Neither pickle nor Arrow: reading those can run code or crash the
reader, and the child may be in a hostile file's hands.
"""

import struct
from collections.abc import Iterator

from gateway.agreement.model import RuleBook
from gateway.intake.confined.limits import MIB

HEAD = struct.Struct(">cI")
COUNT = struct.Struct(">I")
CAPS = {b"F": 8 * MIB, b"T": 32 * MIB, b"D": MIB, b"P": MIB}
PIECE = MIB


class AnswerFault(Exception):
    """The child's answer is not what an honest child says. ``code`` is the finding to report."""

    def __init__(self, why: str, code: str = "file.reader-failed") -> None:
        super().__init__(why)
        self.code = code


def known_headings(book: RuleBook) -> tuple[str, ...]:
    """All headings that a finding may name: of the field list, then of known source columns."""
    fields = tuple(spec.heading for spec in book.flow.fields)
    return fields + tuple(column.heading for column in book.flow.source_columns)


def pack(kind: bytes, payload: bytes) -> bytes:
    """One frame. Raises ValueError when the payload is over the cap of its kind."""
    if len(payload) > CAPS[kind]:
        raise ValueError(f"a frame of kind {kind!r} may have {CAPS[kind]} bytes at most")
    return HEAD.pack(kind, len(payload)) + payload


class Unpacker:
    """Parts a stream of bytes into frames, and never holds more than one frame and one read."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that ``data`` completes, as (kind, payload).

        Raises AnswerFault on an unknown kind, a frame over the cap of its kind, or a total over
        the cap (``file.over-limit``).
        """
        self._left -= len(data)
        if self._left < 0:
            raise AnswerFault("the answer is larger than is allowed", "file.over-limit")
        self._held += data
        while len(self._held) >= HEAD.size:
            kind, length = HEAD.unpack_from(self._held)
            if kind not in CAPS or length > CAPS[kind]:
                raise AnswerFault("the answer has a frame of an unknown kind or size")
            end = HEAD.size + length
            if len(self._held) < end:
                return
            payload = bytes(self._held[HEAD.size : end])
            del self._held[:end]
            yield kind, payload

    def close(self) -> None:
        """Raises AnswerFault when the stream ended within a frame."""
        if self._held:
            raise AnswerFault("the answer breaks off within a frame")


def records(csv: bytes) -> int:
    """How many records, header included, a well-formed CSV holds, without parsing it."""
    ends = sum(part.count(b"\n") for part in csv.split(b'"')[::2])
    return ends if csv.endswith(b"\n") or not csv else ends + 1


def pieces(csv: bytes, rows: int, size: int = PIECE) -> Iterator[tuple[int, bytes]]:
    """Part a CSV into (rows, CSV) of about ``size`` bytes, each with the header, between records.

    The last piece is given whatever remains of ``rows``, so that a wrong count is not mended.
    """
    cut = csv.find(b"\n") + 1
    header = csv[:cut]
    while len(csv) - cut > size:
        end = _record_end(csv, cut, cut + size)
        if end >= len(csv):
            break
        piece = csv[cut:end]
        count = records(piece)
        rows -= count
        yield count, header + piece
        cut = end
    yield max(rows, 0), header + csv[cut:]


def _record_end(csv: bytes, start: int, target: int) -> int:
    """The end of the record that holds or follows ``target``; the CSV's end if none is found."""
    quotes = csv.count(b'"', start, target)
    while True:
        end = csv.find(b"\n", target) + 1
        if not end:
            return len(csv)
        quotes += csv.count(b'"', target, end)
        if quotes % 2 == 0:
            return end
        target = end
