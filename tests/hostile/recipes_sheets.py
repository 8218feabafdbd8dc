"""Sheets: what is hidden, where cells say that they are, which sheet is the extract."""

from making import (
    BOOK,
    HEADINGS,
    RELATIONS,
    SHEET,
    Change,
    cell,
    clean,
    column,
    listing,
    relations,
    replacing,
    sheet,
    workbook,
)
from recipes import Recipe, recipe

HIDDEN, DAMAGED, OVER = ".hidden-refused", ".damaged", ".over-limit"
SECOND = "xl/worksheets/sheet2.xml"
TWO = relations(
    ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "worksheet", "worksheets/sheet2.xml")
)
NOTES = sheet().replace(HEADINGS[0].encode(), b"note").replace(b"Date of", b"on")


def second(state: str = "", data: bytes | None = None) -> bytes:
    """A second sheet, listed with an attribute of its own."""
    lines = listing("Extract", "Second").replace(b'sheetId="2"', b'sheetId="2" ' + state.encode())
    made = sheet() if data is None else data
    return workbook(parts={BOOK: lines, RELATIONS: TWO, SECOND: made})


def on_sheet(old: str, new: str) -> bytes:
    return workbook(parts={SHEET: replacing(old, new)})


def adding(xml: str) -> bytes:
    """Cells in a row of their own, below the table."""
    return on_sheet("</sheetData>", f"{xml}</sheetData>")


def titled(name: str) -> bytes:
    return workbook(parts={BOOK: listing(name)})


def under_prefix() -> Change:
    def change(xml: bytes) -> bytes:
        for name in (b"worksheet", b"sheetData", b"row", b"c", b"is", b"t"):
            xml = xml.replace(b"<" + name + b" ", b"<x:" + name + b" ")
            xml = xml.replace(b"<" + name + b">", b"<x:" + name + b">")
            xml = xml.replace(b"</" + name + b">", b"</x:" + name + b">")
        return xml.replace(b"xmlns=", b"xmlns:x=")

    return change


def _recipes() -> list[Recipe]:
    family = "sheets: what is hidden"
    row, cols = '<row r="2">', "<sheetData>"
    made = [
        recipe(family, name, lambda old=old, new=new: on_sheet(old, new), codes)
        for name, old, new, codes in (
            ("a row", row, '<row r="2" hidden="1">', HIDDEN),
            ("a row, in words", row, "<row hidden = 'true' r='2'>", HIDDEN),
            ("a row, by a reference", row, '<row r="2" hidden="&#x31;">', HIDDEN),
            ("a row behind a sign", row, '<row x=">" r="2" hidden="1">', HIDDEN),
            ("a row without height", row, '<row r="2" ht="0" customHeight="1">', HIDDEN),
            ("the heading row", '<row r="1">', '<row r="1" hidden="1">', HIDDEN),
            ("a column", cols, '<cols><col min="3" max="3" hidden="1"/></cols><sheetData>', HIDDEN),
            ("a column without width", cols,
             '<cols><col min="3" max="3" width="0"/></cols><sheetData>', HIDDEN),
            ("all columns by default", cols,
             '<sheetFormatPr defaultColWidth="0"/><sheetData>', HIDDEN),
            ("a row that is shown", row, '<row r="2" hidden="0" ht="15">', ""),
            ("columns far beyond", cols,
             '<cols><col min="90" max="16384" hidden="1"/></cols><sheetData>', ""),
        )
    ]  # fmt: skip
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("a sheet", lambda: second('state="hidden"', NOTES), ".hidden-sheet-refused"),
            ("a sheet, deeply", lambda: second('state="veryHidden"', NOTES),
             ".hidden-sheet-refused"),
            ("a sheet in a state of no name", lambda: second('state="gone"', NOTES), DAMAGED),
            ("a second table", lambda: second('state="hidden"'), ".hidden-sheet-refused"),
            ("the only table", lambda: workbook(parts={
                BOOK: replacing('sheetId="1"', 'sheetId="1" state="hidden"')}), ".no-headings"),
            ("a row in a prefix", lambda: workbook(parts={SHEET: lambda xml: under_prefix()(
                xml.replace(b'<row r="2">', b'<row r="2" hidden="1">'))}), HIDDEN),
        )
    ]  # fmt: skip
    family = "sheets: places, extents and which one"
    far = cell("A1048576", "x")
    made += [
        recipe(family, f"a cell at {place or 'nothing'}",
               lambda place=place: on_sheet('r="B2"', f'r="{place}"'), codes)
        for place, codes in (
            ("", DAMAGED), ("A", DAMAGED), ("7", DAMAGED), ("A0", DAMAGED), ("XFE2", DAMAGED),
            ("A1048577", DAMAGED), ("AAAA2", DAMAGED), ("A99999999999", DAMAGED), ("B-2", DAMAGED),
            ("$B$2", DAMAGED), ("R2C2", DAMAGED), ("\u00c92", DAMAGED),
        )
    ]  # fmt: skip
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("a row of no number", lambda: on_sheet('<row r="2">', '<row r="x">'), DAMAGED),
            ("a row beyond every sheet", lambda: on_sheet('<row r="2">', '<row r="1048577">'),
             DAMAGED),
            ("a cell in the last row",
             lambda: adding(f'<row r="1048576">{far}</row>'), OVER),
            ("a cell in the last column", lambda: adding(
                '<row r="9">' + cell("XFD9", "x") + "</row>"), "row.long cell.required rule.one-of"),
            ("both, which span everything", lambda: adding(
                '<row r="9">' + cell("XFD9", "x") + f'</row><row r="1048576">{far}</row>'), OVER),
            ("an extent that lies", lambda: on_sheet(
                "<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>'), ""),
            ("an extent of words", lambda: on_sheet(
                "<sheetData>", '<dimension ref="everything"/><sheetData>'), DAMAGED),
            ("two tables", second, ".two-tables"),
            ("a sheet of notes beside", lambda: second(data=NOTES), ".other-sheets"),
            ("no cell at all", lambda: workbook(parts={
                SHEET: b'<worksheet xmlns="x"><sheetData/></worksheet>'}), ".no-headings"),
            ("headings on row 60", lambda: workbook(parts={
                SHEET: sheet(clean(1), first=60)}), ".no-headings"),
            ("headings on row 40", lambda: workbook(parts={SHEET: sheet(clean(1), first=40)}), ""),
            ("a heading twice", lambda: workbook(parts={
                SHEET: replacing("Report author", "Gender")}), ".heading-twice"),
            ("a heading gone", lambda: workbook(parts={
                SHEET: replacing("Local authority", "Authority of sorts")}), ".heading-missing"),
            ("merged cells without end", lambda: on_sheet(
                "</sheetData>", '</sheetData><mergeCells count="1">'
                '<mergeCell ref="A1:XFD1048576"/></mergeCells>'), ""),
            ("merged cells of words", lambda: on_sheet(
                "</sheetData>", '</sheetData><mergeCells><mergeCell ref="x"/></mergeCells>'), DAMAGED),
            ("a prefix for everything", lambda: workbook(parts={SHEET: under_prefix()}), ""),
            ("rows out of order", lambda: workbook(parts={SHEET: replacing(
                '<row r="3">', '<row r="1">')}), ""),
        )
    ]  # fmt: skip
    family = "names of sheets and headings"
    names = {
        "a formula": "=cmd|'/c calc'!A1",
        "markup": "&lt;script&gt;alert(1)&lt;/script&gt;",
        "an escape sequence": "&#x9;&#xA;x",
        "writing turned about": "\u202etcartxE",
        "of 400 characters": "n" * 400,
        "of no character": "",
        "a path": "../../etc/passwd",
        "braces and percents": "{drop}%s%n",
    }
    made += [
        recipe(family, f"a sheet: {what}", lambda name=name: titled(name), "")
        for what, name in names.items()
    ]
    made += [
        recipe(family, f"a heading: {what}", lambda word=word: workbook(
            parts={SHEET: lambda xml: xml.replace(b"</row>", cell(
                f"{column(len(HEADINGS))}1", word).encode() + b"</row>", 1)}), codes)
        for what, word, codes in (
            ("a formula", "=1+1", ""), ("markup", "<b>Gender</b>", ""),
            ("of 50,000 characters", "h" * 50_000, ""), ("spaces", "   ", ""),
            ("one agreed, with a mark in it", "Gen\u200bder", ""),
            ("one agreed, in wide letters", "\uff27\uff45\uff4e\uff44\uff45\uff52",
             ".heading-twice"),
            ("one agreed, in other case", "gENDER", ".heading-twice"),
            ("one agreed, in letters of another script", "G\u0435nder", ""),
        )
    ]  # fmt: skip
    return made


RECIPES = _recipes()
