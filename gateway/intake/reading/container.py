"""What a file is, judged by its content and never by its name (design §6.1, Files).

Only the first bytes decide between text and a zip; a zip is looked into by ``archive``, and the old
OLE container is told apart here: Excel's own encryption wraps a workbook in one, and so does .xls.
"""

from typing import BinaryIO, Literal

from gateway.intake.reading.refused import Refused, refused

BLOCK = 1 << 20  # bytes read at a time, everywhere in the reader

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED_NAMES = tuple(
    name.encode("utf-16-le") for name in ("EncryptedPackage", "EncryptionInfo")
)
_LEGACY_NAMES = tuple(name.encode("utf-16-le") for name in ("Workbook\0", "Book\0"))
_BIFF = tuple(bytes.fromhex(start) for start in ("09000400", "09020600", "09040600", "09080800"))
_OTHER = (
    b"PK\x05\x06",  # an empty zip
    b"PK\x07\x08",  # a zip in several parts
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",  # zstandard
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",  # JPEG
    b"GIF8",
    b"II*\x00",  # TIFF
    b"MM\x00*",
    b"RIFF",
    b"{\\rtf",
    b"PAR1",
    b"SQLite format 3\x00",
    b"\x7fELF",
    b"MZ\x90\x00",
)
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<table", b"<svg", b"<meta", b"<workbook")
_BOM = b"\xef\xbb\xbf"


def judge(stream: BinaryIO) -> Literal["zip", "text"]:
    """Whether the file is a zip (a workbook, perhaps) or text.

    Raises Refused: ``file.empty``, ``file.encrypted``, ``file.legacy-workbook``,
    ``file.unknown-format``.
    """
    stream.seek(0)
    head = stream.read(4096)
    if not head.removeprefix(_BOM).strip() and not stream.read(1):
        raise refused("file.empty")
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(_OLE):
        raise _ole(stream)
    if head.startswith(_BIFF):
        raise refused("file.legacy-workbook")
    markup = head.removeprefix(_BOM).lstrip().lower()
    if head.startswith(_OTHER) or markup.startswith(_MARKUP) or head[257:262] == b"ustar":
        raise refused("file.unknown-format")
    return "text"


def _ole(stream: BinaryIO) -> Refused:
    """Which OLE file it is, by the names of its streams: they stand in it as UTF-16."""
    stream.seek(0)
    legacy = False
    tail = b""
    while block := stream.read(BLOCK):
        window = tail + block
        if any(name in window for name in _ENCRYPTED_NAMES):
            return refused("file.encrypted")
        legacy = legacy or any(name in window for name in _LEGACY_NAMES)
        tail = window[-64:]
    return refused("file.legacy-workbook" if legacy else "file.unknown-format")
