"""A small flow, and what reads bytes as a drop of it: tests ask for values by heading."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import pytest
import xlsxwriter

from gateway.agreement.model import (
    FieldSpec,
    FilePolicy,
    Flow,
    Recipient,
    RuleBook,
    Screening,
    SourceColumn,
    Window,
)
from gateway.intake.findings import Finding
from gateway.intake.reading import Refused, open_table

HEADINGS = ("Reference number", "Gender", "Date of birth", "Case information")


@dataclass
class Reading:
    """Everything that was read of a file."""

    sheet: str | None = None
    headings: tuple[str, ...] = ()
    rows: dict[int, tuple[str | None, ...]] = field(default_factory=dict)
    queries: list[Finding] = field(default_factory=list)
    row_findings: list[Finding] = field(default_factory=list)
    batches: int = 0

    @property
    def values(self) -> list[tuple[str | None, ...]]:
        return list(self.rows.values())

    @property
    def codes(self) -> list[str]:
        return [item.code for item in self.queries + self.row_findings]


Read = Callable[..., Reading]


def _small_book(**policy: Any) -> RuleBook:
    kinds = ("reference", "text", "date", "text")
    ids = ("reference", "gender", "born", "case")
    fields = tuple(
        FieldSpec(id=name, heading=heading, kind=kind, also=("Ref no",) if name == ids[0] else ())
        for name, heading, kind in zip(ids, HEADINGS, kinds, strict=True)
    )
    flow = Flow(
        id="notifications",
        title="A small flow",
        sender="ofsted",
        recipients=(Recipient(party="dfe"),),
        window=Window(frequency="working-day", at=time(16)),
        fields=fields,
        source_columns=(SourceColumn(heading="Child's full name", screens="name"),),
        screening=Screening(patterns=(), person_words=(), everyday_words=()),
        files=FilePolicy(**policy),
    )
    return RuleBook(agreement_hash="0" * 64, flow=flow, lists={}, non_working=frozenset())


@pytest.fixture(scope="session")
def small_book() -> Callable[..., RuleBook]:
    """``small_book(hidden="report")``: a rule book of four fields, its file policy as given."""
    return _small_book


@pytest.fixture(scope="session")
def headings() -> tuple[str, ...]:
    return HEADINGS


@pytest.fixture(scope="session")
def read() -> Read:
    """``read(data, size=…, **policy)``: all of a file, every column wanted."""

    def go(data: bytes, size: int = 20_000, **policy: Any) -> Reading:
        table = open_table(io.BytesIO(data), _small_book(**policy))
        reading = Reading(table.sheet, table.headings)
        for batch in table.batches(range(len(table.headings)), size):
            assert len(batch.frame) == batch.frame["row"].n_unique()
            for row in batch.frame.iter_rows():
                reading.rows[row[0]] = row[1:]
            reading.row_findings += batch.findings
            reading.batches += 1
        reading.queries = table.findings + table.closing_findings()
        assert table.rows == len(reading.rows)
        return reading

    return go


@pytest.fixture(scope="session")
def refusal(read: Read) -> Callable[..., list[str]]:
    """``refusal(data, **policy)``: the codes with which a file is refused."""

    def go(data: bytes, **policy: Any) -> list[str]:
        with pytest.raises(Refused) as caught:
            read(data, **policy)
        assert all(item.severity == "error" for item in caught.value.findings)
        return [item.code for item in caught.value.findings]

    return go


@pytest.fixture(scope="session")
def xlsx() -> Callable[..., bytes]:
    """``xlsx(rows, …)``: a workbook by XlsxWriter; ``shape(workbook, sheet)`` may add to it."""

    def go(
        rows: Sequence[Sequence[Any]],
        shape: Callable[[Any, Any], None] | None = None,
        at: tuple[int, int] = (0, 0),
        **options: Any,
    ) -> bytes:
        stream = io.BytesIO()
        settings = {"in_memory": True, "default_date_format": "dd/mm/yyyy", **options}
        workbook = xlsxwriter.Workbook(stream, settings)
        sheet = workbook.add_worksheet("Extract")
        for number, row in enumerate(rows):
            sheet.write_row(at[0] + number, at[1], row)
        if shape:
            shape(workbook, sheet)
        workbook.close()
        return stream.getvalue()

    return go


@pytest.fixture(scope="session")
def rezip() -> Callable[..., bytes]:
    """``rezip(data, {name: change})``: the zip anew, parts changed, added or (None) left out."""

    def go(data: bytes, changes: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> bytes:
        stream = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(data)) as old,
            zipfile.ZipFile(stream, "w", method) as new,
        ):
            for name in dict.fromkeys([*old.namelist(), *changes]):
                content = old.read(name) if name in old.namelist() else b""
                change = changes.get(name, content)
                if callable(change):
                    change = change(content)
                if change is not None:
                    new.writestr(name, change)
        return stream.getvalue()

    return go
