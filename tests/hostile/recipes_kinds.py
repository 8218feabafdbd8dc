"""Files that are something else, two things at once, locked, or cut off."""

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from functools import cache

import msoffcrypto
from making import HEADINGS, TYPES, clean, members, pack, plain, workbook
from recipes import Recipe, recipe

OTHER, LOCKED, LEGACY, DAMAGED = (
    ".unknown-format", ".encrypted", ".legacy-workbook", ".damaged",
)  # fmt: skip
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
STARTS = {
    "PDF": b"%PDF-1.7\n1 0 obj",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF": b"GIF89a\x01\0\x01\0",
    "TIFF": b"II*\0\x08\0\0\0",
    "RIFF": b"RIFF\x24\0\0\0WAVE",
    "RTF": b"{\\rtf1\\ansi ",
    "ELF": b"\x7fELF\x02\x01\x01",
    "a program of Windows": b"MZ\x90\0\x03\0\0\0",
    "SQLite": b"SQLite format 3\0",
    "Parquet": b"PAR1\x15\x04",
    "7-Zip": b"7z\xbc\xaf\x27\x1c",
    "RAR": b"Rar!\x1a\x07\x01\0",
    "zstandard": b"\x28\xb5\x2f\xfd",
    "bzip2": b"BZh91AY&SY",
    "a zip in several parts": b"PK\x07\x08PK\x03\x04",
}
MARKUP = {
    "HTML as Excel saves it": b"<html xmlns:x='urn:schemas-microsoft-com:office:excel'><table>",
    "an HTML page": b"<!DOCTYPE html><html><body><table><tr><td>Reference number",
    "HTML in capitals": b"\xef\xbb\xbf\r\n<HTML><BODY>",
    "a table alone": b"<table><tr><td>Reference number</td></tr></table>",
    "XML of Excel 2003": b"<?xml version='1.0'?><Workbook xmlns='urn:x'/>",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "a page of metadata": b"<meta http-equiv='refresh' content='0;url=http://127.0.0.1:9/'>",
}


def zipped(names: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in names.items():
            file.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        entry = tarfile.TarInfo("extract.csv")
        entry.size = len(plain())
        file.addfile(entry, io.BytesIO(plain().encode()))
    return stream.getvalue()


@cache
def locked() -> bytes:
    """A workbook under Excel's own password."""
    stream = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(workbook())).encrypt("a password", stream)
    return stream.getvalue()


def ole(*names: str, length: int = 4096) -> bytes:
    return (OLE + b"".join(name.encode("utf-16-le") for name in names)).ljust(length, b"\0")


def _recipes() -> list[Recipe]:
    family = "another kind of file"
    made = [
        recipe(family, name, lambda start=start: start + plain().encode(), OTHER)
        for name, start in STARTS.items()
    ]
    made += [recipe(family, name, lambda data=data: data, OTHER) for name, data in MARKUP.items()]
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("gzip", lambda: gzip.compress(plain().encode(), mtime=0), OTHER),
            ("xz", lambda: lzma.compress(plain().encode()), OTHER),
            ("a bare deflate stream", lambda: zlib.compress(plain().encode()), ".encoding"),
            ("tar", tar, OTHER),
            ("MHT", lambda: b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n"
             b"--x\r\nContent-Location: file:///C:/Book1.htm\r\n\r\n<html>\r\n", ".no-headings"),
            ("SYLK", lambda: b"ID;PWXL;N;E\r\nC;Y1;X1;K\"Reference number\"\r\nE\r\n",
             ".no-headings"),
            ("DIF", lambda: b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,1\r\n""\r\n',
             ".no-headings"),
            ("a shortcut of the web", lambda: b"[InternetShortcut]\r\nURL=file://host/share\r\n",
             ".no-headings"),
            ("an e-mail", lambda: b"From: a\r\nTo: b\r\nSubject: extract\r\n\r\nAttached.\r\n",
             ".no-headings"),
            ("ODS", lambda: zipped({
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": b"<a/>"}), OTHER),
            ("XLSB", lambda: zipped({TYPES: b"<Types/>", "xl/workbook.bin": b"\x83\x01"}), OTHER),
            ("a Word document", lambda: zipped({TYPES: b"<Types/>", "word/document.xml": b"<a/>"}),
             OTHER),
            ("a presentation", lambda: zipped({TYPES: b"<Types/>", "ppt/presentation.xml": b"<a/>"}),
             OTHER),
            ("a Numbers document", lambda: zipped({"Index/Document.iwa": b"x"}), OTHER),
            ("a Java archive", lambda: zipped({"META-INF/MANIFEST.MF": b"x", "A.class": b"y"}),
             OTHER),
            ("a zip of a CSV", lambda: zipped({"extract.csv": plain().encode()}), OTHER),
            ("a zip of a workbook", lambda: zipped({"extract.xlsx": workbook()}), OTHER),
            ("Excel 97", lambda: ole("Workbook\0"), LEGACY),
            ("Excel 95", lambda: ole("Book\0"), LEGACY),
            ("Excel 4 without a container", lambda: bytes.fromhex("0904060000021000") + bytes(99),
             LEGACY),
            ("Excel 97 with macros", lambda: ole("Workbook\0", "_VBA_PROJECT_CUR\0"), LEGACY),
            ("Word 97", lambda: ole("WordDocument\0"), OTHER),
            ("an installer of Windows", lambda: ole("\u4840\u3f3f"), OTHER),
            ("a container of nothing", lambda: OLE, OTHER),
        )
    ]  # fmt: skip
    family = "under a password"
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("by Excel's own means", locked, LOCKED),
            ("and cut off", lambda: locked()[:3000], LOCKED),
            ("and its names far behind", lambda: OLE.ljust((1 << 20) - 9, b"\0")
             + "EncryptedPackage".encode("utf-16-le"), LOCKED),
            ("and Excel 97 as well", lambda: ole("Workbook\0", "EncryptionInfo\0"), LOCKED),
            ("with rights management", lambda: ole("EncryptedPackage\0", "DRMContent\0"), LOCKED),
        )
    ]  # fmt: skip
    family = "two kinds at once"
    head = ",".join(HEADINGS).encode()
    made += [
        recipe(family, name, make, codes)
        for name, make, codes in (
            ("a CSV and a workbook", lambda: plain().encode() + workbook(), ".encoding"),
            ("a workbook and a CSV", lambda: workbook() + plain().encode(), DAMAGED),
            ("a CSV that begins like a zip", lambda: b"PK\x03\x04" + plain().encode(), DAMAGED),
            ("a CSV that begins like a PDF", lambda: b"%PDF," + plain().encode(), OTHER),
            ("a GIF and a workbook", lambda: b"GIF89a" + workbook(), OTHER),
            ("a PDF and a workbook", lambda: b"%PDF-1.4\n" + workbook(), OTHER),
            ("a page and a workbook", lambda: b"<html><!--" + workbook(), OTHER),
            ("a program and a workbook", lambda: b"MZ\x90\0" + workbook(), OTHER),
            ("a shell script and a workbook", lambda: b"#!/bin/sh\n" + workbook(), ".encoding"),
            ("a container and a workbook", lambda: OLE + workbook(), OTHER),
            ("a CSV in a zip's comment",
             lambda: pack(members(), comment=len(head), after=head), DAMAGED),
            ("a workbook and a document", lambda: workbook(parts={"word/document.xml": b"<a/>"}),
             ""),
            ("a CSV whose first heading is markup", lambda: b"<html>," + plain().encode(), OTHER),
        )
    ]  # fmt: skip
    family = "cut off"
    made += [
        recipe(family, f"a workbook after {part} of 16 parts",
               lambda part=part: workbook()[: len(workbook()) * part // 16], DAMAGED)
        for part in range(1, 16)
    ]  # fmt: skip
    made += [
        recipe(family, f"a workbook without its last {count} bytes",
               lambda count=count: workbook()[:-count], DAMAGED)
        for count in (1, 2, 21, 22, 23)
    ]  # fmt: skip
    made += [
        recipe(family, f"a CSV {where}", lambda cut=cut: plain().encode()[:cut], codes)
        for where, cut, codes in (
            ("within the headings", 60, ".heading-missing"),
            ("within the last heading", len(head) - 5, ".cut-short"),
            ("within the first row", len(head) + 30,
             "row.cut-short date.number cell.required"),
            ("before its last line end", -2, ""),
            ("within its last cell", -9, ""),
        )
    ]  # fmt: skip
    made += [
        recipe(family, "a CSV within a quoted cell",
               lambda: plain().encode() + b'SCN00000003,"Cam', ".quotes"),
        recipe(family, "a CSV of UTF-16 within a character",
               lambda: plain().encode("utf-16")[:-1], ".encoding"),
        recipe(family, "a zip's first mark alone", lambda: b"PK\x03\x04", DAMAGED),
        recipe(family, "a row alone", lambda: ",".join(clean(1)).encode(), ".no-headings"),
    ]  # fmt: skip
    return made


RECIPES = _recipes()
