"""Zips built to mislead whoever opens them."""

import io
import struct
import zipfile

import pytest

ROWS = [["Reference number", "Gender", "Date of birth"], ["SCN0001", "Male", ""]]
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture(scope="module")
def good(xlsx):
    return xlsx(ROWS)


def _central(data, name):
    """Where the central entry of a member starts."""
    at = data.rindex(b"PK\x05\x06")
    at = struct.unpack_from("<I", data, at + 16)[0]
    while data[at : at + 4] == b"PK\x01\x02":
        names, extras, comments = struct.unpack_from("<3H", data, at + 28)
        if data[at + 46 : at + 46 + names] == name.encode():
            return at
        at += 46 + names + extras + comments
    raise AssertionError(name)


def _patched(data, at, form, value):
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def test_the_good_one_is_read(read, good, rezip):
    assert read(good).values == [("SCN0001", "Male", None)]
    assert read(rezip(good, {})).values == [("SCN0001", "Male", None)]


@pytest.mark.parametrize(
    "name",
    [
        "../evil.xml",
        "/etc/evil.xml",
        "xl\\evil.xml",
        "C:/evil.xml",
        "xl/../../evil.xml",
        "xl//evil.xml",
        "xl/./evil.xml",
        "xl/ev\x01il.xml",
        "XL/workbook.xml",
        "xl/Styles.XML",
    ],
)
def test_member_names(refusal, good, rezip, name):
    assert refusal(rezip(good, {name: b"<a/>"})) == ["file.unsafe-zip"]


def test_folders_and_accents_among_the_names_are_no_harm(read, good, rezip):
    assert read(rezip(good, {"xl/media/": b"", "docProps/é.xml": b"<a/>"})).rows


def test_a_name_in_no_encoding(refusal, good, rezip):
    data = rezip(good, {"docProps/q.xml": b"<a/>"}).replace(b"docProps/q.xml", b"docProps/\xff.xml")
    assert refusal(data) == ["file.unsafe-zip"]


def test_two_members_of_one_name(refusal, good):
    stream = io.BytesIO(good)
    with zipfile.ZipFile(stream, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(SHEET, b"<worksheet/>")
    assert refusal(stream.getvalue()) == ["file.unsafe-zip"]


def test_an_encrypted_member(refusal, good):
    at = _central(good, SHEET)
    assert refusal(_patched(good, at + 8, "<H", 1)) == ["file.encrypted"]
    local = struct.unpack_from("<I", good, at + 42)[0]
    assert refusal(_patched(good, local + 6, "<H", 1)) == ["file.encrypted"]


@pytest.mark.parametrize(
    ("field", "form", "value"),
    [
        (10, "<H", 12),  # method: bzip2
        (16, "<I", 1),  # crc, against the member's own header
        (20, "<I", 5),  # packed size
        (24, "<I", 7),  # unpacked size
        (24, "<I", 0xFFFFFFFF),  # in a zip64 field that is not there
        (34, "<H", 1),  # another disk
        (42, "<I", 1),  # where the member starts
        (28, "<H", 60_000),  # a name beyond the directory
    ],
)
def test_the_directory_differs_from_the_members(refusal, good, field, form, value):
    assert refusal(_patched(good, _central(good, SHEET) + field, form, value)) == [
        "file.unsafe-zip"
    ]


def test_the_own_header_names_another_part(refusal, good):
    local = struct.unpack_from("<I", good, _central(good, SHEET) + 42)[0]
    changed = bytearray(good)
    changed[local + 30] ^= 1
    assert refusal(bytes(changed)) == ["file.unsafe-zip"]


def test_members_that_share_bytes(refusal, good):
    """The sheet's entry points at another member's header, as an overlapping bomb's does."""
    at, other = _central(good, SHEET), _central(good, "xl/workbook.xml")
    start = struct.unpack_from("<I", good, other + 42)[0]
    assert refusal(_patched(good, at + 42, "<I", start)) == ["file.unsafe-zip"]


@pytest.mark.parametrize(("field", "value"), [(4, 1), (8, 3), (12, 10), (20, 5)])
def test_the_end_record_lies(refusal, good, field, value):
    at = good.rindex(b"PK\x05\x06")
    assert refusal(_patched(good, at + field, "<H", value)) == ["file.unsafe-zip"]


def test_more_entries_than_there_are(refusal, good):
    at = good.rindex(b"PK\x05\x06")
    entries = struct.unpack_from("<H", good, at + 8)[0]
    for wrong in (entries + 1, entries - 1):
        data = _patched(_patched(good, at + 8, "<H", wrong), at + 10, "<H", wrong)
        assert refusal(data) == ["file.unsafe-zip"]


def test_too_many_members(refusal, good, rezip):
    many = {f"docProps/{number}.xml": b"" for number in range(10_001)}
    assert refusal(rezip(good, many)) == ["file.unsafe-zip"]


def test_bytes_before_or_after_the_zip(refusal, good):
    assert refusal(good + b"PK") == ["file.damaged"]
    assert refusal(b"PK\x03\x04 not a zip" + good) == ["file.unsafe-zip"]


def test_a_zip_bomb_that_says_so(refusal, good, rezip):
    assert refusal(rezip(good, {"xl/media/big.xml": b" " * 3_000_000})) == ["file.zip-bomb"]


def test_a_zip_bomb_that_lies(refusal, good, rezip):
    """Declared as a few bytes; what it unpacks to decides."""
    bomb = rezip(good, {"docProps/big.xml": b"<a>" + b" " * 3_000_000 + b"</a>"})
    at = _central(bomb, "docProps/big.xml")
    local = struct.unpack_from("<I", bomb, at + 42)[0]
    lying = _patched(_patched(bomb, at + 24, "<I", 900), local + 22, "<I", 900)
    assert refusal(lying) == ["file.zip-bomb"]


def test_a_member_longer_or_shorter_than_it_says(refusal, good):
    at = _central(good, SHEET)
    local = struct.unpack_from("<I", good, at + 42)[0]
    for wrong in (100, 100_000):
        lying = _patched(_patched(good, at + 24, "<I", wrong), local + 22, "<I", wrong)
        assert refusal(lying) == ["file.unsafe-zip"]


def test_more_than_four_gigabytes_in_all(refusal, good, rezip):
    """Declared sizes are enough to refuse; nothing is unpacked."""
    data = rezip(good, {"docProps/big.xml": b"<a/>"})
    at = _central(data, "docProps/big.xml")
    data = _patched(_patched(data, at + 24, "<I", 0xFFFFFFFE), at + 20, "<I", 0xFFFFFFFE)
    assert refusal(data) == ["file.zip-bomb"]


def test_bits_that_do_not_inflate_or_do_not_match(refusal, good):
    at = _central(good, SHEET)
    local = struct.unpack_from("<I", good, at + 42)[0]
    crc = struct.unpack_from("<I", good, at + 16)[0]
    other = _patched(_patched(good, at + 16, "<I", crc ^ 1), local + 14, "<I", crc ^ 1)
    assert refusal(other) == ["file.damaged"]
    names, extras = struct.unpack_from("<2H", good, local + 26)
    broken = _patched(good, local + 30 + names + extras, "<I", 0xFFFFFFFF)
    assert refusal(broken) == ["file.damaged"]


def test_a_stored_workbook_with_wide_sizes_is_read(read, good):
    """Stored members whose sizes stand in zip64 fields, as some writers always put them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part:
                part.write(old.read(name))
    assert read(stream.getvalue()).values == [("SCN0001", "Male", None)]


class _Unseekable(io.RawIOBase):
    """Makes zipfile write sizes after the data, as streaming writers do."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def test_sizes_that_follow_the_data_are_read(read, good):
    stream = _Unseekable()
    with (
        zipfile.ZipFile(io.BytesIO(good)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert read(bytes(stream.data)).values == [("SCN0001", "Male", None)]


def test_an_empty_part_that_is_called_deflated_is_no_harm(read, refusal, good, rezip):
    """LibreOffice writes an empty thumbnail so: no byte at all, not even of an empty stream."""
    name = "docProps/thumbnail.wmf"
    stored = rezip(good, {name: b""}, zipfile.ZIP_STORED)
    at = _central(stored, name)
    local = struct.unpack_from("<I", stored, at + 42)[0]
    called = _patched(_patched(stored, at + 10, "<H", 8), local + 8, "<H", 8)
    assert read(called).values == [("SCN0001", "Male", None)]
    lying = _patched(_patched(called, at + 24, "<I", 9), local + 22, "<I", 9)
    assert refusal(lying) == ["file.unsafe-zip"]


@pytest.mark.parametrize(
    "xml",
    [
        b'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "b">]><sst/>',
        b'<?xml version="1.0"?><!-- ' + b"x" * 2_000_00 + b" --><!DOCTYPE sst><sst/>",
        '<?xml version="1.0" encoding="UTF-16"?><sst/>'.encode("utf-16"),
        '<?xml version="1.0"?><sst/>      '.encode("utf-16-be"),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><sst/>',
        b"<?xml version='1.0' encoding='utf-7'?><sst/>",
    ],
)
@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/workbook.xml", "docProps/app.xml"])
def test_a_dtd_or_another_encoding(refusal, good, rezip, part, xml):
    assert refusal(rezip(good, {part: xml})) == ["file.unsafe-xml"]


def test_what_is_no_xml_may_hold_anything(read, good, rezip):
    assert read(rezip(good, {"xl/printerSettings/p.bin": "<!DOCTYPE".encode("utf-16")})).rows
