"""Whatever stands in the cells, checking ends well and what it gives has the agreed form."""

import random
from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.agreement.model import RuleBook
from gateway.intake.checking.checker import Checker
from gateway.intake.checking.headings import plan_columns
from gateway.intake.confined.cells import cell_check, has_control
from gateway.intake.findings import KINDS
from gateway.intake.reading import Batch

DROPPED = ("Child's full name", "Mother's name", "Postcode", "Address", "Mother's date of birth",
           "Carer 2", "Telephone")  # fmt: skip
PIECES = (
    "AB", "O'Neill", "Si\u00e2n", "01/02/2024", "31/02/2024", "2024-02-01", "\x012024-02-01",
    "\x02", "\x012024-02-01T09:00:00", "Male", "Yes", "No", "n/k", "12", "unborn", "under 1",
    "SCN1", ";", "|", "\n", "\r", ",", "Other", "Other: ", "None", "MOB", "Camden", "909",
    "M1 1AA", "\u01f0", "\u00df", "\ufdfa", "e\u0301", "\u0301", "\u200b", "\u00a0", "'", '"',
    "(", "-", ". ", "Will", "May", "a@b.co", "07700 900123", "\x03", "Neglect", "Police",
    "\U0001f600", "\u0130", "\u03a3", "\u2028", "x" * 250,
)  # fmt: skip
ROWS = 40


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_cells_come_out_in_the_agreed_form(seed: int, book: RuleBook) -> None:
    chance = random.Random(seed)
    headings = [*(spec.heading for spec in book.flow.fields), *DROPPED]
    plan = plan_columns(headings, book)
    cells = {f"c{at}": [_cell(chance) for _ in range(ROWS)] for at in plan.wanted}
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    numbers = pl.Series("row", range(2, ROWS + 2), dtype=pl.UInt32)
    checker = Checker(plan, book, date(2024, 6, 3))
    checked = checker.check(Batch(frame.insert_column(0, numbers), []))
    assert checked.frame["row"].to_list() == numbers.to_list()
    for spec in book.flow.fields:
        check = cell_check(spec, book.lists)
        for cell in checked.frame[spec.id].drop_nulls():
            assert check(cell), spec.id
            assert not has_control(cell.encode())
    for item in [*checked.findings, *checker.finish()]:
        assert KINDS[item.code].scope == "row"
        assert item.row in numbers
        assert item.column is None or item.column in headings


def _cell(chance: random.Random) -> str | None:
    """Blank, one of the pieces, or a few of them run together; as a reader would give it."""
    pieces = chance.randrange(5)
    text = "".join(chance.choice(PIECES) for _ in range(max(1, pieces - 1)))
    return _as_a_reader_gives(text) if pieces else None


def _as_a_reader_gives(cell: str) -> str | None:
    """Its marks stand at the start of a cell, or alone; other control characters are replaced."""
    if not cell.strip():
        return None
    if cell.startswith("\x01202") or cell == "\x02":
        head, rest = cell[:1], cell[1:]
    else:
        head, rest = "", cell
    return head + "".join(
        "\x03" if (mark < " " and mark not in "\t\r\n") or mark == "\x7f" else mark for mark in rest
    )
