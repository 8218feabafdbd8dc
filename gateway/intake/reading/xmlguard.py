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
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def guarded(name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of a part as they come, refusing one that is unsafe XML.

    A part is XML by its name or by its first mark. Raises Refused ``file.unsafe-xml``.
    """
    tail = b""
    is_xml: bool | None = None
    for block in blocks:
        window = tail + block
        if is_xml is None and len(window) >= _OVERLAP:
            is_xml = _starts_safely(name, window)
        if is_xml is not False and (b"\0" in block or _DTD.search(window)):
            raise refused("file.unsafe-xml")
        tail = window[-_OVERLAP:]
        yield block


def _starts_safely(name: str, head: bytes) -> bool:
    """Whether the part is XML. Raises Refused when it starts as no UTF-8 XML does."""
    is_xml = name.lower().endswith(_SUFFIXES)
    is_xml = is_xml or head.removeprefix(_BOM).lstrip().startswith(b"<")
    if not is_xml:
        return False
    declared = _DECLARED.search(head[:1024])
    if head.startswith(_WIDE) or (declared and declared[1].lower() not in _TAKEN):
        raise refused("file.unsafe-xml")
    return True
