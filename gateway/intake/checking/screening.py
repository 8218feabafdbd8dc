"""Screening kept text: no value of a dropped column, and no identifier, may survive in it.

Whole columns are first searched for letters run together, which finds every row that could be at
fault; only those rows are looked at closely. A finding says where and what kind, never the value.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

import polars as pl

from gateway.agreement.model import FieldSpec, RuleBook
from gateway.intake.checking.coded import OTHER
from gateway.intake.checking.folding import letters_column, plain, plain_column
from gateway.intake.checking.headings import Plan, Source
from gateway.intake.checking.names import NameFinder
from gateway.intake.checking.needles import SCHEMA, NeedleMaker, needle_pattern
from gateway.intake.checking.patterns import MAYBE, holds_identifier
from gateway.intake.checking.references import JOINED

_BETWEEN = "\n"
Needle = tuple[int, str, str]  # a row of `needles.SCHEMA`
_pattern = lru_cache(maxsize=4096)(needle_pattern)


@dataclass(frozen=True, slots=True)
class Leak:
    """A finding's code, the field it is in, and where in the batch, from 0."""

    code: str
    field: str
    at: int


class Screener:
    """Screens a batch's kept text by the plan's dropped columns and the agreement's patterns."""

    def __init__(self, plan: Plan, book: RuleBook) -> None:
        screening = book.flow.screening
        self._fields = [spec for spec in book.flow.fields if _has_text(spec)]
        self._patterns = screening.patterns
        self._allowed = {spec.id: spec.allow_identifiers for spec in self._fields}
        self._maker = NeedleMaker(screening)
        self._names = NameFinder(screening.everyday_words)
        self._groups: dict[frozenset[str], list[Source]] = defaultdict(list)
        for source in plan.sources:
            self._groups[source.allowed_in].append(source)

    def leaks(self, values: Mapping[str, pl.Series], cells: pl.DataFrame) -> list[Leak]:
        """What may not stay, by field. ``values``: checked text by field; ``cells``: as read."""
        texts = {spec.id: _free_text(values[spec.id], spec) for spec in self._fields}
        texts = {name: text for name, text in texts.items() if text.null_count() < len(text)}
        if not texts:
            return []
        joined = pl.concat_str(list(texts.values()), separator=_BETWEEN, ignore_nulls=True)
        folded = plain_column(pl.select(joined).to_series())
        found = dict.fromkeys(self._identifiers(texts, folded))
        found.update(dict.fromkeys(self._dropped_values(texts, folded, cells)))
        return list(found)

    def _identifiers(self, texts: Mapping[str, pl.Series], folded: pl.Series) -> Iterator[Leak]:
        for kind in self._patterns:
            rows = folded.str.contains(MAYBE[kind]).arg_true()
            for field, series in texts.items():
                if kind in self._allowed[field]:
                    continue
                for at, text in zip(rows, series.gather(rows), strict=True):
                    if text and holds_identifier(text, kind):
                        yield Leak(f"screen.{kind}", field, at)

    def _dropped_values(
        self, texts: Mapping[str, pl.Series], folded: pl.Series, cells: pl.DataFrame
    ) -> Iterator[Leak]:
        letters = letters_column(folded)
        digits = folded.str.contains(r"\d")
        for allowed_in, sources in self._groups.items():
            needles = self._needles(sources, cells, digits)
            inside = pl.lit(letters.gather(needles["at"]))
            hits = needles.filter(inside.str.contains(pl.col("needle"), literal=True))
            searched = {name: text for name, text in texts.items() if name not in allowed_in}
            for at, group in groupby(hits.unique().sort("at").iter_rows(), key=itemgetter(0)):
                yield from self._look(at, list(group), searched)

    def _needles(
        self, sources: Sequence[Source], cells: pl.DataFrame, digits: pl.Series
    ) -> pl.DataFrame:
        named = [cells[f"c{s.position}"] for s in sources if s.screens == "name"]
        frames = [self._maker.named(named)] if named else []
        frames += [self._maker.identifiers(_figures(column), digits) for column in named]
        for source in sources:
            column = cells[f"c{source.position}"]
            if source.screens == "phrase":
                frames.append(self._maker.phrases(column))
            elif source.screens == "identifier":
                frames.append(self._maker.identifiers(column, digits))
        return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)

    def _look(
        self, at: int, needles: Sequence[Needle], texts: Mapping[str, pl.Series]
    ) -> Iterator[Leak]:
        words = {needle for _, needle, kind in needles if kind == "name"}
        others = [(needle, kind) for _, needle, kind in needles if kind != "name"]
        for field, series in texts.items():
            text = series[at]
            if not text:
                continue
            if words and self._names.holds(text, words):
                yield Leak("screen.name", field, at)
            for needle, kind in others:
                if self._stands(text, needle, kind):
                    yield Leak("screen.name" if kind == "full-name" else "screen.value", field, at)

    def _stands(self, text: str, needle: str, kind: str) -> bool:
        if kind == "phrase" and self._names.is_everyday(needle):
            return self._names.holds(text, {needle})
        return bool(_pattern(needle).search(plain(text)))


def _figures(names: pl.Series) -> pl.Series:
    """What stands in a column of names and is none: a date of birth, a telephone number, e-mail."""
    worded = names.str.contains(r"\p{L}") & ~names.str.contains("@", literal=True)
    return names.set(worded, None)


def _has_text(spec: FieldSpec) -> bool:
    return spec.kind == "text" or spec.other


def _free_text(values: pl.Series, spec: FieldSpec) -> pl.Series:
    """The text of a text field, or what follows ``Other:`` in a coded one."""
    if spec.kind == "text":
        return values
    said = f"(?:^|{JOINED}){OTHER}: "
    if not values.str.contains(said).any():
        return values.clear(len(values))
    return values.str.extract(rf"{said}(.*)$", 1)
