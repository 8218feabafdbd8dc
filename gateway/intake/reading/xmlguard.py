"""XML that a workbook's parts may be: no DTD, UTF-8, no false promise (design §6.1, Files).

A DTD can make a reader fetch or expand something; another encoding can hide one from whoever looks
for it, as two parsers may read the same bytes differently. A table of shared strings that promises
more than its bytes can hold would make calamine ask for memory until the process ends.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.intake.reading.refused import refused

_SUFFIXES = (".xml", ".rels", ".vml")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']\s*([^"'\s]*)""")
_TAKEN = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_DTD = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PROMISE = re.compile(rb"""uniqueCount\s*=\s*["']\s*([0-9]+)""")
_LEAST_STRING = len(b"<si/>")
_OVERLAP = 64  # bytes: a mark may lie across two blocks
_HEAD = 16  # bytes, after which the start can be judged
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def is_xml(name: str) -> bool:
    """Whether a part is XML by its name."""
    return name.lower().endswith(_SUFFIXES)


def guarded(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The blocks of an XML part of ``size`` bytes as they come.

    Raises Refused ``file.unsafe-xml``, or ``file.damaged`` for a false promise.
    """
    tail = b""
    started = False
    for block in blocks:
        window = tail + block
        if not started and len(window) >= _HEAD:
            started = True
            declared = _DECLARED.search(window[:1024])
            if window.startswith(_WIDE) or (declared and declared[1].lower() not in _TAKEN):
                raise refused("file.unsafe-xml")
        if b"\0" in block or _DTD.search(window):
            raise refused("file.unsafe-xml")
        promises = (promise[1] for promise in _PROMISE.finditer(window))
        if any(len(digits) > 10 or int(digits) * _LEAST_STRING > size for digits in promises):
            raise refused("file.damaged")
        tail = window[-_OVERLAP:]
        yield block
