"""Zips that are not put together as a workbook's should be."""

import io
import itertools
import struct
import zipfile

from making import BOOK, CORE, SHEET, STYLES, Member, members, pack, parts_of, workbook
from recipes import Recipe, recipe

UNSAFE, BOMB, DAMAGED, LOCKED = ".unsafe-zip", ".zip-bomb", ".damaged", ".encrypted"
MIB = 1 << 20

BAD_NAMES = {
    "up one folder": "../evil.xml",
    "up from within": "xl/../../evil.xml",
    "up and back": "xl/../xl/evil.xml",
    "from the root": "/etc/evil.xml",
    "a network share": "//host/share/evil.xml",
    "a drive": "C:/evil.xml",
    "back slashes": "xl\\evil.xml",
    "back slashes upwards": "..\\..\\evil.xml",
    "an empty segment": "xl//evil.xml",
    "the folder itself": "xl/./evil.xml",
    "only dots": "..",
    "a stream of another file": "xl/evil.xml:hidden",
    "a star": "xl/*.xml",
    "a question mark": "xl/evil?.xml",
    "a quotation mark": 'xl/"evil".xml',
    "angle brackets": "xl/<script>.xml",
    "a pipe": "xl/evil|sh.xml",
    "a NUL": "xl/evil.xml\0.png",
    "a line break": "xl/evil\n.xml",
    "an escape sequence": "xl/\x1b[2Jevil.xml",
    "writing turned about": "xl/\u202elmx.live",
    "a character without width": "xl/ev\u200bil.xml",
    "a line separator": "xl/evil\u2028.xml",
    "no name": "",
}
COLLISIONS = {
    "the same twice": SHEET,
    "in capitals": SHEET.upper(),
    "in mixed case": "xl/Workbook.XML",
    "a folded letter": "XL/\u017ftyles.xml",  # ſ folds to s
}
METHODS = {1: "shrunk", 6: "imploded", 9: "deflate64", 12: "bzip2", 14: "LZMA", 20: "zstandard",
           93: "zstandard too", 95: "xz", 97: "WavPack", 98: "PPMd", 99: "AES"}  # fmt: skip


def with_member(member: Member) -> bytes:
    return pack([*members(), member])


def sheet_with(**headers: dict[str, int | bytes]) -> bytes:
    """The sheet's member with other values in its local or central header."""
    return pack(members(sheet=Member(SHEET, parts_of()[SHEET], 8, **headers)))  # type: ignore[arg-type]


def both(**values: int | bytes) -> bytes:
    return sheet_with(local=values, central=values)


def same_data_twice() -> bytes:
    """A second name for the sheet's own bytes: the header of one member serves two."""
    made = members()
    place = pack(made).index(SHEET.encode()) - 30
    return pack([*made, Member("xl/again.xml", made[4].data, central={"at": place})])


def nested_in_another() -> bytes:
    """A stored member whose data is another member, header and all."""
    inner = Member("xl/inner.xml", b"<a/>", 0)
    data = inner.header(None, {}) + inner.data
    outer = Member("xl/outer.bin", data, 0)
    first = [*members(), outer]
    place = pack(first).index(data)
    return pack([*first, Member("xl/inner.xml", b"<a/>", 0, central={"at": place}, packed=b"")])


def streamed() -> bytes:
    """Sizes behind the data, as streaming writers put them."""
    made = []
    for name, data in parts_of().items():
        member = Member(name, data, local={"flags": 0x808, "crc": 0, "packed": 0, "unpacked": 0})
        member.central = {"flags": 0x808}
        made.append(member)
    for before, member in itertools.pairwise(made):
        told = struct.pack("<4s3I", b"PK\x07\x08", 1, len(before.stored), len(before.data))
        member.gap = told
    return pack(made, between=b"PK\x07\x08" + bytes(12))


def wide(sizes: int = 16) -> bytes:
    """Sizes in a zip64 field, as some writers put them always."""
    data = parts_of()[SHEET]
    member = Member(SHEET, data)
    told = struct.pack("<QQ", len(data), len(member.stored))[:sizes]
    extra = struct.pack("<2H", 1, len(told)) + told
    member.local = member.central = {"packed": 0xFFFFFFFF, "unpacked": 0xFFFFFFFF, "extra": extra}
    return pack(members(sheet=member))


def bomb_of(times: int, length: int = 3 * MIB) -> bytes:
    """Members of zeros, each far beyond its packed size."""
    return pack([*members(), *(Member(f"xl/media/{n}.bin", bytes(length)) for n in range(times))])


def lying_bomb() -> bytes:
    zeros = bytes(3 * MIB)
    small = {"unpacked": 900}
    return with_member(Member("xl/media/a.bin", zeros, local=small, central=small))


def another_zip_within() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner.txt", bytes(5 * MIB))
    return with_member(Member("xl/media/inner.zip", inner.getvalue(), 0))


def cut_stream() -> bytes:
    whole = Member(SHEET, parts_of()[SHEET])
    return pack(members(sheet=Member(SHEET, whole.data, packed=whole.stored[:-9])))


def more_than_the_stream() -> bytes:
    whole = Member(SHEET, parts_of()[SHEET])
    return pack(members(sheet=Member(SHEET, whole.data, packed=whole.stored + b"more")))


def many(count: int) -> bytes:
    filler = [Member(f"xl/media/{n}", b"", 0) for n in range(count - len(parts_of()))]
    return pack([*members(), *filler])


def _recipes() -> list[Recipe]:
    family = "zip: names of members"
    made = [
        recipe(family, name, lambda path=path: with_member(Member(path)), UNSAFE)
        for name, path in BAD_NAMES.items()
    ]
    made += [
        recipe(family, f"{name}, with the sheet", lambda path=path: with_member(Member(path)),
               UNSAFE)
        for name, path in COLLISIONS.items()
    ]  # fmt: skip
    made += [
        recipe(family, "no UTF-8", lambda: with_member(Member(b"xl/\xff.xml")), UNSAFE),
        recipe(family, "UTF-8 drawn out", lambda: with_member(Member(b"xl/\xc0\xae.xml")), UNSAFE),
        recipe(family, "half a surrogate", lambda: with_member(Member(b"xl/\xed\xa0\x80")), UNSAFE),
        recipe(family, "accents and spaces",
               lambda: with_member(Member("docProps/Zo\u00eb \u2013 notes.xml"))),
        recipe(family, "a folder", lambda: with_member(Member("xl/media/", b"", 0)), ".comments"),
        recipe(family, "of 5,000 characters", lambda: with_member(Member("xl/" + "n" * 5000))),
        recipe(family, "a device of old", lambda: with_member(Member("xl/CON"))),
    ]  # fmt: skip
    family = "zip: headers and directory"
    made += [
        recipe(family, f"method {number} ({word})", lambda number=number: both(method=number),
               UNSAFE)
        for number, word in METHODS.items()
    ]  # fmt: skip
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("encrypted", lambda: both(flags=0x801), LOCKED),
            ("strongly encrypted", lambda: both(flags=0x841), LOCKED),
            ("directory encrypted", lambda: both(flags=0x2800), LOCKED),
            ("encrypted by its own header alone", lambda: sheet_with(local={"flags": 1}), LOCKED),
            ("crc of another", lambda: sheet_with(central={"crc": 1}), UNSAFE),
            ("crc wrong in both", lambda: both(crc=1), DAMAGED),
            ("packed size of another", lambda: sheet_with(central={"packed": 9}), UNSAFE),
            ("unpacked size of another", lambda: sheet_with(central={"unpacked": 9}), UNSAFE),
            ("unpacked size too small in both", lambda: both(unpacked=100), UNSAFE),
            ("unpacked size too large in both", lambda: both(unpacked=90_000), UNSAFE),
            ("packed size beyond the file", lambda: both(packed=1 << 30), UNSAFE),
            ("name of another", lambda: sheet_with(local={"name": BOOK.encode()}), UNSAFE),
            ("method of another", lambda: sheet_with(local={"method": 0}), UNSAFE),
            ("starts elsewhere", lambda: sheet_with(central={"at": 11}), UNSAFE),
            ("starts beyond the file", lambda: sheet_with(central={"at": 1 << 31}), UNSAFE),
            ("on another disk", lambda: sheet_with(central={"disk": 1}), UNSAFE),
            ("no mark of its own", lambda: sheet_with(local={"signature": b"PK\0\0"}), UNSAFE),
            ("no mark in the directory", lambda: sheet_with(central={"signature": b"PK\0\0"}),
             UNSAFE),
            ("wide sizes", wide, ""),
            ("wide sizes, cut short", lambda: wide(8), UNSAFE),
            ("wide sizes that are not there", lambda: both(unpacked=0xFFFFFFFF), UNSAFE),
            ("an extra field that ends early",
             lambda: both(unpacked=0xFFFFFFFF, extra=b"\x01\x00\xff\xff"), UNSAFE),
            ("sizes behind the data", streamed, ""),
            ("a comment on a member", lambda: sheet_with(central={"comment": b"words"}), ""),
            ("one member's bytes under two names", same_data_twice, UNSAFE),
            ("a member within a member", nested_in_another, UNSAFE),
            ("a stream cut off", cut_stream, DAMAGED),
            ("bytes behind a stream's end", more_than_the_stream, UNSAFE),
            ("a stream of noise", lambda: pack(members(styles=Member(STYLES, packed=b"\xff" * 40))),
             DAMAGED),
        )
    ]  # fmt: skip
    family = "zip: as a whole"
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("bytes before it", lambda: pack(members(), before=b"PK\x03\x04....", shift=8), UNSAFE),
            ("bytes before it, offsets put right",
             lambda: pack(members(), before=b"PK\x03\x04...."), UNSAFE),
            ("bytes before the directory", lambda: pack(members(), between=b"hidden"), ""),
            ("bytes after it", lambda: workbook() + b"tail", DAMAGED),
            ("a comment", lambda: pack(members(), after=b"hello", comment=5), DAMAGED),
            ("a comment that is a second directory",
             lambda: pack(members(), comment=22, after=pack([])), UNSAFE),
            ("two zips, one behind the other", lambda: workbook() + workbook(), UNSAFE),
            ("several disks", lambda: pack(members(), disk=1, first=1), UNSAFE),
            ("fewer entries than there are", lambda: pack(members(), here=5, entries=5), UNSAFE),
            ("more entries than there are", lambda: pack(members(), here=7, entries=7), UNSAFE),
            ("entries counted two ways", lambda: pack(members(), here=5), UNSAFE),
            ("wide counts", lambda: pack(members(), here=0xFFFF, entries=0xFFFF), UNSAFE),
            ("the directory elsewhere", lambda: pack(members(), offset=40), UNSAFE),
            ("the directory longer", lambda: pack(members(), size=1 << 20), UNSAFE),
            ("no member", lambda: pack([]), ".unknown-format"),
            ("a bomb", lambda: bomb_of(1), BOMB),
            ("a bomb in pieces", lambda: bomb_of(9, MIB + 1), BOMB),
            ("a bomb that lies", lying_bomb, BOMB),
            ("a zip within that is a bomb", another_zip_within, ".comments"),
            ("10,000 members", lambda: many(10_000), ".comments"),
            ("10,001 members", lambda: many(10_001), UNSAFE),
            ("more than 4 GB, it says", lambda: both(packed=4_000_000_000, unpacked=4_294_967_294),
             BOMB),
            ("more than 4 GB in all, it says", lambda: pack([*members(), *(
                Member(f"xl/{n}.bin", b"x", central={"packed": 1 << 30, "unpacked": 1 << 31})
                for n in range(3))]), BOMB),
            ("properties of a program", lambda: with_member(Member(CORE, b"<a/>")), ""),
        )
    ]  # fmt: skip
    return made


RECIPES = _recipes()
