"""Rows beside other rows of the file: the same twice, or one reference for two different rows.

What is kept of a row is 29 bytes: its number, two hashes of its content as it would be sent, one of
its reference, and whether it is at fault. Of rows that are the same the first counts; a later one
is a repeat, unless it is at fault itself, for then it is held and told with its own findings.
"""

from collections.abc import Iterable

import polars as pl

from gateway.intake.findings import Finding, finding

_BETWEEN = "\x1f"
_SEEDS = (0x5EED, 0xC0DE)


class RowsSoFar:
    """The rows seen, as hashes. ``reference`` is the heading of the reference field."""

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._parts: list[pl.DataFrame] = []

    def add(
        self,
        rows: pl.Series,
        cells: Iterable[pl.Series],
        references: pl.Series,
        at_fault: pl.Series,
    ) -> None:
        """Note a batch: row numbers, the cells that make rows the same, references, faults."""
        content = pl.concat_str([pl.lit(c).fill_null("") for c in cells], separator=_BETWEEN)
        reference = pl.lit(references.str.to_lowercase())
        made = pl.select(
            row=rows,
            content=content.hash(_SEEDS[0]),
            again=content.hash(_SEEDS[1]),
            reference=pl.when(reference.is_not_null()).then(reference.hash(_SEEDS[0])),
            at_fault=at_fault,
        )
        self._parts.append(made)

    def findings(self) -> list[Finding]:
        """Queries on repeats and errors on every row of a reference in conflict, by row."""
        if not self._parts:
            return []
        seen = pl.concat(self._parts).sort("row")
        same = ["content", "again"]
        first = pl.col("row") == pl.col("row").min().over(same)
        repeats = seen.filter(~first & ~pl.col("at_fault"))["row"]
        named = seen.filter(pl.col("reference").is_not_null())
        contents = pl.struct(same).n_unique().over("reference")
        conflicts = named.filter((contents > 1) & ~pl.col("row").is_in(repeats.implode()))["row"]
        found = [finding("row.repeated", row) for row in repeats]
        found += [finding("row.reference-conflict", row, self._reference) for row in conflicts]
        return sorted(found, key=lambda item: (item.row or 0, item.code))
