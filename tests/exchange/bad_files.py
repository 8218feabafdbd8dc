"""Files with something wrong, one for each name that issue and page give it."""

import base64
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msoffcrypto
import openpyxl
import xlsxwriter
from bad_home import TOKEN

Extract = Callable[..., str]
MEGABYTE = 1_000_000
SHEET = "xl/worksheets/sheet1.xml"


@dataclass(frozen=True)
class BadFile:
    """A file, the name that docs/bad-input.md has it under, and what must come of it.

    ``codes`` are all findings but ``file.columns-dropped``, which every table has; ``travels``
    counts its rows that go into the package all the same.
    """

    name: str
    make: Callable[[Extract], bytes]
    state: str
    codes: Mapping[str, int] = field(default_factory=dict)
    travels: int = 0
    file_name: str = f"{TOKEN}.csv"

    @property
    def id(self) -> str:
        """How pytest names it."""
        return f"{self.name}: {' '.join(self.codes) or 'nothing to say'}"


def planted(extract: Extract, count: int = 2, **cells: str) -> str:
    """An extract with a token in every text, and the given cells (by heading) in its first row."""
    return extract(
        count,
        change=lambda number: {
            "Reference number": f"{TOKEN}{number:04d}",
            "Case information": f"{TOKEN} as it happened.",
            "Report author": f"{TOKEN} the author",
            "Narrative": f"{TOKEN} long account",
            **({name.replace("_", " "): text for name, text in cells.items()}
               if number == 1 else {}),
        },
    )  # fmt: skip


def rows_of(text: str) -> list[list[str]]:
    """The records of a CSV."""
    return list(csv.reader(io.StringIO(text)))


def csv_of(rows: list[list[str]]) -> bytes:
    """Records as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def workbook(rows: list[list[Any]], shape: Callable[[openpyxl.Workbook], object] = id) -> bytes:
    """A workbook of one sheet, shaped further before it is saved."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    shape(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def text_workbook(
    rows: list[list[str]], formulas: Mapping[tuple[int, int], tuple[str, str]] | None = None
) -> bytes:
    """A workbook of text cells alone, but for formulas by place (from 0), each with its result."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
        for (number, place), (formula, result) in (formulas or {}).items():
            sheet.write_formula(number, place, formula, value=result)
    return stream.getvalue()


def rezipped(data: bytes, change: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """The zip with members changed, or added where there was none."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in dict.fromkeys([*old.namelist(), *change]):
            before = old.read(name) if name in old.namelist() else b""
            new.writestr(name, change[name](before) if name in change else before)
    return stream.getvalue()


def _book(extract: Extract, shape: Callable[[openpyxl.Workbook], object] = id) -> bytes:
    return workbook(rows_of(planted(extract)), shape)


def _hide_another(book: openpyxl.Workbook) -> None:
    sheet = book.create_sheet(f"{TOKEN} siblings")
    sheet.append([f"{TOKEN} name"])
    sheet.sheet_state = "hidden"


def _hide_a_row(book: openpyxl.Workbook) -> None:
    book.active.row_dimensions[3].hidden = True


def _with_macros(data: bytes) -> bytes:
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    enabled = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    changes = {
        "[Content_Types].xml": lambda old: old.replace(kind, enabled),
        "xl/vbaProject.bin": lambda _: b"\xd0\xcf\x11\xe0 Attribute VB_Name",
    }
    return rezipped(data, changes)


def _with_dtd(data: bytes) -> bytes:
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return rezipped(data, {SHEET: lambda old: laughs + old})


def _bomb(data: bytes) -> bytes:
    end = b"</sheetData>"
    return rezipped(data, {SHEET: lambda old: old.replace(end, b" " * 40 * MEGABYTE + end)})


def _under_password(data: bytes) -> bytes:
    locked = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(data)).encrypt("a password", locked)
    return locked.getvalue()


def legacy_workbook() -> bytes:
    """A small workbook as Excel 97 wrote it."""
    return zlib.decompress(base64.b85decode(_LEGACY))


def _two_heading_rows(text: str) -> bytes:
    rows = rows_of(text)
    groups = ["The child" if place < 9 else "The incident" for place in range(len(rows[0]))]
    return csv_of([groups, rows[0], rows[1], rows[0], *rows[2:]])


def _without(text: str, heading: str) -> bytes:
    rows = rows_of(text)
    place = rows[0].index(heading)
    return csv_of([row[:place] + row[place + 1 :] for row in rows])


def _unseen(extract: Extract) -> bytes:
    """Three rows with a character each that nobody sees; the fourth has none."""
    marks = ("", "\ufffe", "\uffff", "\x1b[31m", "")
    change = lambda number: {"Case information": f"{TOKEN}{marks[number]} here"}  # noqa: E731
    return extract(4, change=change).encode()


def _ragged(text: str) -> bytes:
    """The first row ends early, where only unlisted columns are left; the second is too long."""
    rows = rows_of(text)
    return csv_of([rows[0], rows[1][:-3], [*rows[2], f"{TOKEN} beyond"]])


# Written once by a spreadsheet program as "Excel 97"; deflated, in base 85.
_LEGACY = (
    "c-rk3TWB0r^xWA;W|MR?NfRHf#xb_rv`Hi}A4Y0T+O*n&F)>CgQmB*7-"
    "MD5SVY9&sirdtF2o{un_*0NVenjzspdTtGe|{*6P^f;T{uTY0iXw$3<2mQvN!B&N-"
    "EAp8a)xssXYRS@%sr1e_uFq8m(G8<?Glv0UI@U77lCjQO(2^7!~!rhZN>9EpX_bIzY3OhPc{sq{X&Rj^BQf}i0(JxzX_"
    "v|#U~Fo9D)q?Id}mofm_gHiuWsrXQj+_<-"
    "(@?>g7}ZraT@%ERBE4^%VcLh;@kdh+7b&hz;r&0F8)Eh+7ex5nI?N0B%LR4e@rwZHU_u??Aj$%fCzagl#y!N6&X|=9`-"
    "e5fiN#4#B5ez9N&e?JuE6d=Ok@zxWaH7)+CI3_7W}eY4;I>);5|VF8_VAC3f^LuwS>XX<C%?qlym7y!FZd-PFbfOS8^Z"
    "5y{yApTF7=Le?rpkIDT(ev`_ItW5yKjyzAIFKrR3peg<Yp@>XDZU<&8JTlZOB^@z@SA5B#pr@fbYf@vujSE=3hD5_qtD"
    "~nt#{5HYQ0-Z-@O67a|8OG4d{`-(9aqeQw8v-w+aF78w+9Xn+iehw-"
    "#!+Z!UzqXV`a7<4&Ikm7nKd!>|<iED945VC;;5pWtaq&h99S3A>bpDSG{4y%>9;&ZY4A0#m&SCj};Zb3qJXI{>X$ES2s"
    "}O#3FLbMtr1_}Ab#r--mh|D!S?b21Z`c4js`E^}e_>Is>%C|%4*JDEvjb7?1^%w}+_v8m~llgZ18?(Xg$)M>~`$!HPT&"
    "dU>d5C1nN><y~_P26ljT(eh;?hX1WspMt-DS6f7mrmdbP`EepS6jH<wYRT)H#9!df1K%swQCIQG}LLH#5aq<J<QR;?Hs"
    "Rdh8=J>Kx{D9HkM4w8T&E$ygiytJDJW=IXRnha&57m`(pcB&{bl8yKcmply+?76bpET+ZZa-"
    "%W%1WSJAi~$EUh3&UIaM`*#<O&tpc5;3o=x=Act_3ZKXC1w4s+oA45!A;9BS1NSs1uBn=}xq(k_!`d7x0r6^GgFfb{>b"
    "RvE!89y?ta6)ZV45hQEpyeN>IBd;fitl>GuTLKCU|9Fbw(?Lt20_jb;-"
    "{#LOkwaWmMPHZcIy&+wJCEf^Iw0Bd)bh?PEYK^AQj2`H;~BABWWs1mHnDSKul|Y2yn(n8X;EG>bP9e!W$D9krXlY9~;u"
    "YB<YO=e(d^Jxn#zP%@s&&SVpL`_PHFOxX|I-"
    "!<lp%T!9Tw;xC*5`A!8^0jfRgcT3iLhI}cOQ+xZ<?8UW);n*Q(6Q^I@5w$d>M*7EeY(CJ&}aClt}~D7T603zo736@FE0"
    "bM>T$Q`^P!w^CHfP^xbXFbbN6ny&c2EIcV2z(ApOZpXvcJ&>!(z!NY{<%|0KAP_dov55+7cVha#&GQRAmjdJd*wob{Nh"
    "SpO!@U+V7SRdBC5T;u!cAj(anj}4;^&s8NqP;>_?hlhOl$ZDJnV@)WlwqGsEuk`+B>$@6Prtk#J;`gVqHYM91K`%(KO^"
    "A}mnl+1*jiFu34^?pf_&bGnSLGi>331jzvIkbCPhS<^zXLJ9dH-kl1B?na76"
)

# Refused before a heading row is recognised.
UNREADABLE = (
    BadFile("Half-written file", lambda e: _book(e)[:-700], "quarantined", {"file.damaged": 1}),
    BadFile("Empty", lambda _: b"", "quarantined", {"file.empty": 1}),
    BadFile("Empty", lambda _: b"\xef\xbb\xbf \r\n\r\n", "quarantined", {"file.empty": 1}),
    BadFile("Not what its name says", lambda e: gzip.compress(planted(e).encode()), "quarantined",
            {"file.unknown-format": 1}),
    BadFile("Not what its name says", lambda e: b"%PDF-1.7\n" + planted(e).encode(), "quarantined",
            {"file.unknown-format": 1}, file_name=f"{TOKEN}.xlsx"),
    BadFile("Wrong encoding", lambda e: planted(e).encode("utf-16-le"), "quarantined",
            {"file.encoding": 1}),
    BadFile("Wrong encoding", lambda e: planted(e, Report_author="Zoë").encode("cp850"),
            "quarantined", {"file.encoding": 1}),
    BadFile("NUL bytes", lambda e: planted(e, Report_author="A\0B").encode(), "quarantined",
            {"file.nul-bytes": 1}),
    BadFile("Hidden sheet", lambda e: _book(e, _hide_another), "quarantined",
            {"file.hidden-sheet-refused": 1}, file_name=f"{TOKEN}.xlsx"),
    BadFile("Hidden sheet", lambda e: _book(e, _hide_a_row), "quarantined",
            {"file.hidden-refused": 1}, file_name=f"{TOKEN}.xlsx"),
    BadFile("Macros", lambda e: _with_macros(_book(e)), "quarantined", {"file.macros": 1},
            file_name=f"{TOKEN}.xlsm"),
    BadFile("DTD", lambda e: _with_dtd(_book(e)), "quarantined", {"file.unsafe-xml": 1}),
    BadFile("Zip bomb", lambda e: _bomb(_book(e)), "quarantined", {"file.zip-bomb": 1}),
    BadFile("Password-protected workbook", lambda e: _under_password(_book(e)), "quarantined",
            {"file.encrypted": 1}),
    BadFile("Legacy workbook", lambda _: legacy_workbook(), "quarantined",
            {"file.legacy-workbook": 1}, file_name=f"{TOKEN}.xls"),
)  # fmt: skip

# Read as a table: what its columns are is told as well.
TABLES = (
    BadFile("Half-written file", lambda e: planted(e).encode()[:400], "quarantined",
            {"file.cut-short": 1}),
    BadFile("Half-written file", lambda e: planted(e).encode()[:-60], "partly-held",
            {"row.cut-short": 1}, travels=1),
    BadFile("Half-written file", lambda e: (planted(e) + f'{TOKEN}9,"{TOKEN} and').encode(),
            "quarantined", {"file.quotes": 1}),
    BadFile("Not what its name says", lambda e: planted(e).encode(), "accepted", {}, 2,
            file_name=f"{TOKEN}.xlsx"),
    BadFile("Wrong encoding", lambda e: planted(e, Case_information="Zoë came.").encode("cp1252"),
            "accepted", {"file.windows-1252": 1}, 2),
    BadFile("A character that no workbook can hold", _unseen, "partly-held",
            {"cell.control-character": 3}, 1),
    BadFile("Ragged rows", lambda e: _ragged(planted(e)), "partly-held",
            {"row.long": 1, "row.short": 1}, 1),
    BadFile("1 MB cell", lambda e: planted(e, Case_information=TOKEN + "x" * MEGABYTE).encode(),
            "partly-held", {"cell.too-long": 1}, 1),
    BadFile("1 MB cell", lambda e: planted(e, Narrative=TOKEN + "x" * MEGABYTE).encode(),
            "accepted", {}, 2),
    BadFile("Two header rows", lambda e: _two_heading_rows(planted(e)), "accepted",
            {"file.headings-repeated": 1, "file.preamble": 1}, 2),
    BadFile("Missing heading", lambda e: _without(planted(e), "Local authority"), "quarantined",
            {"file.heading-missing": 1}),
    BadFile("Repeated heading", lambda e: planted(e).replace("Narrative", "Gender", 1).encode(),
            "quarantined", {"file.heading-twice": 1}),
)  # fmt: skip
FILES = (*UNREADABLE, *TABLES)
