"""What a workbook carries beside its sheets is told by its kind, and only by its kind."""

import datetime as dt

import pytest

from gateway.intake.findings import finding

HEAD = ["Reference number", "Gender", "Date of birth", "Case information"]
ROW = ["SCN0001", "Male", dt.date(2010, 2, 1), "text"]
BOOK = "xl/workbook.xml"


@pytest.fixture
def good(xlsx):
    return xlsx([HEAD, ROW])


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("xl/embeddings/oleObject1.bin", "file.embedded-objects"),
        ("xl/embeddings/Microsoft_Word_Document.docx", "file.embedded-objects"),
        ("xl/activeX/activeX1.xml", "file.embedded-objects"),
        ("xl/ctrlProps/ctrlProp1.xml", "file.embedded-objects"),
        ("xl/webextensions/taskpanes.xml", "file.embedded-objects"),
        ("xl/comments1.xml", "file.comments"),
        ("xl/threadedComments/threadedComment1.xml", "file.comments"),
        ("xl/media/image1.png", "file.comments"),
        ("xl/diagrams/data1.xml", "file.comments"),
        ("customXml/item1.xml", "file.custom-xml"),
        ("xl/xmlMaps.xml", "file.custom-xml"),
        ("xl/customProperty1.bin", "file.custom-xml"),
        ("xl/revisions/revisionLog1.xml", "file.change-history"),
        ("xl/externalLinks/externalLink1.xml", "file.external-links"),
        ("xl/connections.xml", "file.external-links"),
        ("xl/queryTables/queryTable1.xml", "file.external-links"),
    ],
)
def test_a_part_is_told_by_its_kind(read, rezip, good, part, code):
    reading = read(rezip(good, {part: b"<a/>"}))
    assert reading.queries == [finding(code)]
    assert len(reading.values) == 1


def test_each_kind_is_told_once_beside_the_others(read, rezip, good):
    parts = ["xl/embeddings/a.bin", "xl/embeddings/b.bin", "customXml/i.xml", "xl/comments1.xml"]
    assert read(rezip(good, dict.fromkeys(parts, b"<a/>"))).codes == [
        "file.embedded-objects",
        "file.comments",
        "file.custom-xml",
    ]


@pytest.mark.parametrize(
    ("formula", "count"),
    [
        ("Extract!$A$1:$D$2", 0),
        ("'a \"quoted\" {sheet}'!$A$1", 0),
        ("OFFSET(Extract!$A$1,0,0,9,1)", 0),
        ('"Amy Pond"', 1),
        ('{"Amy";"Rory"}', 1),
        ("{1,2,3}", 1),
        ("4857773456", 1),
        ("-1.5E+10", 1),
        ("TRUE", 1),
        ('IF(Extract!$A$1="",1,2)', 1),
    ],
)
def test_names_that_hold_values(read, rezip, good, formula, count):
    escaped = formula.replace('"', "&quot;")
    names = f'<definedNames><definedName name="n" hidden="1">{escaped}</definedName></definedNames>'
    change = {BOOK: lambda xml: xml.replace(b"</sheets>", b"</sheets>" + names.encode())}
    assert read(rezip(good, change)).queries == [finding("file.defined-names", count=1)] * count


def test_sheets_that_the_workbook_does_not_list(read, rezip, good):
    left = {"xl/worksheets/sheet7.xml": b"<worksheet/>", "xl/worksheets/Old.XML": b"<worksheet/>"}
    assert read(rezip(good, left)).queries == [finding("file.unlisted-sheets", count=2)]


def test_document_properties(read, xlsx):
    def shape(workbook, _):
        workbook.set_properties({"author": "A Name", "company": "A body", "comments": "words"})
        workbook.set_custom_property("Case", "a reference")
        workbook.set_custom_property("Checked by", "another name")

    # who made it, and for which body, stands in every workbook
    assert read(xlsx([HEAD, ROW], shape)).queries == [finding("file.properties", count=3)]


@pytest.mark.parametrize("name", ["docProps/core.xml", "package/services/1.psmdcp"])
def test_properties_wherever_a_program_puts_them(read, rezip, good, name):
    xml = b'<p:coreProperties xmlns:p="p"><description>%s</description></p:coreProperties>'
    assert read(rezip(good, {name: xml % b"words"})).codes == ["file.properties"]
    assert read(rezip(good, {name: xml % b" \n "})).codes == []
    author = xml.replace(b"description", b"creator")
    assert read(rezip(good, {name: author % b"A Name"})).codes == []
    assert read(rezip(good, {name: xml[:20]})).codes == ["file.properties"]


def test_nothing_is_told_of_a_plain_workbook(read, good):
    assert read(good).queries == []
