"""The rules across fields of one row (`gateway.agreement.model.Rule`), a batch at a time.

A rule that touches a cell already at fault says nothing of that row: one fault gives one finding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from gateway.agreement.model import FieldSpec, Rule, RuleBook
from gateway.intake.checking.ages import UNBORN, UNDER_ONE
from gateway.intake.checking.coded import OTHER
from gateway.intake.checking.column import Column
from gateway.intake.checking.references import JOINED
from gateway.intake.findings import Severity


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule broken: the finding's code and severity, the field, and the rows it is broken in."""

    code: str
    severity: Severity
    field: str
    where: pl.Series


class Rules:
    """A flow's rules. Columns are by field id; dates are those of date fields."""

    def __init__(self, book: RuleBook) -> None:
        self._rules = book.flow.rules
        self._holidays = sorted(book.non_working)
        self._kinds = {
            "not-before": self._not_before,
            "within-working-days": self._within_working_days,
            "born-before": self._born_before,
            "one-of": self._one_of,
            "only-when": self._only_when,
            "in-order": self._in_order,
            "age-matches": self._age_matches,
        }

    def broken(
        self, columns: Mapping[str, Column], dates: Mapping[str, pl.Series]
    ) -> Iterator[Broken]:
        """Every rule that some row breaks."""
        for rule in self._rules:
            for code, field, where in self._kinds[rule.kind](rule, columns, dates):
                where = where.fill_null(False)
                if where.any():
                    yield Broken(code, rule.severity, field, where)

    def _not_before(self, rule: Rule, _columns: "Columns", dates: "Dates") -> "Masks":
        field, other = rule.field or "", rule.other or ""
        yield "rule.not-before", field, dates[field] < dates[other]

    def _within_working_days(self, rule: Rule, _columns: "Columns", dates: "Dates") -> "Masks":
        """Counted from the day after ``other`` to ``field``, both of those days included."""
        field, other = rule.field or "", rule.other or ""
        day = pl.duration(days=1)
        start, end = pl.lit(dates[other]) + day, pl.lit(dates[field]) + day
        counted = pl.business_day_count(start, end, holidays=self._holidays)
        yield "rule.late", field, pl.select(counted > (rule.days or 0)).to_series()

    def _born_before(self, rule: Rule, columns: "Columns", dates: "Dates") -> "Masks":
        field, age = rule.field or "", columns[rule.age_field or ""]
        after = dates[field] > dates[rule.other or ""]
        said_unborn = (age.values == UNBORN).fill_null(False)
        yield "rule.born-after", field, after & ~said_unborn & ~age.faulty

    def _one_of(self, rule: Rule, columns: "Columns", _dates: "Dates") -> "Masks":
        blank = [columns[name].blank for name in rule.fields]
        yield "rule.one-of", rule.fields[0], pl.select(pl.all_horizontal(blank)).to_series()

    def _only_when(self, rule: Rule, columns: "Columns", _dates: "Dates") -> "Masks":
        field = rule.field or ""
        filled = columns[field].values.is_not_null()
        if rule.values:
            filled &= _holds_any(columns[field].values, rule.values)
        allowed = [_holds_any(columns[w.field].values, w.values) for w in rule.when]
        unsure = [columns[w.field].faulty for w in rule.when]
        excused = pl.select(pl.any_horizontal([*allowed, *unsure])).to_series()
        yield "rule.only-when", field, filled & ~excused

    def _in_order(self, rule: Rule, _columns: "Columns", dates: "Dates") -> "Masks":
        """Each date against the nearest one given before it."""
        before = dates[rule.fields[0]]
        for name in rule.fields[1:]:
            yield "rule.out-of-order", name, dates[name] < before
            before = pl.select(pl.coalesce(dates[name], before)).to_series()

    def _age_matches(self, rule: Rule, columns: "Columns", dates: "Dates") -> "Masks":
        name, born, at = rule.age_field or "", dates[rule.field or ""], dates[rule.other or ""]
        said = columns[name].values
        years = whole_years(born, at).cast(pl.String)
        same = (said == years) | ((said == UNDER_ONE) & (years == "0"))
        unborn = (said == UNBORN) & (born > at)
        impossible = born > at  # another rule's business
        yield "rule.age-differs", name, ~(same | unborn | impossible)


Columns = Mapping[str, Column]
Dates = Mapping[str, pl.Series]
Masks = Iterator[tuple[str, str, pl.Series]]


def whole_years(born: pl.Series, at: pl.Series) -> pl.Series:
    """Whole years between two dates. A birthday on 29 February falls on 1 March in other years."""

    def month_and_day(days: pl.Series) -> pl.Series:
        return days.dt.month().cast(pl.Int32) * 100 + days.dt.day().cast(pl.Int32)

    not_yet = (month_and_day(at) < month_and_day(born)).cast(pl.Int32)
    return at.dt.year().cast(pl.Int32) - born.dt.year().cast(pl.Int32) - not_yet


def _holds_any(values: pl.Series, labels: tuple[str, ...]) -> pl.Series:
    """Where any of several values joined is one of ``labels``; ``Other: text`` counts as Other."""
    single = values.is_in(labels)
    several = values.str.contains(f"{JOINED}|{OTHER}: ")
    if not several.any():
        return single.fill_null(False)
    heads = values.str.split(JOINED).list.eval(
        pl.when(pl.element().str.starts_with(f"{OTHER}: "))
        .then(pl.lit(OTHER))
        .otherwise(pl.element())
        .is_in(labels)
    )
    return heads.list.any().fill_null(False)


def derived_age(spec: FieldSpec, age: Column, dates: Dates) -> Column:
    """Where an age is blank, the whole years that the dates give; nothing for the unborn."""
    derive = spec.derive
    if derive is None or derive.born is None or derive.at is None:
        return age
    years = whole_years(dates[derive.born], dates[derive.at])
    fill = age.blank & (years >= 0).fill_null(False)
    if not fill.any():
        return age
    made = pl.select(pl.when(fill).then(years.cast(pl.String)).otherwise(age.values)).to_series()
    filled = Column(made, age.faults)
    lowest, highest = spec.minimum or 0, spec.maximum
    outside = fill & ((years < lowest) | (years > (150 if highest is None else highest)))
    return filled.with_faults(outside, "age.out-of-range")
