"""What a file is, whatever its name says: each kind that is no extract has its own answer."""

import gzip
import io
import zipfile

import msoffcrypto
import pytest

from gateway.intake.reading import Refused

SHEET = [["Reference number", "Gender", "Date of birth"], ["SCN0001", "Male", ""]]
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def _zip(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"   \r\n\r\n\t\n", b" " * 5000, b" " * 5000 + b"\n"],
)
def test_an_empty_file(refusal, data):
    assert refusal(data) == ["file.empty"]


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"Reference number,Gender,Date of birth\r\n", mtime=0),
        b"%PDF-1.7\n1 0 obj",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 30,
        b"\xff\xd8\xff\xe0" + b"\0" * 30,
        b"<!DOCTYPE html><html><table><tr><td>Reference number</td></tr></table></html>",
        b"\xef\xbb\xbf\r\n <HTML><body/></HTML>",
        b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>",
        b"{\\rtf1\\ansi Reference number}",
        b"7z\xbc\xaf\x27\x1c" + b"\0" * 30,
        b"PK\x05\x06" + b"\0" * 18,
        b"x" * 257 + b"ustar" + b"\0" * 200,
        OLE + b"\0" * 600 + "WordDocument".encode("utf-16-le"),
    ],
)
def test_a_file_that_is_not_what_its_name_may_say(refusal, data):
    assert refusal(data) == ["file.unknown-format"]


def test_zips_that_are_no_workbook(refusal):
    assert refusal(_zip(readme="hello")) == ["file.unknown-format"]
    ods = _zip(mimetype="application/vnd.oasis.opendocument.spreadsheet", content_xml="<a/>")
    assert refusal(ods) == ["file.unknown-format"]
    docx = _zip(**{"[Content_Types]_xml": "<Types/>", "word__document_xml": "<a/>"})
    assert refusal(docx) == ["file.unknown-format"]
    xlsb = _zip(**{"[Content_Types]_xml": "<Types/>", "xl__workbook.bin": b"\x83\x01"})
    assert refusal(xlsb) == ["file.unknown-format"]


def test_a_workbook_under_a_password(xlsx, refusal):
    plain, locked = io.BytesIO(xlsx(SHEET)), io.BytesIO()
    msoffcrypto.OfficeFile(plain).encrypt("a password", locked)
    assert locked.getvalue().startswith(OLE)
    assert refusal(locked.getvalue()) == ["file.encrypted"]


def test_a_stream_name_across_two_blocks_is_still_seen(refusal):
    name = "EncryptedPackage".encode("utf-16-le")
    data = OLE.ljust((1 << 20) - 9, b"\0") + name
    assert refusal(data) == ["file.encrypted"]


@pytest.mark.parametrize("name", ["Workbook\0", "Book\0"])
def test_a_legacy_workbook(refusal, name):
    assert refusal(OLE + b"\0" * 1000 + name.encode("utf-16-le")) == ["file.legacy-workbook"]


def test_a_legacy_workbook_without_a_container(refusal):
    assert refusal(bytes.fromhex("0908080000051000") + b"\0" * 50) == ["file.legacy-workbook"]


def test_a_kind_that_the_agreement_does_not_take(xlsx, refusal):
    text = b"Reference number,Gender,Date of birth\r\nSCN0001,Male,\r\n"
    assert refusal(text, formats=("xlsx",)) == ["file.format-not-agreed"]
    assert refusal(xlsx(SHEET), formats=("csv",)) == ["file.format-not-agreed"]


def test_a_half_written_workbook(xlsx, refusal):
    whole = xlsx(SHEET)
    for length in (10, 30, 1000, len(whole) // 2, len(whole) - 1):
        assert refusal(whole[:length]) == ["file.damaged"]


def test_a_refusal_says_its_codes_and_nothing_else(read):
    with pytest.raises(Refused, match=r"\Afile\.no-headings\Z"):
        read(b"some,private,text\r\n1,2,3\r\n")
