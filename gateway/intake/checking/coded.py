"""Cells that hold one code or several of an agreed list, by label, code or synonym."""

import re
from datetime import date, timedelta
from functools import lru_cache

from gateway.agreement.codes import CodeIndex
from gateway.agreement.model import CodeList, FieldSpec
from gateway.agreement.normalise import fold
from gateway.intake.checking.column import Judged
from gateway.intake.checking.references import JOINED, parts_of

OTHER = "Other"
_SAID = re.compile(r"\s*other\s*[:\uff1a]\s*(?P<text>.*?)\s*", re.IGNORECASE | re.DOTALL)
_SPACE = re.compile(r"\s+")


class Eras:
    """The spans of time between which a code list changes: one day of each stands for all of it."""

    def __init__(self, code_list: CodeList) -> None:
        starts = {code.valid_from for code in code_list.codes if code.valid_from}
        ends = {code.valid_to + timedelta(days=1) for code in code_list.codes if code.valid_to}
        self.changes = sorted(starts | ends)

    def day(self, era: int) -> date:
        """A day within the era of that number, from 0: a list that never changes has none."""
        return self.changes[era - 1] if era else self.changes[0] - timedelta(days=1)


class CodedCells:
    """Judges a coded field's distinct values, on days when a code must have been in being."""

    def __init__(self, spec: FieldSpec, code_list: CodeList) -> None:
        self._spec = spec
        self._index = CodeIndex(code_list)
        self._alone = frozenset(spec.alone)
        self._known = lru_cache(maxsize=10_000)(self._one)
        self.eras = Eras(code_list)

    def judge(self, cell: str, days: tuple[date, ...] = ()) -> Judged:
        """The labels of a cell, or the first fault of it. With no days, validity is not asked."""
        several = self._spec.kind == "codes"
        judged = [self._known(part, days) for part in (parts_of(cell) if several else [cell])]
        for one in judged:
            if one.fault:
                return one
        labels = list(dict.fromkeys(one.text or "" for one in judged))
        if not labels:
            return Judged(fault="code.unknown")
        if len(labels) > 1 and not self._alone.isdisjoint(labels):
            return Judged(fault="code.alone")
        return Judged(JOINED.join(labels))

    def _one(self, part: str, days: tuple[date, ...]) -> Judged:
        found = self._index.resolve(part, days)
        if found.label is not None:
            return Judged(found.label)
        if self._spec.other:
            if fold(part) == fold(OTHER):
                return Judged(OTHER)
            if said := _SAID.fullmatch(part):
                return self._said(_SPACE.sub(" ", said["text"]))
        return Judged(fault=found.problem)

    def _said(self, text: str) -> Judged:
        if not text:
            return Judged(OTHER)
        if len(text) > self._spec.other_max_length:
            return Judged(fault="code.other-too-long")
        return Judged(f"{OTHER}: {text}")
