"""A small agreement, and readers with the real zygote: one honest entry, one hostile."""

import io
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.agreement.model import (
    Code,
    CodeList,
    FieldSpec,
    Flow,
    Recipient,
    RuleBook,
    Screening,
    SourceColumn,
    Window,
)
from gateway.intake.confined import Limits, Reader

HOSTILE_ENTRY = Path(__file__).with_name("hostile_entry.py")
REFERENCE = r"(?=.*[0-9])[A-Za-z0-9/_.\-]{4,24}"


def make_book() -> RuleBook:
    """A flow with one field of each kind that the table check knows."""
    fields = (
        FieldSpec(id="reference", heading="Reference number", kind="reference", pattern=REFERENCE),
        FieldSpec(id="authority", heading="Local authority", kind="code", list="authorities"),
        FieldSpec(id="initials", heading="Child's initials", kind="initials"),
        FieldSpec(id="incident", heading="Date of incident", kind="date"),
        FieldSpec(id="age", heading="Age", kind="age", minimum=0, maximum=25),
        FieldSpec(id="death", heading="Death of child: yes or no", kind="yes-no"),
        FieldSpec(id="agencies", heading="Agencies", kind="codes", list="agencies", other=True),
        FieldSpec(id="notes", heading="Case information", kind="text", max_length=500),
    )
    flow = Flow(
        id="notifications",
        title="Notifications",
        sender="ofsted",
        recipients=(Recipient(party="dfe"),),
        window=Window(frequency="working-day", at="16:00"),
        fields=fields,
        source_columns=(SourceColumn(heading="Pupil name", screens="name"),),
        screening=Screening(patterns=(), person_words=(), everyday_words=()),
    )
    lists = {
        "authorities": ("Leeds", "York"),
        "agencies": ("Police", "Health", "Other"),
    }
    return RuleBook(
        agreement_hash="0" * 64,
        flow=flow,
        lists={
            key: CodeList(id=key, codes=tuple(Code(code=x[:2], label=x) for x in labels))
            for key, labels in lists.items()
        },
        non_working=frozenset(),
    )


@pytest.fixture
def today() -> date:
    return date(2016, 4, 1)


@pytest.fixture(scope="session")
def hostile_entry() -> Path:
    """The entry script of a zygote whose examiner does what the file's first line says."""
    return HOSTILE_ENTRY


@pytest.fixture(scope="session")
def book() -> RuleBook:
    return make_book()


@pytest.fixture(scope="module")
def hostile_reader(book: RuleBook) -> Iterator[Reader]:
    """A reader whose examiner does what the file's first line says, with short limits."""
    limits = Limits(cpu_seconds=(2, 2), wall_seconds=(4, 4), answer_bytes=20_000_000)
    with Reader({"notifications": book}, limits, entry=HOSTILE_ENTRY) as reader:
        yield reader


Saying = Callable[..., BinaryIO]


@pytest.fixture
def saying(tmp_path: Path) -> Iterator[Saying]:
    """``saying("act words", b"more")``: an open file with that first line."""
    opened: list[io.BufferedReader] = []

    def make(line: str, more: bytes = b"") -> BinaryIO:
        path = tmp_path / f"drop-{len(opened)}"
        path.write_bytes(line.encode() + b"\n" + more)
        opened.append(path.open("rb"))
        return opened[-1]

    yield make
    for file in opened:
        file.close()
