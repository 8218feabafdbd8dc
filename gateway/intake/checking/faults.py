"""Gathering what is wrong in a batch into findings, in the order in which a person reads them."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from gateway.agreement.model import FieldSpec
from gateway.intake.checking.column import Column
from gateway.intake.checking.rules import Broken
from gateway.intake.checking.screening import Leak
from gateway.intake.findings import Finding, finding
from gateway.intake.reading import Batch

_WHOLE_ROW = -1


class FaultList:
    """The findings of one batch, those of the reader included."""

    def __init__(self, fields: Sequence[FieldSpec], batch: Batch) -> None:
        self._specs = {spec.id: spec for spec in fields}
        self._order = {spec.id: place for place, spec in enumerate(fields)}
        self._numbers = batch.frame["row"].to_list()
        self._found = [(item.row or 0, _WHOLE_ROW, item) for item in batch.findings]

    def add_columns(self, columns: Mapping[str, Column]) -> None:
        """Faults of cells by themselves."""
        for field, column in columns.items():
            faulty = column.faulty
            if faulty.any():
                places = faulty.arg_true()
                for at, code in zip(places, column.faults.gather(places), strict=True):
                    self._add(at, field, finding(code, count=self._limit(code, field)))

    def add_broken(self, broken: Iterable[Broken]) -> None:
        """Rules broken, each with the severity that the agreement gives it."""
        for rule in broken:
            for at in rule.where.arg_true():
                self._add(at, rule.field, finding(rule.code, severity=rule.severity))

    def add_leaks(self, leaks: Iterable[Leak]) -> None:
        """What screening found."""
        for leak in leaks:
            self._add(leak.at, leak.field, finding(leak.code))

    @property
    def at_fault(self) -> pl.Series:
        """Where a row has an error so far."""
        rows = {row for row, _, item in self._found if item.severity == "error"}
        return pl.Series([number in rows for number in self._numbers], dtype=pl.Boolean)

    def findings(self) -> list[Finding]:
        """The findings by row, then by the agreement's order of columns, then by code."""
        ordered = sorted(self._found, key=lambda entry: (entry[0], entry[1], entry[2].code))
        return [item for _, _, item in ordered]

    def _add(self, at: int, field: str, item: Finding) -> None:
        row = self._numbers[at]
        heading = self._specs[field].heading
        placed = Finding(item.code, item.severity, row, heading, item.count)
        self._found.append((row, self._order[field], placed))

    def _limit(self, code: str, field: str) -> int | None:
        if code == "cell.too-long":
            return self._specs[field].max_length
        return self._specs[field].other_max_length if code == "code.other-too-long" else None
