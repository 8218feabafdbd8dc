"""Reading code lists: ``config/codes/<id>.csv``, UTF-8, in this project's own form.

Columns ``code,label,synonyms,valid_from,valid_to``; synonyms are parted by ``|``; dates are
``YYYY-MM-DD``, both ends included, blank where unknown or open. A blank code is the label itself.
"""

import csv
from datetime import date
from pathlib import Path

from gateway.agreement.faults import Fault
from gateway.agreement.model import Code, CodeList
from gateway.agreement.normalise import fold

COLUMNS = ("code", "label", "synonyms", "valid_from", "valid_to")


def read_code_list(path: Path) -> tuple[CodeList, list[Fault]]:
    """The list in the file (its id is the file's stem) and every fault found in it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            records = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        fault = Fault(_place(path), f"cannot be read as CSV in UTF-8: {_reason(wrong)}")
        return CodeList(id=path.stem, codes=()), [fault]
    if not records or tuple(records[0]) != COLUMNS:
        fault = Fault(_place(path, 1), f"the columns must be {', '.join(COLUMNS)}, in this order")
        return CodeList(id=path.stem, codes=()), [fault]
    codes: list[tuple[int, Code]] = []
    faults: list[Fault] = []
    for number, record in enumerate(records[1:], start=2):
        if any(record):
            _read_record(path, number, record, codes, faults)
    if not codes and not faults:
        faults.append(Fault(_place(path), "the list is empty"))
    faults += _overlaps(path, codes)
    return CodeList(id=path.stem, codes=tuple(code for _, code in codes)), faults


def _read_record(
    path: Path, number: int, record: list[str], codes: list[tuple[int, Code]], faults: list[Fault]
) -> None:
    if len(record) != len(COLUMNS):
        words = f"has {len(record)} cells and must have {len(COLUMNS)}; quote a cell with a comma"
        faults.append(Fault(_place(path, number), words))
        return
    written, label, synonyms, first, last = (cell.strip() for cell in record)
    if not label:
        faults.append(Fault(_place(path, number, "label"), "is blank"))
    ends: list[date | None] = []
    for column, text in (("valid_from", first), ("valid_to", last)):
        try:
            ends.append(date.fromisoformat(text) if text else None)
        except ValueError:
            ends.append(None)
            words = "is not a date of the form YYYY-MM-DD"
            faults.append(Fault(_place(path, number, column), words))
    start, end = ends
    if start and end and end < start:
        faults.append(Fault(_place(path, number, "valid_to"), "is before valid_from"))
    others = tuple(part.strip() for part in synonyms.split("|") if part.strip())
    code = Code(code=written or label, label=label, synonyms=others, valid_from=start, valid_to=end)
    codes.append((number, code))


def _overlaps(path: Path, codes: list[tuple[int, Code]]) -> list[Fault]:
    """A code may stand twice only for times that do not overlap."""
    faults = []
    seen: dict[str, list[tuple[int, Code]]] = {}
    for number, code in codes:
        earlier = seen.setdefault(fold(code.code), [])
        for other_number, other in earlier:
            if _from(code) <= _to(other) and _from(other) <= _to(code):
                words = f"the same code stands in row {other_number} for a time that overlaps"
                faults.append(Fault(_place(path, number, "code"), words))
        earlier.append((number, code))
    return faults


def _from(code: Code) -> date:
    return code.valid_from or date.min


def _to(code: Code) -> date:
    return code.valid_to or date.max


def _place(path: Path, row: int | None = None, column: str = "") -> str:
    where = f"codes/{path.name}"
    if row is not None:
        where += f" row {row}"
    return f"{where} {column}".rstrip()


def _reason(wrong: Exception) -> str:
    if isinstance(wrong, FileNotFoundError):
        return "there is no such file"
    if isinstance(wrong, OSError):
        return wrong.strerror or "the system refused"
    if isinstance(wrong, UnicodeDecodeError):
        return f"byte {wrong.start} is not UTF-8"
    return str(wrong)
