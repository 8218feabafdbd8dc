"""Rows beside each other: repeats, and one reference for two different rows."""

from typing import Any

import polars as pl

from gateway.intake.checking.crossrow import RowsSoFar

REF, CASE = "Reference number", "Case information"


def _row(reference: str, **more: str) -> dict[str, str]:
    return {REF: reference} | {name.replace("_", " "): cell for name, cell in more.items()}


def test_identical_rows_keep_the_first(examined: Any) -> None:
    result = examined([_row("SCN1"), _row("SCN2"), _row("SCN1"), _row("SCN1")])
    assert [(item.row, item.code, item.severity, item.column) for item in result.found] == [
        (4, "row.repeated", "query", None),
        (5, "row.repeated", "query", None),
    ]
    assert list(result.rows) == [2, 3, 4, 5]


def test_rows_are_compared_as_they_would_be_sent(examined: Any) -> None:
    """Spelling and dropped columns make no difference; anything sent does."""
    result = examined(
        [
            _row("SCN1", Gender="Male", Colour="red"),
            _row("SCN1", Gender="1", Colour="blue"),
            _row(" SCN1 ", Gender="M"),
            _row("SCN2", Gender="Female"),
        ]
    )
    assert result.of_rows == [(3, "row.repeated"), (4, "row.repeated")]


def test_one_reference_for_different_rows_is_an_error_on_each(examined: Any) -> None:
    result = examined(
        [_row("SCN1"), _row("SCN1", Gender="Female"), _row("SCN2"), _row("scn1", Gender="Unknown")]
    )
    assert result.of_rows == [(row, "row.reference-conflict") for row in (2, 3, 5)]
    assert {item.column for item in result.found} == {REF}


def test_a_repeat_beside_a_conflict(examined: Any) -> None:
    """A, B, A: A and B are in conflict; the second A is only the first once more."""
    result = examined([_row("SCN1"), _row("SCN1", Gender="Female"), _row("SCN1")])
    assert result.of_rows == [
        (2, "row.reference-conflict"),
        (3, "row.reference-conflict"),
        (4, "row.repeated"),
    ]


def test_a_repeat_at_fault_is_held_and_not_counted_twice(examined: Any) -> None:
    result = examined([_row("SCN1", Gender="Q"), _row("SCN1", Gender="Q")])
    assert result.of_rows == [(2, "code.unknown"), (3, "code.unknown")]


def test_what_is_at_fault_still_tells_rows_apart(examined: Any) -> None:
    rows = [_row("SCN1", Gender="Q"), _row("SCN1", Gender="Z")]
    assert examined(rows).of_rows == [
        (2, "code.unknown"),
        (2, "row.reference-conflict"),
        (3, "code.unknown"),
        (3, "row.reference-conflict"),
    ]


def test_rows_without_a_reference_are_in_no_conflict(examined: Any) -> None:
    result = examined(
        [_row(""), _row("", Gender="Female"), _row("??"), _row("??", Gender="Female")]
    )
    assert {code for _, code in result.of_rows} == {"cell.required", "reference.malformed"}


def test_a_repeat_with_a_leak_of_its_own_is_held(examined: Any) -> None:
    """The second row's dropped name stands in the text that both share."""
    rows = [_row("SCN1") | {CASE: "Seen with Aisha."} for _ in range(2)]
    result = examined([rows[0], rows[1] | {"Child's full name": "Aisha Khan"}])
    assert result.of_rows == [(3, "screen.name")]


def test_batches_make_no_difference() -> None:
    numbers = [2, 3, 5, 8, 9, 12]
    cells = ["a", "b", "a", "c", "b", "a"]
    references = ["R1", "R2", "r1", "R2", None, "R1"]
    faults = [False, False, False, False, True, False]

    def findings(*cuts: int) -> list[tuple[str, int | None]]:
        rows = RowsSoFar("Reference number")
        for start, end in zip((0, *cuts), (*cuts, len(numbers)), strict=True):
            rows.add(
                pl.Series(numbers[start:end], dtype=pl.UInt32),
                [pl.Series(cells[start:end]), pl.Series([None] * (end - start), dtype=pl.String)],
                pl.Series(references[start:end], dtype=pl.String),
                pl.Series(faults[start:end]),
            )
        return [(item.code, item.row) for item in rows.findings()]

    whole = findings()
    assert whole == [
        ("row.reference-conflict", 3),
        ("row.repeated", 5),
        ("row.reference-conflict", 8),
        ("row.repeated", 12),
    ]
    assert findings(1) == findings(3) == findings(2, 4) == findings(1, 2, 3, 4, 5) == whole


def test_no_rows_at_all() -> None:
    assert RowsSoFar("Reference number").findings() == []
