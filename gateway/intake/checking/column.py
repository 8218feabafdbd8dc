"""One field's cells of a batch, judged: what they mean, and what is wrong with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

REMEMBERED = 50_000  # distinct values remembered per field, so that memory stays flat


class Judged(NamedTuple):
    """What one distinct value means: its ``text`` as it is sent, or the code of its ``fault``."""

    text: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A field's cells after judging. Both series are as long as the batch.

    ``values`` is text as it is sent; null where the cell is blank or at fault. ``faults`` holds
    finding codes; null where nothing is wrong.
    """

    values: pl.Series
    faults: pl.Series

    @property
    def faulty(self) -> pl.Series:
        """Where something is wrong with the cell itself."""
        return self.faults.is_not_null()

    @property
    def blank(self) -> pl.Series:
        """Where there is no value although nothing is wrong."""
        return self.values.is_null() & self.faults.is_null()

    def with_faults(self, where: pl.Series, code: str) -> "Column":
        """The same cells, with those at ``where`` at fault. An earlier fault of a cell stays."""
        fresh = where.fill_null(False) & self.faults.is_null()
        if not fresh.any():
            return self
        faults = pl.select(pl.when(fresh).then(pl.lit(code)).otherwise(self.faults)).to_series()
        values = self.values.set(fresh, None)
        return Column(values, faults)


Judge = Callable[[str], Judged]


class DistinctValues:
    """Judges each distinct value of a field once, and remembers it from batch to batch."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[str, Judged] = {}

    def column(self, cells: pl.Series) -> Column:
        """Judge a batch's cells; null cells stay null."""
        distinct = cells.drop_nulls().unique()
        if 2 * len(distinct) > len(cells):  # hardly worth remembering
            judged = [self._judge(text) for text in distinct.to_list()]
        else:
            judged = self._judged(distinct.to_list())
        texts = [one.text for one in judged]
        faults = [one.fault for one in judged]
        clean = not any(faults)
        return Column(
            mapped(cells, distinct, texts),
            nothing(len(cells)) if clean else mapped(cells, distinct, faults),
        )

    def _judged(self, distinct: list[str]) -> list[Judged]:
        known, judge = self._known, self._judge
        if len(known) > REMEMBERED:
            known.clear()
        found = []
        for text in distinct:
            one = known.get(text)
            if one is None:
                one = known[text] = judge(text)
            found.append(one)
        return found


def mapped(cells: pl.Series, distinct: pl.Series, meanings: list[str | None]) -> pl.Series:
    """Each cell replaced by the meaning of its distinct value."""
    if not len(distinct):
        return nothing(len(cells))
    new = pl.Series(meanings, dtype=pl.String)
    if distinct.equals(new):
        return cells
    return cells.replace_strict(distinct, new, default=None, return_dtype=pl.String)


def nothing(length: int) -> pl.Series:
    """A text series with no value in it."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, length)


def codes_at(faults: Mapping[str, pl.Series], length: int) -> pl.Series:
    """A series of finding codes from masks by code; the first code to claim a cell has it."""
    series = nothing(length)
    for code, where in faults.items():
        fresh = where.fill_null(False) & series.is_null()
        if fresh.any():
            series = series.set(fresh, code)
    return series
