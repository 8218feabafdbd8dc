"""Breached passwords, looked up in a file that is kept here: nothing is asked of anybody outside.

The file is the one that "Have I Been Pwned" gives out ordered by hash: a line for each password,
its SHA-1 in hexadecimal and, after a colon, how often it was seen. It has tens of gigabytes, so it
is searched by halves where it lies, and never loaded.
"""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(:[0-9]{1,12})?\r?")
_LONGEST = 64  # bytes of a line with its end
_LOOKED_AT = 200  # lines that `examine` looks at


class BreachedFault(Exception):
    """The file cannot be searched. Codes: breached.absent, breached.malformed"""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = "Put the list that is ordered by hash there (docs/people.md), whole."


def is_breached(path: Path, password: str) -> bool:
    """Whether a password is in the file. Raises BreachedFault."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False)
    wanted = digest.hexdigest().upper().encode()
    try:
        with path.open("rb") as file:
            return _is_there(file, wanted)
    except OSError as error:
        raise _absent() from error


def examine(path: Path) -> datetime:
    """Since when the file is as it is. Raises BreachedFault where it is no such list.

    It looks at lines from all over the file, and whether they stand in order; not at every one.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if not size:
                raise _malformed()
            places = ((size - 1) * number // _LOOKED_AT for number in range(_LOOKED_AT + 1))
            found = [_line_at(file, place, size)[1] for place in places]
            changed = path.stat().st_mtime
    except OSError as error:
        raise _absent() from error
    if found != sorted(found):
        raise _malformed()
    return datetime.fromtimestamp(changed, UTC)


def _is_there(file: BinaryIO, wanted: bytes) -> bool:
    low, high = 0, file.seek(0, 2)
    size = high
    while low < high:  # the line, if there is one, begins from `low` on and before `high`
        begins, found, ends = _line_at(file, (low + high) // 2, size)
        if found == wanted:
            return True
        if found < wanted:
            low = ends
        else:
            high = begins
    return False


def _line_at(file: BinaryIO, place: int, size: int) -> tuple[int, bytes, int]:
    """Where the line begins that the byte at ``place`` is of, its hash, and where the next does."""
    start = max(place - _LONGEST, 0)
    file.seek(start)
    block = file.read(place - start + _LONGEST)
    begins = block.rfind(b"\n", 0, place - start) + 1
    ends = block.find(b"\n", place - start)
    if ends < 0:
        ends = size - start
    line = _LINE.fullmatch(block[begins:ends])
    if line is None:
        raise _malformed()
    return start + begins, line[1].upper(), start + ends + 1


def _absent() -> BreachedFault:
    return BreachedFault("breached.absent", "The list of breached passwords cannot be read.")


def _malformed() -> BreachedFault:
    return BreachedFault(
        "breached.malformed", "The list of breached passwords is no list of SHA-1 hashes in order."
    )
