"""Whatever bytes come, the answer is a table or a refusal; and the reader reaches for no file."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.intake.reading import Refused, open_table

ROWS = [
    ["Reference number", "Gender", "Date of birth", "Case information"],
    ["SCN0001", "Male", 40210, "text"],
    ["SCN0002", True, "", "more\ntext"],
]
SEPARATED = b"Reference number,Gender,Date of birth\r\nSCN0001,Male,01/02/2010\r\n"
READ_APART = """
import io, pathlib, sys
from gateway.agreement.model import RuleBook
from gateway.intake.reading import Refused, open_table

folder = pathlib.Path(sys.argv[1])
book = RuleBook.model_validate_json((folder / "book.json").read_text())
streams = [io.BytesIO(path.read_bytes()) for path in sorted(folder.glob("*.drop"))]
reached = []

def watch(event, arguments):
    if event in ("open", "import", "os.listdir", "os.scandir", "subprocess.Popen"):
        reached.append(f"{event} {arguments[0]}")

sys.addaudithook(watch)
refused = 0
for stream in streams:
    try:
        table = open_table(stream, book)
        for _ in table.batches(range(len(table.headings))):
            pass
    except Refused:
        refused += 1
print(len(streams), refused, reached)
"""


def _orderly(data, book):
    """Read everything; only a refusal may interrupt."""
    try:
        table = open_table(io.BytesIO(data), book)
        for batch in table.batches(range(len(table.headings))):
            assert len(batch.frame)
    except Refused as refusal:
        assert refusal.findings


@pytest.fixture(scope="module")
def workbook(xlsx):
    def shape(_, sheet):
        sheet.write_formula(3, 0, "=NA()", None, "#N/A")

    return xlsx(ROWS, shape)


@given(st.binary(max_size=300))
def test_any_bytes(small_book, data):
    _orderly(data, small_book())


@given(st.binary(max_size=60), st.sampled_from([b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe"]))
def test_any_bytes_after_a_familiar_start(small_book, data, start):
    _orderly(start + data, small_book())


@given(st.integers(0, len(SEPARATED)), st.binary(max_size=20), st.integers(0, 12))
def test_text_with_any_bytes_in_it(small_book, at, data, instead_of):
    _orderly(SEPARATED[:at] + data + SEPARATED[at + instead_of :], small_book())


places = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)


@given(places)
def test_a_workbook_with_bytes_changed(small_book, workbook, changes):
    data = bytearray(workbook)
    for place, value in changes:
        data[int(place * len(data))] = value
    _orderly(bytes(data), small_book())


MARKS = [
    b"",
    b"<",
    b">",
    b"</row>",
    b'<row r="9" hidden="1">',
    b'"',
    b"&#1;",
    b"&x;",
    b"<c",
    b"99999",
]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(
    part=st.sampled_from(
        [
            "xl/worksheets/sheet1.xml",
            "xl/sharedStrings.xml",
            "xl/styles.xml",
            "xl/workbook.xml",
            "xl/_rels/workbook.xml.rels",
            "_rels/.rels",
            "[Content_Types].xml",
        ]
    ),
    place=st.floats(0, 1, exclude_max=True),
    instead=st.one_of(st.sampled_from(MARKS), st.binary(max_size=8)),
    length=st.integers(0, 40),
)
def test_a_part_with_bytes_changed(small_book, workbook, rezip, part, place, instead, length):
    def change(xml):
        at = int(place * len(xml))
        return xml[:at] + instead + xml[at + length :]

    _orderly(rezip(workbook, {part: change}), small_book(hidden="report"))


@pytest.mark.parametrize(
    "place", ["A", "99", "", "A0", "ZZZZZZ1", "A99999999999", "XFE1", "A1048577", "\u00e9"]
)
def test_places_that_no_sheet_has(small_book, workbook, rezip, place):
    def change(xml):
        return xml.replace(b'r="A2"', f'r="{place}"'.encode())

    _orderly(rezip(workbook, {"xl/worksheets/sheet1.xml": change}), small_book())


def test_the_reader_opens_and_loads_nothing(small_book, workbook, tmp_path):
    """It runs where no file can be opened: every kind of file once, in a process that watches."""
    accents = "\r\nSCN0002,Zo\u00eb,\r\n"
    drops = [
        workbook,
        SEPARATED,
        SEPARATED + accents.encode("utf-8")[2:],
        SEPARATED + accents.encode("cp1252")[2:],
        (SEPARATED.decode() + accents).encode("utf-16"),
        b"\xfe\xff" + SEPARATED.decode().encode("utf-16-be"),
        b"nothing,known\r\n1,2\r\n",
        b"\x81\r\n",
        workbook[:-30],
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
    ]
    for number, drop in enumerate(drops):
        (tmp_path / f"{number}.drop").write_bytes(drop)
    (tmp_path / "book.json").write_text(small_book().model_dump_json())
    done = subprocess.run(
        [sys.executable, "-c", READ_APART, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert done.stdout.split("\n")[0] == f"{len(drops)} 4 []", done.stderr
