"""XML that a workbook's parts may be: no DTD, and UTF-8 (design §6.1, Files).

A DTD can make a reader fetch or expand something; another encoding can hide one from whoever looks
for it, as two parsers may read the same bytes differently.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.intake.reading.refused import refused

_SUFFIXES = (".xml", ".rels", ".vml")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']\s*([^"'\s]*)""")
_TAKEN = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_DTD = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OVERLAP = 16  # bytes: a mark may lie across two blocks
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def is_xml(name: str) -> bool:
    """Whether a part is XML by its name."""
    return name.lower().endswith(_SUFFIXES)


def guarded(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of an XML part as they come. Raises Refused ``file.unsafe-xml``."""
    tail = b""
    started = False
    for block in blocks:
        window = tail + block
        if not started and len(window) >= _OVERLAP:
            started = True
            declared = _DECLARED.search(window[:1024])
            if window.startswith(_WIDE) or (declared and declared[1].lower() not in _TAKEN):
                raise refused("file.unsafe-xml")
        if b"\0" in block or _DTD.search(window):
            raise refused("file.unsafe-xml")
        tail = window[-_OVERLAP:]
        yield block
