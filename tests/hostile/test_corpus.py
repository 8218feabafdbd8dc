"""Other projects' test files: each ends in an orderly answer, and clean workbooks are read.

None is an extract, so that the right answer to nearly all is that no heading row was recognised.
The corpus lies in the shared folder and is never part of the project (see `shared_folder`).
"""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway.agreement.load import load_agreement
from gateway.intake.confined import DoneFrame, FindingsFrame, Reader, ReaderFailed
from gateway.intake.findings import KINDS

TODAY = date(2024, 6, 3)
CHUNKS = 8  # so that several workers share them
# What a clean workbook may have by the manifest's guesses; anything else is a hazard.
HARMLESS = {
    "author-metadata", "customProps", "dataValidation", "definedNames", "drawings", "externalRel",
    "formulas", "hyperlinks", "media", "printerSettings",
}  # fmt: skip
# Refused only once the whole workbook was read, for what stands in its cells.
READ = {"file.no-headings", "file.two-tables", "file.heading-twice", "file.heading-missing"}

Listed = dict[Path, frozenset[str]]


@pytest.fixture(scope="module")
def corpus(shared_folder: Path) -> Listed:
    """Every file that the manifest lists, with its flags."""
    folder = shared_folder / "corpus"
    if not (folder / "manifest.csv").is_file():
        pytest.skip("the shared folder has no corpus of spreadsheets")
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {
            folder / row["split"] / row["source"] / row["file"]: frozenset(row["flags"].split())
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def reader(checkout: Path) -> Iterator[Reader]:
    """The confined reader, with the rules of the notifications flow."""
    config = checkout / "config"
    agreed = load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")
    with Reader({"notifications": agreed.rule_book("notifications")}) as reader:
        yield reader


def _is_clean(path: Path, flags: frozenset[str]) -> bool:
    return path.parts[-3] == "benign-dev" and flags <= HARMLESS


def _refusals(reader: Reader, path: Path) -> set[str]:
    """The codes that refuse a file; a limit or a crash is told as ``ended: …``."""
    refusals: set[str] = set()
    refused = False
    try:
        with path.open("rb") as file:
            for frame in reader.examine("notifications", file, TODAY):
                if isinstance(frame, FindingsFrame):
                    refusals |= {item.code for item in frame.items if _refuses(item.code)}
                elif isinstance(frame, DoneFrame):
                    refused = frame.outcome.refused
    except ReaderFailed as failed:
        return {f"ended: {failed}"}
    assert refused == bool(refusals), path.name
    return refusals


def _refuses(code: str) -> bool:
    return KINDS[code].scope == "file" and KINDS[code].severity == "error"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_file_ends_in_order(chunk: int, corpus: Listed, reader: Reader) -> None:
    mine = sorted(path for path, flags in corpus.items() if not _is_clean(path, flags))[
        chunk::CHUNKS
    ]
    assert len(mine) > 100
    told = {path.name: _refusals(reader, path) for path in mine}
    assert {name: codes for name, codes in told.items() if not codes <= KINDS.keys()} == {}


def test_clean_workbooks_are_read(corpus: Listed, reader: Reader) -> None:
    clean = [path for path, flags in corpus.items() if _is_clean(path, flags)]
    assert len(clean) > 200
    unsafe = {path.name: codes for path in clean if not (codes := _refusals(reader, path)) <= READ}
    assert len(unsafe) <= len(clean) // 100, unsafe
