"""Judging a field's cells in a batch by its kind, with what the field needs of other columns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import polars as pl

from gateway.agreement.model import CodeList, FieldSpec, RuleBook
from gateway.intake.checking.ages import age_judge
from gateway.intake.checking.answers import answer_judge
from gateway.intake.checking.cells import sound
from gateway.intake.checking.coded import CodedCells
from gateway.intake.checking.column import Column, DistinctValues, Judge, Judged, nothing
from gateway.intake.checking.dates import judge_date
from gateway.intake.checking.initials import initials_of, judge_initials, names_child
from gateway.intake.checking.references import reference_judge

Dates = Mapping[str, pl.Series]
_BETWEEN, _NO_DAY = "\x1f", "-"


class FieldJudge:
    """Judges the cells of one field, batch after batch; cells arrive trimmed, blank ones null."""

    def __init__(self, spec: FieldSpec, book: RuleBook, today: date) -> None:
        self.spec = spec
        self._today = today
        self._coded = _Dated(spec, book.lists[spec.list]) if spec.list else None
        judge = _judge_of(spec)
        self._values = DistinctValues(judge) if judge else None

    def column(self, cells: pl.Series | None, length: int, dates: Dates) -> Column:
        """The judged column; ``cells`` is None where the file has no such column."""
        if cells is None or cells.null_count() == length:
            return Column(nothing(length), nothing(length))
        fit = sound(cells, self.spec)
        if self._coded:
            judged = self._coded.column(fit.values, dates)
        elif self._values:
            judged = self._values.column(fit.values)
        else:
            return fit
        if fit.faulty.any():
            faults = pl.select(pl.coalesce(fit.faults, judged.faults)).to_series()
            judged = Column(judged.values, faults)
        return self._not_after_today(judged)

    def _not_after_today(self, judged: Column) -> Column:
        if not self.spec.not_after_today:
            return judged
        # ISO dates sort as text
        return judged.with_faults(judged.values > self._today.isoformat(), "date.future")


def _judge_of(spec: FieldSpec) -> Judge | None:
    """What judges a distinct value of the field; None for text, and for codes, which need dates."""
    makers: dict[str, Callable[[], Judge]] = {
        "date": lambda: judge_date,
        "age": lambda: age_judge(spec),
        "yes-no": lambda: answer_judge(not_known=False),
        "yes-no-unknown": lambda: answer_judge(not_known=True),
        "initials": lambda: judge_initials,
        "reference": lambda: reference_judge(spec),
        "references": lambda: reference_judge(spec),
    }
    make = makers.get(spec.kind)
    return make() if make else None


class _Dated:
    """A coded field whose codes must have been in being on one of some dates of the row."""

    def __init__(self, spec: FieldSpec, code_list: CodeList) -> None:
        self._cells = CodedCells(spec, code_list)
        self._valid_on = spec.valid_on if self._cells.eras.changes else ()
        self._values = DistinctValues(self._judge if self._valid_on else self._cells.judge)

    def column(self, cells: pl.Series, dates: Dates) -> Column:
        if not self._valid_on:
            return self._values.column(cells)
        eras = [self._eras(dates[name]) for name in self._valid_on]
        keys = pl.select(pl.concat_str([cells, *eras], separator=_BETWEEN)).to_series()
        return self._values.column(keys)

    def _eras(self, days: pl.Series) -> pl.Series:
        """The number of the era of each day, as text; ``-`` where there is no day."""
        changes = pl.Series(self._cells.eras.changes, dtype=pl.Date)
        first = date(1900, 1, 1)
        numbers = changes.search_sorted(days.fill_null(first), side="right")
        return numbers.cast(pl.String).set(days.is_null(), _NO_DAY)

    def _judge(self, key: str) -> Judged:
        cell, *eras = key.split(_BETWEEN)
        day_of = self._cells.eras.day
        days = tuple(day_of(int(era)) for era in eras if era != _NO_DAY)
        return self._cells.judge(cell, days)


def derived_initials(
    column: Column, names: Sequence[pl.Series], empty_values: Sequence[str]
) -> Column:
    """Blank initials made from the row's first filled name; given ones held against it.

    What stands as initials and is a word of that name, such as MIA, is a name all the same. A name
    that says nothing of anyone (``empty_values``: not known) counts as blank.
    """
    if not names:
        return column
    empty = [value.casefold() for value in empty_values]
    said = [cells.set(cells.str.to_lowercase().is_in(empty), None) for cells in names]
    name = pl.select(pl.coalesce(said)).to_series()
    blank = column.blank
    made = _derived(name.set(~blank, None)) if blank.any() else nothing(len(name))
    suspect = column.values.str.len_chars() > 1
    is_name = _is_named(column.values.set(~suspect, None), name)
    values = pl.select(pl.coalesce(column.values, made)).to_series()
    return Column(values, column.faults).with_faults(is_name, "initials.full-name")


def _derived(names: pl.Series) -> pl.Series:
    made = [initials_of(name) if name else None for name in names.to_list()]
    return pl.Series(made, dtype=pl.String)


def _is_named(initials: pl.Series, names: pl.Series) -> pl.Series:
    """Where initials are a word of the name: those that stand in it at all are looked at."""
    letters = initials.str.replace_all(r"[^\p{L}]", "").str.to_lowercase()
    lowered = pl.lit(names.str.to_lowercase())
    near = pl.select(lowered.str.contains(pl.lit(letters), literal=True)).to_series()
    found = pl.repeat(False, len(names), eager=True)
    for at in near.fill_null(False).arg_true():
        if names_child(initials[at], names[at]):
            found[at] = True
    return found
