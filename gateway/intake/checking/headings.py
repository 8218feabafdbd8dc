"""Which column of a file is which field: exact matching after folding, and an allow-list.

A heading that is neither a field's nor one of its agreed synonyms is dropped. The places of dropped
columns are kept only where screening or a derivation reads them, and never reach the output.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.agreement.model import FieldSpec, RuleBook, Screening
from gateway.agreement.normalise import fold_heading
from gateway.intake.findings import Finding, finding
from gateway.intake.reading.refused import Refused

Screens = Literal["name", "identifier", "phrase"]
DROPPED_LENGTH, DROPPED_COUNT = 120, 500
_CASE_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Source:
    """A dropped column whose values are looked for in kept text, but for fields ``allowed_in``."""

    position: int
    screens: Screens
    allowed_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with each column of a file. Positions count from 0, left to right.

    ``kept`` and ``missing`` are agreed headings in the agreement's order; ``dropped`` are headings
    as read. ``refusals`` are the errors for which the file must be refused whole.
    """

    positions: Mapping[str, int]
    sources: tuple[Source, ...]
    names: Mapping[str, tuple[int, ...]]  # field to derive -> columns of names, first choice first
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    missing: tuple[str, ...]
    refusals: tuple[Finding, ...]
    findings: tuple[Finding, ...]

    @property
    def wanted(self) -> tuple[int, ...]:
        """The positions that must be read; no other column is."""
        names = {position for columns in self.names.values() for position in columns}
        read = {source.position for source in self.sources}
        return tuple(sorted({*self.positions.values(), *read, *names}))


def plan_columns(headings: Sequence[str], book: RuleBook) -> Plan:
    """The plan for a file's headings. Raises Refused when one stands twice or is missing."""
    plan = map_columns(headings, book)
    if plan.refusals:
        raise Refused(*plan.refusals)
    return plan


def map_columns(headings: Sequence[str], book: RuleBook) -> Plan:
    """The plan for a file's headings, with the reasons to refuse it, if any, in ``refusals``."""
    folded = [fold_heading(heading) for heading in headings]
    means = {fold_heading(n): spec for spec in book.flow.fields for n in (*spec.also, spec.heading)}
    positions, twice = _positions(folded, means)
    unknown = [at for at, name in enumerate(folded) if name and name not in means]
    twice += _unknown_twice(folded, unknown)
    names = _name_columns(folded, book.flow.fields)
    absent = [spec for spec in book.flow.fields if spec.id not in positions]
    lost = [spec for spec in absent if spec.required and not _derivable(spec, positions, names)]
    dropped = [headings[at].strip()[:DROPPED_LENGTH] for at in unknown]
    return Plan(
        positions=positions,
        sources=_sources(headings, folded, unknown, book),
        names=names,
        kept=tuple(spec.heading for spec in book.flow.fields if spec.id in positions),
        dropped=tuple(dropped[:DROPPED_COUNT]),
        missing=tuple(spec.heading for spec in absent),
        refusals=(*twice, *(finding("file.heading-missing", column=s.heading) for s in lost)),
        findings=(finding("file.columns-dropped", count=len(unknown)),) if unknown else (),
    )


def _positions(
    folded: Sequence[str], means: Mapping[str, FieldSpec]
) -> tuple[dict[str, int], list[Finding]]:
    positions: dict[str, int] = {}
    twice: dict[str, Finding] = {}
    for at, name in enumerate(folded):
        spec = means.get(name)
        if spec is None:
            continue
        if spec.id in positions:
            twice[spec.id] = finding("file.heading-twice", column=spec.heading)
        positions.setdefault(spec.id, at)
    return positions, list(twice.values())


def _unknown_twice(folded: Sequence[str], unknown: Sequence[int]) -> list[Finding]:
    """One finding without a heading: an unknown heading is the sender's own text."""
    counted = Counter(folded[at] for at in unknown)
    return [finding("file.heading-twice")] if any(n > 1 for n in counted.values()) else []


def _name_columns(folded: Sequence[str], fields: Sequence[FieldSpec]) -> dict[str, tuple[int, ...]]:
    place = {name: at for at, name in reversed(list(enumerate(folded)))}
    found = {
        spec.id: tuple(
            place[name] for name in map(fold_heading, spec.derive.headings) if name in place
        )
        for spec in fields
        if spec.derive and spec.derive.kind == "initials"
    }
    return {field_id: columns for field_id, columns in found.items() if columns}


def _derivable(
    spec: FieldSpec, positions: Mapping[str, int], names: Mapping[str, tuple[int, ...]]
) -> bool:
    if spec.derive and spec.derive.kind == "age":
        return spec.derive.born in positions and spec.derive.at in positions
    return spec.id in names


def _sources(
    headings: Sequence[str], folded: Sequence[str], unknown: Sequence[int], book: RuleBook
) -> tuple[Source, ...]:
    listed = {fold_heading(column.heading): column for column in book.flow.source_columns}
    sources = []
    for at in unknown:
        column = listed.get(folded[at])
        if column is None:
            screens = unlisted_screens(headings[at], book.flow.screening)
            if screens:
                sources.append(Source(at, screens))
        elif column.screens != "no":
            sources.append(Source(at, column.screens, frozenset(column.allowed_in)))
    return tuple(sources)


def unlisted_screens(heading: str, screening: Screening) -> Screens | None:
    """How an unlisted dropped column screens: by the person, contact or identifier word it holds.

    Words are told apart in ``MotherName`` and ``Carer2`` as well.
    """
    words = f" {fold_heading(_CASE_CHANGE.sub(' ', heading))} {fold_heading(heading)} "

    def holds(listed: Sequence[str]) -> bool:
        return any(f" {fold_heading(word)} " in words for word in listed)

    if holds(screening.identifier_words):
        return "identifier"
    if holds(screening.address_words):
        return "phrase"
    return "name" if holds(screening.person_words) else None
