"""What hostile files are made of: a clean table, a workbook in plain XML, a zip written by hand.

Nothing here checks anything: whatever a recipe asks for is written as it is asked for.
"""

import csv
import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

CLEAN = {
    "Reference number": "SCN00000001",
    "Local authority": "Camden",
    "Child's initials": "AB",
    "Gender": "Male",
    "Date of birth": "01/03/2010",
    "Date of incident": "02/05/2024",
    "Date notification was received": "03/05/2024",
    "Nature of notification": "Other",
    "Death of child: yes or no": "No",
    "Case information": "Support was offered.",
    "Report author": "Lead reviewer",
}
HEADINGS = tuple(CLEAN)
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
BOOK, SHEET, STYLES = "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"
TYPES, ROOT, RELATIONS = "[Content_Types].xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"
STRINGS, CORE = "xl/sharedStrings.xml", "docProps/core.xml"
XML = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_RELATIONSHIPS = "application/vnd.openxmlformats-package.relationships+xml"

Change = Callable[[bytes], bytes]
Parts = Mapping[str, bytes | Change | None]


# --- tables ------------------------------------------------------------------------------------


def clean(number: int = 1, **cells: str) -> list[str]:
    """A row that owes no finding, but for the cells given (by heading, ``_`` for a space)."""
    given = {name.replace("_", " "): cell for name, cell in cells.items()}
    row = {**CLEAN, "Reference number": f"SCN{number:08}", **given}
    return [row[heading] for heading in HEADINGS]


def text(*rows: Sequence[str], separator: str = ",", end: str = "\r\n") -> str:
    """The headings and these rows as CSV."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, lineterminator=end).writerows([HEADINGS, *rows])
    return stream.getvalue()


def plain() -> str:
    """A clean CSV of two rows."""
    return text(clean(1), clean(2))


# --- a workbook --------------------------------------------------------------------------------


def column(place: int) -> str:
    """The letters of a column, counted from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell(place: str, value: str) -> str:
    """A cell of text; one that starts with ``<c`` is taken as XML, its place put in for @."""
    if value.startswith("<c"):
        return value.replace("@", place)
    words = escape(value)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def sheet(*rows: Sequence[str], before: str = "", after: str = "", first: int = 1) -> bytes:
    """A sheet's XML: the headings and these rows, with XML before and after the cells."""
    lines = [
        f'<row r="{number}">'
        + "".join(cell(f"{column(place)}{number}", value) for place, value in enumerate(row))
        + "</row>"
        for number, row in enumerate([HEADINGS, *rows], first)
    ]
    data = f"<sheetData>{''.join(lines)}</sheetData>"
    return XML + f'<worksheet xmlns="{SPREADSHEET}">{before}{data}{after}</worksheet>'.encode()


def relations(*listed: tuple[str, str, str], mode: str = "") -> bytes:
    """A relationships part of (id, type's last word, target)."""
    lines = "".join(
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'
        for key, kind, target in listed
    )
    return XML + (
        f'<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'.encode()
    )


def _types() -> bytes:
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return (
        XML
        + (
            f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="{_RELATIONSHIPS}"/>'
            f'<Override PartName="/{BOOK}" ContentType="{main}.sheet.main+xml"/>'
            f'<Override PartName="/{SHEET}" ContentType="{main}.worksheet+xml"/>'
            f'<Override PartName="/{STYLES}" ContentType="{main}.styles+xml"/>'
            "</Types>"
        ).encode()
    )


def _styles() -> bytes:
    """Style 0 is plain, 1 a date, 2 a date with a time, 3 a time alone."""
    cells = "".join(f'<xf numFmtId="{form}" applyNumberFormat="1"/>' for form in (0, 14, 22, 21))
    return (
        XML
        + (
            f'<styleSheet xmlns="{SPREADSHEET}"><cellXfs count="4">{cells}</cellXfs></styleSheet>'
        ).encode()
    )


def listing(*names: str, more: str = "", before: str = "") -> bytes:
    """The workbook's own part, listing sheets by name."""
    lines = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, 1)
    )
    return (
        XML
        + (
            f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}">{before}'
            f"<sheets>{lines}</sheets>{more}</workbook>"
        ).encode()
    )


def parts_of(*rows: Sequence[str]) -> dict[str, bytes]:
    """The parts of a clean workbook with these rows, or with two clean ones."""
    return {
        TYPES: _types(),
        ROOT: relations(("rId1", "officeDocument", BOOK)),
        BOOK: listing("Extract"),
        RELATIONS: relations(
            ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId9", "styles", "styles.xml")
        ),
        SHEET: sheet(*(rows or (clean(1), clean(2)))),
        STYLES: _styles(),
    }


def workbook(*rows: Sequence[str], parts: Parts | None = None, method: int = 8) -> bytes:
    """A workbook: parts added, changed by a function, or (None) left out."""
    made: dict[str, bytes] = parts_of(*rows)
    for name, change in (parts or {}).items():
        if change is None:
            del made[name]
        else:
            made[name] = change(made[name]) if callable(change) else change
    return pack([Member(name, data, method) for name, data in made.items()])


def replacing(old: str, new: str) -> Change:
    """A change of a part's XML, which must take place."""

    def change(xml: bytes) -> bytes:
        assert old.encode() in xml, old
        return xml.replace(old.encode(), new.encode())

    return change


# --- a zip, written by hand ----------------------------------------------------------------------


@dataclass
class Member:
    """One member. ``local`` and ``central`` put other values into its two headers, by field."""

    name: str | bytes
    data: bytes = b"<a/>"
    method: int = 8
    local: dict[str, int | bytes] = field(default_factory=dict)
    central: dict[str, int | bytes] = field(default_factory=dict)
    packed: bytes | None = None
    gap: bytes = b""

    @property
    def stored(self) -> bytes:
        """The bytes that stand in the file."""
        if self.packed is not None:
            return self.packed
        if self.method == 0:
            return self.data
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return squeeze.compress(self.data) + squeeze.flush()

    def header(self, at: int | None, others: Mapping[str, int | bytes]) -> bytes:
        """Its header: the local one, or the central one where ``at`` says where it stands."""
        name = self.name.encode() if isinstance(self.name, str) else self.name
        told: dict[str, int | bytes] = {
            "flags": 0x800, "method": self.method, "crc": zlib.crc32(self.data),
            "packed": len(self.stored), "unpacked": len(self.data), "disk": 0, "at": at or 0,
            "name": name, "extra": b"", "comment": b"", "signature": b"", **others,
        }  # fmt: skip
        name, extra, comment = (bytes(told[key]) for key in ("name", "extra", "comment"))  # type: ignore[arg-type]
        sizes = told["crc"], told["packed"], told["unpacked"], len(name), len(extra)
        if at is None:
            mark = told["signature"] or b"PK\x03\x04"
            head = struct.pack("<4s5H3I2H", mark, 20, told["flags"], told["method"], 0, 33, *sizes)
            return head + name + extra
        mark = told["signature"] or b"PK\x01\x02"
        head = struct.pack(
            "<4s6H3I5H2I", mark, 20, 20, told["flags"], told["method"], 0, 33, *sizes,
            len(comment), told["disk"], 0, 0, told["at"],
        )  # fmt: skip
        return head + name + extra + comment


def pack(
    members: Sequence[Member],
    *,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    shift: int = 0,
    **end: int,
) -> bytes:
    """A zip of these members, in order. ``end`` puts other values into the end record."""
    body, directory = bytearray(before), bytearray()
    for member in members:
        body += member.gap
        directory += member.header(len(body) - shift, member.central)
        body += member.header(None, member.local) + member.stored
    body += between
    told = {
        "disk": 0, "first": 0, "here": len(members), "entries": len(members),
        "size": len(directory), "offset": len(body) - shift, "comment": 0, **end,
    }  # fmt: skip
    return bytes(body + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", *told.values()) + after)


def members(**others: Member) -> list[Member]:
    """The members of a clean workbook, those named by part replaced: ``sheet=Member(...)``."""
    named = {"sheet": SHEET, "book": BOOK, "styles": STYLES}
    by_part = {named[key]: member for key, member in others.items()}
    return [by_part.get(name, Member(name, data)) for name, data in parts_of().items()]
