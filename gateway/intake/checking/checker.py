"""Checking a table: each batch by fields, rules and screen, then its rows beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from gateway.agreement.model import FieldSpec, RuleBook
from gateway.intake.checking.cells import trimmed
from gateway.intake.checking.column import Column
from gateway.intake.checking.crossrow import RowsSoFar
from gateway.intake.checking.faults import FaultList
from gateway.intake.checking.fields import FieldJudge, derived_initials
from gateway.intake.checking.headings import Plan
from gateway.intake.checking.rules import Rules, derived_age
from gateway.intake.checking.screening import Screener
from gateway.intake.findings import Finding
from gateway.intake.reading import Batch


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch after checking: ``row`` and the agreed fields in order, as text; and its findings.

    A blank cell and one at fault are null. Every row of the batch is there, at fault or not.
    """

    frame: pl.DataFrame
    findings: list[Finding]


class Checker:
    """Checks the batches of one file, in order."""

    def __init__(self, plan: Plan, book: RuleBook, today: date) -> None:
        self._plan = plan
        self._fields = book.flow.fields
        self._judges = {spec.id: FieldJudge(spec, book, today) for spec in self._fields}
        self._rules = Rules(book)
        self._screener = Screener(plan, book)
        self._empty = book.flow.screening.empty_values
        self._reference = book.flow.reference_field
        self._rows = RowsSoFar(book.flow.field(self._reference).heading)

    def check(self, batch: Batch) -> Checked:
        """Check a batch. Findings come by row, then in the order of the agreement's columns."""
        cells = trimmed(batch.frame, [f"c{at}" for at in self._plan.wanted])
        given, dates = self._judged(cells, batch.frame.height)
        columns = self._completed(given, dates, cells)
        values = {name: column.values for name, column in columns.items()}
        faults = FaultList(self._fields, batch)
        faults.add_columns(columns)
        faults.add_broken(self._rules.broken(columns, dates))
        faults.add_leaks(self._screener.leaks(values, cells))
        self._remember(batch, columns, cells, faults.at_fault)
        filled = [column.values.alias(name) for name, column in columns.items()]
        return Checked(pl.DataFrame([batch.frame["row"], *filled]), faults.findings())

    def finish(self) -> list[Finding]:
        """The findings that need every row, once the last batch is checked."""
        return self._rows.findings()

    def _judged(
        self, cells: pl.DataFrame, length: int
    ) -> tuple[dict[str, Column], dict[str, pl.Series]]:
        """Every field by itself, dates first: codes are judged by them. Both are by field id."""
        columns: dict[str, Column] = {}
        dates: dict[str, pl.Series] = {}
        for spec in sorted(self._fields, key=lambda spec: spec.kind != "date"):
            column = self._judges[spec.id].column(self._cells(spec, cells), length, dates)
            columns[spec.id] = column
            if spec.kind == "date":
                dates[spec.id] = column.values.str.to_date("%Y-%m-%d")
        return {spec.id: columns[spec.id] for spec in self._fields}, dates

    def _cells(self, spec: FieldSpec, cells: pl.DataFrame) -> pl.Series | None:
        at = self._plan.positions.get(spec.id)
        return None if at is None else cells[f"c{at}"]

    def _completed(
        self, given: Mapping[str, Column], dates: Mapping[str, pl.Series], cells: pl.DataFrame
    ) -> dict[str, Column]:
        """The columns with what can be derived, and a fault where a required cell is blank."""
        columns = dict(given)
        for spec in self._fields:
            column = columns[spec.id]
            if spec.kind == "initials":
                names = [cells[f"c{at}"] for at in self._plan.names.get(spec.id, ())]
                column = derived_initials(column, names, self._empty)
            elif spec.kind == "age":
                column = derived_age(spec, column, dates)
            if spec.required:
                column = column.with_faults(column.blank, "cell.required")
            columns[spec.id] = column
        return columns

    def _remember(
        self,
        batch: Batch,
        columns: Mapping[str, Column],
        cells: pl.DataFrame,
        at_fault: pl.Series,
    ) -> None:
        """Rows are the same when all that would be sent is, and what is at fault reads the same."""
        read: Sequence[pl.Series] = [
            _as_read(columns[spec.id], self._cells(spec, cells)) for spec in self._fields
        ]
        reference = columns[self._reference].values
        self._rows.add(batch.frame["row"], read, reference, at_fault)


def _as_read(column: Column, cells: pl.Series | None) -> pl.Series:
    if cells is None or not column.faulty.any():
        return column.values
    return pl.select(pl.coalesce(column.values, cells)).to_series()
