"""XML that fetches, expands, lies or never ends, in each part that could hold it."""

from making import BOOK, CORE, RELATIONS, ROOT, SHEET, STRINGS, STYLES, TYPES, XML, Change, workbook
from recipes import Recipe, recipe

UNSAFE, DAMAGED = ".unsafe-xml", ".damaged"
DTDS = {
    "a bare DTD": b"<!DOCTYPE x>",
    "a billion laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
    "a file of the system": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    "an address": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "a parameter entity": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
    "in small letters": b"<!doctype x>",
    "after a space": b"<! DOCTYPE x>",
    "an entity alone": b'<!ENTITY a "b">',
    "behind a long comment": b"<!--" + b"x" * 70_000 + b"--><!DOCTYPE x>",
    "across two blocks": b"<!--" + b"x" * ((1 << 20) - 70) + b"--><!DOCTYPE x>",
}
PARTS = {"types": TYPES, "root": ROOT, "workbook": BOOK, "relations": RELATIONS, "styles": STYLES}


def before(dtd: bytes) -> Change:
    """The DTD put between the declaration and the root element."""
    return lambda xml: xml.replace(XML, XML + dtd)


def recoded(codec: str, declared: str = "UTF-8", mark: bytes = b"") -> Change:
    def change(xml: bytes) -> bytes:
        return mark + xml.decode().replace('"UTF-8"', f'"{declared}"').encode(codec)

    return change


def strings(told: str, body: str = "<si><t>a</t></si>") -> bytes:
    return XML + f'<sst xmlns="urn:x" {told}>{body}</sst>'.encode()


def _recipes() -> list[Recipe]:
    family = "XML: DTDs and entities"
    made = [
        recipe(family, f"{name}, in the sheet",
               lambda dtd=dtd: workbook(parts={SHEET: before(dtd)}, method=0), UNSAFE)
        for name, dtd in DTDS.items()
    ]  # fmt: skip
    made += [
        recipe(family, f"a billion laughs, in the {name}",
               lambda part=part: workbook(parts={part: before(DTDS["a billion laughs"])}), UNSAFE)
        for name, part in PARTS.items()
    ]  # fmt: skip
    added = (STRINGS, CORE, "docProps/custom.xml", "customXml/item1.xml", "xl/comments1.xml",
             "xl/drawings/vmlDrawing1.vml", "xl/worksheets/_rels/sheet1.xml.rels",
             "xl/theme/theme1.xml")  # fmt: skip
    carried = {"customXml/item1.xml": ".custom-xml", "xl/comments1.xml": ".comments",
               "xl/drawings/vmlDrawing1.vml": ".comments"}  # fmt: skip
    made += [
        recipe(family, f"a bare DTD, in {part}",
               lambda part=part: workbook(parts={part: XML + b"<!DOCTYPE x><x/>"}), UNSAFE)
        for part in added
    ]  # fmt: skip
    made += [
        recipe(family, f"nothing but XML, in {part}",
               lambda part=part: workbook(parts={part: XML + b"<x/>"}), carried[part])
        for part in carried
    ]  # fmt: skip
    made += [
        recipe(family, "an entity that nobody defined",
               lambda: workbook(parts={SHEET: lambda x: x.replace(b"Camden", b"&nobody;")}),
               DAMAGED),
        recipe(family, "a sheet of another ending, with a DTD", lambda: workbook(parts={
            RELATIONS: lambda xml: xml.replace(b"worksheets/sheet1.xml", b"first.bin"),
            "xl/first.bin": XML + b"<!DOCTYPE x><worksheet/>"}), UNSAFE),
        recipe(family, "an instruction to fetch a style sheet", lambda: workbook(parts={
            SHEET: before(b'<?xml-stylesheet href="http://127.0.0.1:9/"?>')})),
        recipe(family, "an inclusion", lambda: workbook(parts={SHEET: lambda x: x.replace(
            b"</worksheet>", b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" '
            b'href="file:///etc/passwd"/></worksheet>')})),
    ]  # fmt: skip
    family = "XML: encodings"
    made += [
        recipe(family, f"{name}, in the {where}",
               lambda part=part, change=change: workbook(parts={part: change}), codes)
        for where, part in (("sheet", SHEET), ("workbook", BOOK))
        for name, change, codes in (
            ("UTF-16, little end", recoded("utf-16-le", "UTF-16", b"\xff\xfe"), UNSAFE),
            ("UTF-16, big end", recoded("utf-16-be", "UTF-16", b"\xfe\xff"), UNSAFE),
            ("UTF-16 without a mark", recoded("utf-16-le"), UNSAFE),
            ("UTF-32", recoded("utf-32", "UTF-32"), UNSAFE),
            ("Latin 1 declared", recoded("latin-1", "ISO-8859-1"), UNSAFE),
            ("UTF-7 declared", recoded("utf-8", "utf-7"), UNSAFE),
            ("EBCDIC", recoded("cp037", "cp037"), DAMAGED),
            ("a NUL within", lambda xml: xml.replace(b"</", b"\0</", 1), UNSAFE),
        )
    ]  # fmt: skip
    made += [
        recipe(family, "UTF-8 with a mark", lambda: workbook(parts={SHEET: recoded("utf-8-sig")})),
        recipe(family, "no declaration",
               lambda: workbook(parts={SHEET: lambda xml: xml.removeprefix(XML)})),
        recipe(family, "bytes that are no UTF-8",
               lambda: workbook(parts={SHEET: lambda x: x.replace(b"Camden", b"\xff\xfe\xfd")}),
               DAMAGED),
    ]  # fmt: skip
    family = "XML: promises, depth and breakage"
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    made += [
        recipe(family, name, lambda parts=parts: workbook(parts=parts, method=0), codes)
        for name, parts, codes in (
            ("four thousand million strings promised",
             {STRINGS: strings('uniqueCount="4000000000"')}, DAMAGED),
            ("promised in words too long for a number",
             {STRINGS: strings("uniqueCount = '99999999999999999999'")}, DAMAGED),
            ("no sheet", {SHEET: b""}, DAMAGED),
            ("half a sheet", {SHEET: lambda xml: xml[: len(xml) // 2]}, DAMAGED),
            ("half a workbook", {BOOK: lambda xml: xml[: len(xml) // 2]}, DAMAGED),
            ("a workbook of words", {BOOK: b"nothing of the kind"}, DAMAGED),
            ("relations of words", {RELATIONS: b"nothing of the kind"}, DAMAGED),
            ("types of words", {TYPES: b"nothing of the kind"}, DAMAGED),
            ("styles of words", {STYLES: b"nothing of the kind"}, DAMAGED),
            ("properties of words", {CORE: b"nothing of the kind"}, ".properties"),
            ("50,000 elements deep, in the workbook",
             {BOOK: lambda xml: xml.replace(b"<sheets>", deep + b"<sheets>")}, ""),
            ("50,000 elements deep, in the sheet",
             {SHEET: lambda xml: xml.replace(b"</worksheet>", deep + b"</worksheet>")}, ""),
            ("an attribute of a megabyte",
             {SHEET: lambda xml: xml.replace(b"<sheetData", b'<sheetData x="' + b"y" * 10**6 + b'"')},
             ""),
            ("an attribute twice",
             {BOOK: lambda xml: xml.replace(b"<sheets", b'<sheets a="1" a="2"')}, DAMAGED),
            ("a workbook of nine megabytes", {BOOK: lambda xml: xml + b" " * (9 << 20)},
             ".unsafe-zip"),
            ("cells within a comment",
             {SHEET: lambda xml: xml.replace(b"<sheetData>", b"<!-- <row><c/></row> --><sheetData>")},
             ""),
        )
    ]  # fmt: skip
    return made


RECIPES = _recipes()
