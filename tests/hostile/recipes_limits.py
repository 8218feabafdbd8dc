"""Sizes just within each limit, and just beyond it."""

from making import (
    BOOK,
    HEADINGS,
    SHEET,
    STRINGS,
    TYPES,
    XML,
    Member,
    cell,
    clean,
    members,
    pack,
    replacing,
    text,
    workbook,
)
from recipes import Recipe, recipe

MIB = 1 << 20
LINE = 8 * MIB  # of a text file, in bytes


def one_line(length: int) -> bytes:
    """A CSV with one line of this many bytes, in a column that does not travel."""
    head = ",".join([*HEADINGS, "Notes"])
    row = ",".join(clean(1)) + ","
    return f"{head}\r\n{row}{'x' * (length - len(row) - 2)}\r\n".encode()


def padded(part: str, end: str, length: int) -> bytes:
    """A workbook one part of which has so many bytes, spaces before its last tag."""

    def change(xml: bytes) -> bytes:
        return xml.replace(end.encode(), b" " * (length - len(xml)) + end.encode())

    return workbook(parts={part: change}, method=0)


def ratio(packed_more: int) -> bytes:
    """2 MiB of zeros, packed into a hundredth of that and some bytes more or fewer."""
    size = 2 * MIB
    zeros = Member("xl/zeros.bin", bytes(size))
    wanted = -(-size // 100) + packed_more
    room = wanted - len(zeros.stored)
    filler = room % 5
    # Stored blocks of nothing take five bytes each; one that ends the stream last.
    blocks = b"\x00\x00\x00\xff\xff" * (room // 5)
    zeros.packed = blocks + zeros.stored
    assert len(zeros.packed) == wanted - filler
    return pack([*members(), zeros])


def rectangle(row: int, columns: str) -> bytes:
    """A cell far down and one far to the right."""
    far = f'<row r="2000">{cell(columns + "2000", "x")}</row><row r="{row}">{cell(f"A{row}", "x")}</row>'
    return workbook(parts={SHEET: replacing("</sheetData>", far + "</sheetData>")})


def promised(count: int) -> bytes:
    table = XML + f'<sst xmlns="urn:x" uniqueCount="{count}">{"<si/>" * 20}</sst>'.encode()
    return workbook(parts={STRINGS: table})


def _recipes() -> list[Recipe]:
    within, beyond = "within", "beyond"
    family = "sizes at each limit"
    row_codes = "row.long cell.required rule.one-of reference.malformed"
    return [
        recipe(f"{family}", f"{what}, {side}", make, codes)
        for what, side, make, codes in (
            ("a line of 8 MiB", within, lambda: one_line(LINE - 16), ""),
            ("a line of 8 MiB", beyond, lambda: one_line(LINE + 2 * MIB), ".damaged"),
            ("a cell of 10,000 characters", within,
             lambda: text(clean(1, Case_information="x" * 10_000)).encode(), ""),
            ("a cell of 10,000 characters", beyond,
             lambda: text(clean(1, Case_information="x" * 10_001)).encode(), "cell.too-long"),
            ("a reference of 24 characters", within,
             lambda: text(clean(1, Reference_number="S1" + "x" * 22)).encode(), ""),
            ("a reference of 24 characters", beyond,
             lambda: text(clean(1, Reference_number="S1" + "x" * 23)).encode(),
             "reference.malformed"),
            ("a workbook's part of 8 MiB", within, lambda: padded(BOOK, "</workbook>", 8 * MIB),
             ""),
            ("a workbook's part of 8 MiB", beyond,
             lambda: padded(BOOK, "</workbook>", 8 * MIB + 1), ".unsafe-zip"),
            ("types of 8 MiB", beyond, lambda: padded(TYPES, "</Types>", 8 * MIB + 1),
             ".unsafe-zip"),
            ("a row of 32 MiB", within, lambda: padded(SHEET, "</row></sheetData>", 30 * MIB), ""),
            ("a row of 32 MiB", beyond, lambda: workbook(parts={
                SHEET: b"<worksheet><sheetData><row " + b"x" * (33 * MIB)}, method=0), ".damaged"),
            ("packed a hundredfold", within, lambda: ratio(9), ""),
            ("packed a hundredfold", beyond, lambda: ratio(-1), ".zip-bomb"),
            ("1 MiB packed a thousandfold", within,
             lambda: pack([*members(), Member("xl/zeros.bin", bytes(MIB))]), ""),
            ("1 MiB packed a thousandfold", beyond,
             lambda: pack([*members(), Member("xl/zeros.bin", bytes(MIB + 1))]), ".zip-bomb"),
            ("a rectangle of cells", within, lambda: rectangle(2_500, "ALL"), row_codes),
            ("a rectangle of cells", beyond, lambda: rectangle(90_000, "ALL"), ".over-limit"),
            ("strings promised", within, lambda: promised(20), ""),
            ("strings promised", beyond, lambda: promised(200), ".damaged"),
            ("255 sheets", beyond, lambda: workbook(parts={BOOK: replacing(
                "</sheets>", "".join(f'<sheet name="s{n}" sheetId="{n + 2}" r:id="rId1"/>'
                                     for n in range(255)) + "</sheets>")}), ".damaged"),
        )
    ]  # fmt: skip


RECIPES = _recipes()
