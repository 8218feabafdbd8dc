"""Workbooks whose parts lead elsewhere, or that carry more than their sheets."""

from making import (
    BOOK,
    CORE,
    RELATIONS,
    ROOT,
    SHEET,
    STYLES,
    TYPES,
    Change,
    listing,
    relations,
    replacing,
    sheet,
    workbook,
)
from recipes import Recipe, recipe

DAMAGED, UNSAFE = ".damaged", ".unsafe-zip"
STYLED = ("rId9", "styles", "styles.xml")


def leading(target: str, kind: str = "worksheet", mode: str = "") -> bytes:
    return relations(("rId1", kind, target), STYLED, mode=mode)


def property_of(name: str, words: str) -> bytes:
    return f'<p:cp xmlns:p="p" xmlns:d="d"><d:{name}>{words}</d:{name}></p:cp>'.encode()


def named(formula: str, more: str = "") -> Change:
    name = f'<definedName name="n"{more}>{formula}</definedName>'
    return replacing("</sheets>", f"</sheets><definedNames>{name}</definedNames>")


def declared(kind: str, part: str = "xl/odd.bin") -> Change:
    return replacing("</Types>", f'<Override PartName="/{part}" ContentType="{kind}"/></Types>')


def _recipes() -> list[Recipe]:
    family = "OOXML: relationships"
    twice = relations(("rId1", "officeDocument", BOOK), ("rId2", "officeDocument", "xl/b.xml"))
    made = [
        recipe(family, name, lambda parts=parts: workbook(parts=parts), codes)
        for name, parts, codes in (
            ("no types", {TYPES: None}, ".unknown-format"),
            ("no root", {ROOT: None}, DAMAGED),
            ("no workbook", {BOOK: None}, ".unknown-format"),
            ("no relations of the workbook", {RELATIONS: None}, DAMAGED),
            ("no sheet", {SHEET: None}, DAMAGED),
            ("no styles", {STYLES: None}, ""),
            ("two workbooks", {ROOT: twice, "xl/b.xml": listing("x")}, UNSAFE),
            ("the root leads nowhere", {ROOT: relations()}, UNSAFE),
            ("the root leads to an address",
             {ROOT: relations(("rId1", "officeDocument", "http://127.0.0.1:9/"))}, UNSAFE),
            ("the root leads up", {ROOT: relations(("rId1", "officeDocument", "../x.xml"))}, UNSAFE),
            ("the root leads beside the folder",
             {ROOT: relations(("rId1", "officeDocument", "workbook.xml"))}, UNSAFE),
            ("the root leads deeper",
             {ROOT: relations(("rId1", "officeDocument", "xl/a/workbook.xml"))}, UNSAFE),
            ("the root leads to what is not there",
             {ROOT: relations(("rId1", "officeDocument", "xl/none.xml"))}, DAMAGED),
            ("an id twice", {RELATIONS: relations(
                ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId1", "styles", "styles.xml"))},
             UNSAFE),
            ("the sheet is an address", {RELATIONS: leading("http://127.0.0.1:9/s")}, DAMAGED),
            ("the sheet is a file of the system", {RELATIONS: leading("file:///etc/passwd")},
             DAMAGED),
            ("the sheet is said to be outside",
             {RELATIONS: leading("worksheets/sheet1.xml", mode=' TargetMode="External"')}, ""),
            ("the sheet leads up", {RELATIONS: leading("../../etc/passwd")}, DAMAGED),
            ("the sheet from the root", {RELATIONS: leading("/xl/worksheets/sheet1.xml")}, ""),
            ("the sheet in capitals", {RELATIONS: leading("WORKSHEETS/SHEET1.XML")}, ""),
            ("the sheet is a chart", {RELATIONS: leading("worksheets/sheet1.xml", "chartsheet")},
             ".no-headings"),
            ("the sheet is a dialogue", {RELATIONS: leading("worksheets/sheet1.xml", "dialogsheet")},
             ".no-headings"),
            ("the sheet is a macro sheet of old",
             {RELATIONS: leading("worksheets/sheet1.xml", "xlMacrosheet")}, DAMAGED),
            ("the sheet is the workbook", {RELATIONS: leading("workbook.xml")},
             ".no-headings"),
            ("one part for two sheets", {
                BOOK: listing("A", "B"), RELATIONS: relations(
                    ("rId1", "worksheet", "worksheets/sheet1.xml"),
                    ("rId2", "worksheet", "worksheets/sheet1.xml"))}, ".two-tables"),
            ("a listed sheet without a part", {BOOK: listing("A", "B")}, DAMAGED),
            ("nothing listed", {BOOK: listing()}, DAMAGED),
            ("a name listed twice", {BOOK: listing("A", "A")}, DAMAGED),
            ("300 sheets listed", {BOOK: listing(*(f"s{n}" for n in range(300)))}, DAMAGED),
            ("an ODS beside it", {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"},
             ""),
        )
    ]  # fmt: skip
    family = "OOXML: what is carried beside the sheets"
    carried = {
        "xl/vbaProject.bin": ".macros",
        "xl/vbaProjectSignature.bin": ".macros",
        "xl/macrosheets/sheet1.xml": ".macros",
        "xl/pivotCache/pivotCacheDefinition1.xml": ".pivot-refused",
        "xl/pivotTables/pivotTable1.xml": ".pivot-refused",
        "xl/model/item.data": ".pivot-refused",
        "xl/externalLinks/externalLink1.xml": ".external-links",
        "xl/connections.xml": ".external-links",
        "xl/queryTables/queryTable1.xml": ".external-links",
        "xl/embeddings/oleObject1.bin": ".embedded-objects",
        "xl/embeddings/Workbook.xlsx": ".embedded-objects",
        "xl/activeX/activeX1.bin": ".embedded-objects",
        "xl/ctrlProps/ctrlProp1.xml": ".embedded-objects",
        "xl/webextensions/webextension1.xml": ".embedded-objects",
        "xl/threadedComments/threadedComment1.xml": ".comments",
        "xl/media/image1.png": ".comments",
        "xl/charts/chart1.xml": ".comments",
        "xl/diagrams/data1.xml": ".comments",
        "xl/xmlMaps.xml": ".custom-xml",
        "xl/customProperty1.bin": ".custom-xml",
        "xl/revisions/revisionLog1.xml": ".change-history",
        "xl/worksheets/sheet9.xml": ".unlisted-sheets",
    }
    made += [
        recipe(family, part, lambda part=part: workbook(parts={part: b"<a/>"}), codes)
        for part, codes in carried.items()
    ]
    made += [
        recipe(family, name, lambda parts=parts: workbook(parts=parts), codes)
        for name, parts, codes in (
            ("macros by the declared type alone",
             {TYPES: replacing("spreadsheetml.sheet.main", "ms-excel.sheet.macroEnabled.main")},
             ".macros"),
            ("a template with macros",
             {TYPES: declared("application/vnd.ms-excel.template.macroEnabled.main+xml")}, ".macros"),
            ("a pivot cache under another name",
             {TYPES: declared("application/x.pivotCacheRecords+xml")}, ".pivot-refused"),
            ("links and a pivot at once",
             {"xl/externalLinks/a.xml": b"<a/>", "xl/pivotCache/b.xml": b"<a/>"},
             ".pivot-refused"),
            ("a name that holds a text", {BOOK: named("&quot;Amy Pond&quot;")}, ".defined-names"),
            ("a hidden name that holds a list",
             {BOOK: named("{&quot;a&quot;,1}", ' hidden="1"')}, ".defined-names"),
            ("a name that holds a number", {BOOK: named("4857773456")}, ".defined-names"),
            ("a name that says where", {BOOK: named("Extract!$A$1:$B$2")}, ""),
            ("a name that calls a program", {BOOK: named("cmd|'/c calc'!A1")}, ""),
            ("an author", {CORE: property_of("creator", "A Name")}, ""),
            ("a title", {CORE: property_of("title", "words")}, ""),
            ("keywords", {CORE: property_of("keywords", "words")}, ".properties"),
            ("a manager", {"docProps/app.xml": property_of("Manager", "A Name")}, ".properties"),
            ("a property of one's own",
             {"docProps/custom.xml": b"<P><property><x>words</x></property></P>"}, ".properties"),
            ("no author at all", {CORE: property_of("creator", "")}, ""),
            ("a program for an author", {CORE: property_of("creator", "openpyxl")}, ""),
            ("a second sheet with the same table, not listed",
             {"xl/worksheets/sheet2.xml": sheet()}, ".unlisted-sheets"),
        )
    ]  # fmt: skip
    return made


RECIPES = _recipes()
