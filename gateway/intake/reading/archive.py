"""A workbook's zip, inspected before any parser sees it (design §6.1, Files).

The central directory is read here and not by ``zipfile``, which believes what a member says of its
own size and lets two members share bytes. What is allowed: stored and deflated members that lie
apart, each named once, as its own header names it, unpacking to just what it declares.
Layout: PKWARE APPNOTE 6.3.10, 4.3.7 (local), 4.3.12 (central), 4.3.16 (end), 4.5.3 (zip64).
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from gateway.intake.reading.container import BLOCK
from gateway.intake.reading.refused import refused

MOST_MEMBERS = 10_000
MOST_DIRECTORY = 16 * 1024 * 1024  # bytes of central directory
RATIO = 100  # unpacked : packed, of a member over RATIO_FROM bytes
RATIO_FROM = 1024 * 1024
MOST_UNPACKED = 4 * 1024**3  # bytes, of all members together

_END = struct.Struct("<4s4H2IH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZES_FOLLOW = 0x1 | 0x40 | 0x2000, 0x8
_IN_ZIP64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One part of the zip: sizes in bytes, offsets from the start of the file."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    header: int
    start: int = 0  # of its data, once its own header was read


class Archive:
    """The members of a zip by name. Open it with `open_archive`, which inspects it."""

    def __init__(self, stream: BinaryIO, members: list[Member], directory: int) -> None:
        self.stream = stream
        self.directory = directory  # where the members must end
        self.members = {member.name: member for member in members}

    def blocks(self, name: str) -> Iterator[bytes]:
        """The unpacked bytes of a member, in blocks of at most 1 MiB.

        Raises Refused as soon as it unpacks too far (``file.zip-bomb``), or when it ends and is not
        what the directory declares (``file.unsafe-zip``, ``file.damaged``).
        """
        member = self.members[name]
        crc = size = 0
        for block in _unpacked(self.stream, member):
            size += len(block)
            if _is_bomb(size, member.packed) or size > MOST_UNPACKED:
                raise refused("file.zip-bomb")
            crc = zlib.crc32(block, crc)
            yield block
        if size != member.unpacked:
            raise refused("file.unsafe-zip")
        if crc != member.crc:
            raise refused("file.damaged")

    def read(self, name: str, most: int) -> bytes:
        """A small member whole. Raises Refused (``file.unsafe-zip``) beyond ``most`` bytes."""
        if self.members[name].unpacked > most:
            raise refused("file.unsafe-zip")
        return b"".join(self.blocks(name))


def open_archive(stream: BinaryIO) -> Archive:
    """Read the central directory of a zip, believing nothing of it yet.

    Raises Refused ``file.damaged`` when there is none (a half-written file), ``file.unsafe-zip``.
    Call `inspect` before anything is unpacked.
    """
    size = stream.seek(0, os.SEEK_END)
    if size < _END.size:
        raise refused("file.damaged")
    stream.seek(size - _END.size)
    fields = _END.unpack(stream.read(_END.size))
    signature, disk, first_disk, here, entries, length, offset, comment = fields
    if signature != b"PK\x05\x06":
        # A comment after the directory could hide a second one: a workbook has none.
        raise refused("file.damaged")
    if disk or first_disk or comment or here != entries or entries > MOST_MEMBERS:
        raise refused("file.unsafe-zip")
    if length > MOST_DIRECTORY or offset + length != size - _END.size:
        raise refused("file.unsafe-zip")
    stream.seek(offset)
    members = list(_directory(stream.read(length), entries))
    return Archive(stream, members, offset)


def inspect(archive: Archive) -> None:
    """Refuse a zip that is not put together as a workbook's should be.

    Raises Refused: ``file.encrypted``, ``file.unsafe-zip`` (names, overlaps, headers that differ)
    and ``file.zip-bomb`` (by the declared sizes; `Archive.blocks` judges by the true ones).
    """
    members = archive.members
    if any(member.flags & _ENCRYPTED for member in members.values()):
        raise refused("file.encrypted")
    if len({name.casefold() for name in members}) != len(members):
        raise refused("file.unsafe-zip")
    if not all(_is_plain(name) for name in members):
        raise refused("file.unsafe-zip")
    if any(member.method not in (_STORED, _DEFLATED) for member in members.values()):
        raise refused("file.unsafe-zip")
    if any(_is_bomb(member.unpacked, member.packed) for member in members.values()):
        raise refused("file.zip-bomb")
    if sum(member.unpacked for member in members.values()) > MOST_UNPACKED:
        raise refused("file.zip-bomb")
    _inspect_headers(archive)


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > RATIO_FROM and unpacked > RATIO * packed


def _is_plain(name: str) -> bool:
    """A relative path of ordinary segments: nothing that leaves its folder or hides in a name."""
    segments = name.removesuffix("/").split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        return False
    return name.isprintable() and not any(mark in name for mark in '\\:*?"<>|')


def _directory(data: bytes, entries: int) -> Iterator[Member]:
    seen: set[bytes] = set()
    at = 0
    for _ in range(entries):
        if len(data) < at + _CENTRAL.size:
            raise refused("file.unsafe-zip")
        fields = _CENTRAL.unpack_from(data, at)
        flags, method, crc, packed, unpacked = fields[3], fields[4], *fields[7:10]
        name_length, extra_length, comment_length, disk, header = *fields[10:14], fields[16]
        at += _CENTRAL.size
        name = data[at : at + name_length]
        extra = data[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if fields[0] != b"PK\x01\x02" or disk or name in seen or at > len(data):
            raise refused("file.unsafe-zip")
        seen.add(name)
        unpacked, packed, header = _zip64(extra, unpacked, packed, header)
        yield Member(_text(name), flags, method, crc, packed, unpacked, header)
    if at != len(data):
        raise refused("file.unsafe-zip")


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise refused("file.unsafe-zip") from None


def _zip64(extra: bytes, *sizes: int) -> tuple[int, ...]:
    """Fields too large for 32 bits stand, in order, in the extra field of id 1."""
    if _IN_ZIP64 not in sizes:
        return sizes
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            places = range(at + 4, at + 4 + min(length, 24) // 8 * 8, 8)
            wide = iter([int.from_bytes(extra[place : place + 8], "little") for place in places])
            return tuple(next(wide, _IN_ZIP64) if size == _IN_ZIP64 else size for size in sizes)
        at += 4 + length
    raise refused("file.unsafe-zip")


def _inspect_headers(archive: Archive) -> None:
    """Each member's own header must say what the directory says, and no two may share bytes."""
    end = 0
    for member in sorted(archive.members.values(), key=lambda member: member.header):
        if member.header < end or (end == 0 and member.header != 0):
            raise refused("file.unsafe-zip")
        start = _start_of_data(archive, member)
        end = start + member.packed
        archive.members[member.name] = replace(member, start=start)
    if end > archive.directory:
        raise refused("file.unsafe-zip")


def _start_of_data(archive: Archive, member: Member) -> int:
    stream = archive.stream
    stream.seek(member.header)
    data = stream.read(_LOCAL.size)
    if len(data) < _LOCAL.size:
        raise refused("file.unsafe-zip")
    signature, _, flags, method, _, _, crc, packed, unpacked, names, extras = _LOCAL.unpack(data)
    name = stream.read(names)
    if signature != b"PK\x03\x04" or name != member.name.encode() or method != member.method:
        raise refused("file.unsafe-zip")
    if flags & _ENCRYPTED:
        raise refused("file.encrypted")
    if not flags & _SIZES_FOLLOW:
        unpacked, packed = _zip64(stream.read(extras), unpacked, packed)
        if (crc, packed, unpacked) != (member.crc, member.packed, member.unpacked):
            raise refused("file.unsafe-zip")
    return member.header + _LOCAL.size + int(names) + int(extras)


def _unpacked(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    """The member's bytes, whatever it declares: the caller counts and stops."""
    at, left = member.start, member.packed
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while left:
        stream.seek(at)
        data = stream.read(min(BLOCK, left))
        if not data:
            raise refused("file.damaged")
        at, left = at + len(data), left - len(data)
        if member.method == _STORED:
            yield data
            continue
        while data and not inflate.eof:
            try:
                block = inflate.decompress(data, BLOCK)
            except zlib.error:
                raise refused("file.damaged") from None
            data = inflate.unconsumed_tail
            if block:
                yield block
        if inflate.eof and (left or inflate.unused_data):
            raise refused("file.unsafe-zip")
    # An empty part is sometimes called deflated although not even an empty stream was written.
    while member.packed and member.method == _DEFLATED and not inflate.eof:
        block = inflate.decompress(b"", BLOCK)  # what it still holds back after the last input
        if not block:
            raise refused("file.damaged")
        yield block
