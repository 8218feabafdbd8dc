"""What is fuzzed, and what must hold of any input: each target takes bytes and raises on a bug.

They need no fuzzer: the tests run each of them over the corpus that was found so far
(`tests/hostile/test_fuzz.py`), and `fuzz_one.py` runs one under atheris.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

from gateway.agreement.load import load_agreement
from gateway.agreement.model import RuleBook
from gateway.dispatch import manifest
from gateway.intake.confined.answer import Answer
from gateway.intake.confined.frames import DoneFrame
from gateway.intake.confined.validate import Validator
from gateway.intake.examine import examine
from gateway.receipts import receipt

HERE = Path(__file__).resolve().parent
TODAY = date(2024, 6, 3)
PARTS = (
    "xl/worksheets/sheet1.xml",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "_rels/.rels",
    "[Content_Types].xml",
    "xl/styles.xml",
    "xl/sharedStrings.xml",
    "docProps/core.xml",
)


@cache
def book() -> RuleBook:
    """The rules of the notifications flow."""
    config = HERE.parent / "config"
    agreed = load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")
    return agreed.rule_book("notifications")


class _Believed(Answer):
    """An answer that is judged by the worker's own checks instead of being sent."""

    def __init__(self) -> None:
        super().__init__(-1, book())
        self._validator = Validator(book())
        self.ended = False

    def _send(self, kind: bytes, payload: bytes) -> None:
        assert not self.ended
        self.ended = isinstance(self._validator.frame(kind, payload), DoneFrame)


def reader(data: bytes) -> None:
    """Any file at all: one answer comes, and the worker believes every part of it."""
    answer = _Believed()
    examine(io.BytesIO(data), book(), TODAY, answer)
    assert answer.ended


def workbook(data: bytes) -> None:
    """A workbook with one part replaced: the first byte says which, the rest is its content."""
    if not data:
        return
    changed = PARTS[data[0] % len(PARTS)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in PARTS:
            file.writestr(name, data[1:] if name == changed else _clean_part(name))
    reader(stream.getvalue())


@cache
def _clean_part(name: str) -> bytes:
    with zipfile.ZipFile(HERE / "clean.xlsx") as file:
        return file.read(name)


def manifests(data: bytes) -> None:
    """A manifest is refused by ValueError alone, or is written again byte for byte."""
    for read in (manifest.inner_from_bytes, manifest.outer_from_bytes):
        try:
            made = read(data)
        except ValueError:
            continue
        assert manifest.to_bytes(made) == data


def receipts(data: bytes) -> None:
    """A receipt is refused by ValueError alone, or is written again byte for byte."""
    try:
        made = receipt.from_bytes(data)
    except ValueError:
        return
    assert receipt.to_bytes(made) == data


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": reader,
    "workbook": workbook,
    "manifests": manifests,
    "receipts": receipts,
}
