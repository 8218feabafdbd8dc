"""Which bytes of a file a request wants: single byte ranges of RFC 9110 §14."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_LONGEST_NUMBER = 18  # digits; no file is as large as what has more


class RangeUnsatisfiable(Exception):
    """The range lies outside the file."""


@dataclass(frozen=True)
class Span:
    """Bytes ``start`` to ``stop`` of a file, ``stop`` not included."""

    start: int
    stop: int

    def content_range(self, size: int) -> str:
        """The Content-Range header that tells of it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def wanted_span(header: str | None, size: int) -> Span | None:
    """The bytes that a Range header asks for; None means the whole file.

    A header of another unit, with several ranges, or without sense is ignored, as RFC 9110 lets a
    server do. Raises RangeUnsatisfiable where it makes sense but lies outside the file.
    """
    match = _SINGLE.fullmatch(header) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    first, last = _number(match[1]), _number(match[2])
    if first is None:
        if not last or not size:
            raise RangeUnsatisfiable
        return Span(max(size - last, 0), size)
    if last is not None and last < first:
        return None
    if first >= size:
        raise RangeUnsatisfiable
    return Span(first, size if last is None else min(last + 1, size))


def _number(text: str) -> int | None:
    digits = text.lstrip("0")
    if len(digits) > _LONGEST_NUMBER:
        return int(10**_LONGEST_NUMBER)
    return int(digits or "0") if text else None
