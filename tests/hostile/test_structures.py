"""However a table is written, it reads the same; whatever is broken in it, one answer comes."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import pytest
from fuzz_targets import TODAY, book, reader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import (
    BOOK,
    HEADINGS,
    RELATIONS,
    SHEET,
    STRINGS,
    XML,
    Member,
    clean,
    column,
    listing,
    pack,
    parts_of,
    relations,
)

from gateway.intake.examine import examine
from gateway.intake.findings import Finding

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the file is made for each
WORDS = (
    st.text(st.sampled_from("abc XYZ,;|\"'\n\u00e9\u2013=+-<&"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
ROWS = st.lists(WORDS, min_size=1, max_size=4)


class Table:
    """A sink that keeps the rows' texts, and which codes refuse the file or hold a row."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.errors: set[str] = set()

    def findings(self, items: Sequence[Finding]) -> None:
        self.errors |= {item.code for item in items if item.severity == "error"}

    def table(self, data: bytes, _rows: int) -> None:
        lines = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
        self.texts += [line["case_information"] for line in lines]

    def done(self, _outcome: object) -> None:
        pass


def texts_of(data: bytes) -> list[str]:
    """The texts in the file's Case information, none of its rows refused."""
    table = Table()
    examine(io.BytesIO(data), book(), TODAY, table)
    assert table.errors == set()
    return table.texts


def rows_of(texts: Sequence[str]) -> list[list[str]]:
    return [clean(number, Case_information=text) for number, text in enumerate(texts, 1)]


# --- CSV ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Writing:
    """One of the ways in which programs write a CSV."""

    separator: str
    end: str
    quoting: Any
    encoding: str
    above: tuple[str, ...]
    blank: bool
    last_end: bool
    order: tuple[int, ...]


WRITINGS = st.builds(
    Writing,
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    above=st.lists(st.sampled_from(["A title", "", "Printed on Monday"]), max_size=3).map(tuple),
    blank=st.booleans(),
    last_end=st.booleans(),
    order=st.permutations(range(len(HEADINGS))).map(tuple),
)


def written(rows: list[list[str]], how: Writing) -> bytes:
    text = io.StringIO(newline="")
    # Where a return ends lines, csv leaves a line feed bare: no reader could tell it from an end.
    quoting = csv.QUOTE_ALL if how.end == "\r" else how.quoting
    writer = csv.writer(text, delimiter=how.separator, lineterminator=how.end, quoting=quoting)
    for line in how.above:
        text.write(line + how.end)
    for row in [HEADINGS, *rows]:
        writer.writerow([row[place] for place in how.order])
        if how.blank:
            text.write(how.end)
    whole = text.getvalue()
    return (whole if how.last_end else whole.removesuffix(how.end)).encode(how.encoding)


@QUICK
@given(texts=ROWS, how=WRITINGS)
def test_a_csv_reads_the_same_however_it_is_written(texts: list[str], how: Writing) -> None:
    assert texts_of(written(rows_of(texts), how)) == texts


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 6),
        st.sampled_from([b"", b'"', b",", b"\r", b"\n", b"\0", b"\xff", b";;", b'"",""', b"\xef"]),
    ),
    max_size=4,
)  # fmt: skip


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, gone, instead in edits:
        at = int(place * len(data))
        data = data[:at] + instead + data[at + gone :]
    return data


@QUICK
@given(texts=ROWS, how=WRITINGS, edits=EDITS, cut=st.floats(0, 1))
def test_a_broken_csv_has_one_answer(
    texts: list[str], how: Writing, edits: list[tuple[float, int, bytes]], cut: float
) -> None:
    data = edited(written(rows_of(texts), how), edits)
    reader(data[: int(cut * len(data))] if cut < 0.5 else data)


# --- XLSX --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """One of the ways in which programs write a workbook."""

    kind: str  # of text cells
    places: bool
    prefix: str
    method: int
    other_sheets: int
    first_row: int
    reverse: bool
    spread: bool  # rows apart


SHAPES = st.builds(
    Shape,
    kind=st.sampled_from(["inlineStr", "s", "str", "rich"]),
    places=st.booleans(),
    prefix=st.sampled_from(["", "x:"]),
    method=st.sampled_from([0, 8]),
    other_sheets=st.integers(0, 3),
    first_row=st.integers(1, 30),
    reverse=st.booleans(),
    spread=st.booleans(),
)


class Workbook:
    """Writes the parts of a workbook in one shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.strings: list[str] = []

    def cell(self, place: str, text: str) -> str:
        shape, at = self.shape, f' r="{place}"' if self.shape.places else ""
        words = f'<{shape.prefix}t xml:space="preserve">{escape(text)}</{shape.prefix}t>'
        if shape.kind == "s":
            self.strings.append(f"<si>{words.replace(shape.prefix, '')}</si>")
            return self._value(at, "s", str(len(self.strings) - 1))
        if shape.kind == "str":
            return self._value(at, "str", escape(text))
        if shape.kind == "rich":
            words = f"<{shape.prefix}r>{words}</{shape.prefix}r>"
        inline = f"<{shape.prefix}is>{words}</{shape.prefix}is>"
        return f'<{shape.prefix}c{at} t="inlineStr">{inline}</{shape.prefix}c>'

    def _value(self, at: str, kind: str, value: str) -> str:
        prefix = self.shape.prefix
        return f'<{prefix}c{at} t="{kind}"><{prefix}v>{value}</{prefix}v></{prefix}c>'

    def sheet(self, rows: list[list[str]]) -> bytes:
        shape, prefix = self.shape, self.shape.prefix
        lines = []
        for step, row in enumerate([list(HEADINGS), *rows]):
            number = shape.first_row + step * (3 if shape.spread else 1)
            cells = "".join(self.cell(f"{column(n)}{number}", text) for n, text in enumerate(row))
            lines.append(f'<{prefix}row r="{number}">{cells}</{prefix}row>')
        named = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
        return (
            XML
            + (
                f'<{prefix}worksheet {named}="urn:x"><{prefix}sheetData>{"".join(lines)}'
                f"</{prefix}sheetData></{prefix}worksheet>"
            ).encode()
        )

    def parts(self, rows: list[list[str]]) -> dict[str, bytes]:
        others = range(2, self.shape.other_sheets + 2)
        parts = parts_of()
        parts[SHEET] = self.sheet(rows)
        parts[BOOK] = listing("Extract", *(f"Notes {n}" for n in others))
        parts[RELATIONS] = relations(
            *((f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in (1, *others)),
            ("rId99", "styles", "styles.xml"),
        )
        for n in others:
            parts[f"xl/worksheets/sheet{n}.xml"] = (
                XML + b'<worksheet xmlns="urn:x"><sheetData/></worksheet>'
            )
        table = (
            f'<sst xmlns="urn:x" uniqueCount="{len(self.strings)}">{"".join(self.strings)}</sst>'
        )
        parts[STRINGS] = XML + table.encode()
        return parts


def packed(parts: dict[str, bytes], shape: Shape) -> bytes:
    made = [Member(name, data, shape.method) for name, data in parts.items()]
    return pack(made[::-1] if shape.reverse else made)


@QUICK
@given(texts=ROWS, shape=SHAPES)
def test_a_workbook_reads_the_same_however_it_is_written(texts: list[str], shape: Shape) -> None:
    assert texts_of(packed(Workbook(shape).parts(rows_of(texts)), shape)) == texts


TAGS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.sampled_from([
            b"", b"<", b">", b"</row>", b'<row r="2" hidden="1">', b"<!--", b"]]>", b'" t="e',
            b"&#0;", b"\xff", b"<f>1</f>", b'r="XFD9"', b"<c/>", b"-1",
        ]),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


@QUICK
@given(
    texts=ROWS,
    shape=SHAPES,
    part=st.sampled_from([SHEET, BOOK, RELATIONS, STRINGS, "[Content_Types].xml", "xl/styles.xml"]),
    edits=TAGS,
)
def test_a_workbook_with_a_broken_part_has_one_answer(
    texts: list[str], shape: Shape, part: str, edits: list[tuple[float, int, bytes]]
) -> None:
    parts = Workbook(shape).parts(rows_of(texts))
    parts[part] = edited(parts[part], edits)
    reader(packed(parts, shape))


HEADERS = st.dictionaries(
    st.sampled_from(["flags", "method", "crc", "packed", "unpacked", "disk", "at"]),
    st.sampled_from([0, 1, 2, 8, 9, 0x800, 0xFFFF]),
    max_size=2,
)
END = st.dictionaries(
    st.sampled_from(["disk", "first", "here", "entries", "size", "offset", "comment"]),
    st.sampled_from([0, 1, 5, 6, 7, 0xFFFF]),
    max_size=2,
)


@QUICK
@given(local=HEADERS, central=HEADERS, end=END, which=st.integers(0, 5), gap=st.binary(max_size=9))
def test_a_zip_whose_headers_lie_has_one_answer(
    local: dict[str, int | bytes],
    central: dict[str, int | bytes],
    end: dict[str, int],
    which: int,
    gap: bytes,
) -> None:
    made = [Member(name, data) for name, data in parts_of().items()]
    made[which].local, made[which].central, made[which].gap = local, central, gap
    reader(pack(made, **end))


@pytest.mark.parametrize("text", ["plain", "with <signs> & 'quotes'"])
def test_the_plainest_shapes(text: str) -> None:
    shape = Shape("inlineStr", True, "", 8, 0, 1, False, False)
    assert texts_of(packed(Workbook(shape).parts(rows_of([text])), shape)) == [text]
