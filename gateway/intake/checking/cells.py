"""What can be wrong with any cell, whatever its field: marks of the reader, and length."""

from collections.abc import Iterable

import polars as pl

from gateway.agreement.model import FieldSpec
from gateway.intake.checking.column import Column, codes_at, nothing
from gateway.intake.checking.dates import TRUE_DATE

ERROR_VALUE = "\x02"  # the reader's mark of a spreadsheet error
CONTROL = "\x03"  # the reader's mark in place of a control character
_UNWRITABLE = "\ufffe\uffff"  # no characters, and no XML (so no workbook) may hold them
_MARKS = f"[{TRUE_DATE}{ERROR_VALUE}{CONTROL}{_UNWRITABLE}]"


def trimmed(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The named columns without space around their cells; a cell of space alone is blank (null)."""
    stripped = [pl.col(name).str.strip_chars().alias(name) for name in names]
    made = frame.select(stripped)
    return made.select(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in made.columns
    )


def sound(cells: pl.Series, spec: FieldSpec) -> Column:
    """The cells with those set aside that no judge of their kind should see."""
    marked = cells.str.contains(_MARKS)
    long = cells.str.len_bytes() > spec.max_length  # never fewer bytes than characters
    if not (marked.any() or long.any()):
        return Column(cells, nothing(len(cells)))
    faults = {
        "cell.error-value": cells == ERROR_VALUE,
        "cell.control-character": cells.str.contains(f"[{CONTROL}{ERROR_VALUE}{_UNWRITABLE}]"),
        "cell.too-long": cells.str.len_chars() > spec.max_length,
    }
    if spec.kind != "date":
        faults["cell.date-in-wrong-place"] = cells.str.contains(TRUE_DATE, literal=True)
    codes = codes_at(faults, len(cells))
    return Column(cells.set(codes.is_not_null(), None), codes)
