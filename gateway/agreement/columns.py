"""Faults in a flow's field list that the model's types alone cannot see."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.agreement.model import CodeList
from gateway.agreement.normalise import fold_heading
from gateway.agreement.shape import Loc, Table, tables, texts

Found = Iterator[tuple[Loc, str]]
Lists = Mapping[str, CodeList]
CODED = ("code", "codes")
REFERENCES = ("reference", "references")
SEPARATORS = re.compile(r"[;|\r\n]")
# Keys that only some kinds of field use: elsewhere they would be a rule silently not applied.
ONLY_FOR: dict[str, tuple[str, ...]] = {
    "list": CODED,
    "other": CODED,
    "other_max_length": CODED,
    "valid_on": CODED,
    "alone": ("codes",),
    "pattern": REFERENCES,
    "minimum": ("age",),
    "maximum": ("age",),
    "not_after_today": ("date",),
    "allow_identifiers": ("text",),
    "derive": ("initials", "age"),
}


def field_list_faults(flow: Table, loc: Loc, lists: Lists) -> Found:
    """Every fault of a flow's fields and source columns, by place in the shaped data."""
    fields = tables(flow.get("fields"))
    kinds = {field.get("id"): field.get("kind") for _, field in fields}
    yield from _repeated_ids(fields, loc)
    yield from _repeated_headings(flow, loc)
    for index, field in fields:
        here: Loc = (*loc, "fields", index)
        yield from _kind_faults(field, here)
        yield from _code_faults(field, here, lists)
        yield from _validity_faults(field, here, kinds)
        yield from _derivation_faults(field, here, kinds, flow)
    yield from _allowance_faults(flow, loc, kinds)
    yield from _main_reference_faults(flow, loc, fields)


def _repeated_ids(fields: list[tuple[int, Table]], loc: Loc) -> Found:
    seen: set[str] = set()
    for index, field in fields:
        name = field.get("id")
        if isinstance(name, str) and name in seen:
            yield (*loc, "fields", index, "id"), f"another field has the id {name}"
        elif isinstance(name, str):
            seen.add(name)


def _repeated_headings(flow: Table, loc: Loc) -> Found:
    """A heading, folded, may mean one column only: kept once, or dropped once."""
    owners: dict[str, str] = {}
    for place, heading in _headings(flow, loc):
        folded = fold_heading(heading)
        if not folded:
            yield place, "a heading needs a letter or a digit"
        elif folded in owners:
            yield place, f"means the same heading as {owners[folded]!r}; a heading may stand once"
        else:
            owners[folded] = heading


def _headings(flow: Table, loc: Loc) -> Iterator[tuple[Loc, str]]:
    for index, field in tables(flow.get("fields")):
        here: Loc = (*loc, "fields", index)
        if isinstance(field.get("heading"), str):
            yield (*here, "heading"), field["heading"]
        for at, heading in enumerate(texts(field.get("also"))):
            yield (*here, "also", at), heading
    for index, column in tables(flow.get("source_columns")):
        if isinstance(column.get("heading"), str):
            yield (*loc, "source_columns", index), column["heading"]


def _kind_faults(field: Table, here: Loc) -> Found:
    kind = field.get("kind")
    for key, kinds in ONLY_FOR.items():
        if field.get(key) and kind not in kinds:
            yield (*here, key), f"means nothing for a field of kind {kind}"
    if kind in CODED and not field.get("list"):
        yield (*here, "list"), f"is missing: a field of kind {kind} takes a code list"
    if kind in REFERENCES and not field.get("pattern"):
        yield (*here, "pattern"), f"is missing: a field of kind {kind} takes a pattern"
    if isinstance(field.get("pattern"), str):
        try:
            re.compile(field["pattern"])
        except re.error as wrong:
            yield (*here, "pattern"), f"is not a regular expression: {wrong.msg}"
    least, most = field.get("minimum"), field.get("maximum")
    if isinstance(least, int) and isinstance(most, int) and most < least:
        yield (*here, "maximum"), "is less than minimum"


def _code_faults(field: Table, here: Loc, lists: Lists) -> Found:
    code_list = lists.get(str(field.get("list")))
    if code_list is None or field.get("kind") not in CODED:
        return
    labels = [code.label for code in code_list.codes]
    for at, label in enumerate(texts(field.get("alone"))):
        if label not in labels:
            yield (*here, "alone", at), f"is not a label of the list {code_list.id}"
    if field.get("other") is True and "Other" not in labels:
        yield (*here, "other"), f"needs the label Other in the list {code_list.id}"
    written = [text for code in code_list.codes for text in (code.label, code.code, *code.synonyms)]
    parted = next((text for text in written if SEPARATORS.search(text)), None)
    if field.get("kind") == "codes" and parted is not None:
        words = f"has {parted!r}, which holds a mark that parts several values (; or | or a line)"
        yield (*here, "list"), f"the list {code_list.id} {words}"


def _validity_faults(field: Table, here: Loc, kinds: Mapping[Any, Any]) -> Found:
    for at, name in enumerate(texts(field.get("valid_on"))):
        yield from date_field_faults(name, (*here, "valid_on", at), kinds)


def date_field_faults(name: Any, place: Loc, kinds: Mapping[Any, Any]) -> Found:
    """The fault of naming a field that the flow has not, or that is no date."""
    if name not in kinds:
        yield place, f"the flow has no field {name}"
    elif kinds[name] != "date":
        yield place, f"the field {name} is not of kind date"


def _derivation_faults(field: Table, here: Loc, kinds: Mapping[Any, Any], flow: Table) -> Found:
    derive = field.get("derive")
    if not isinstance(derive, dict):
        return
    here = (*here, "derive")
    if derive.get("kind") != field.get("kind"):
        yield (*here, "kind"), f"makes {derive.get('kind')}, but the field is {field.get('kind')}"
    elif derive.get("kind") == "initials":
        known = {fold_heading(str(c.get("heading"))) for _, c in tables(flow.get("source_columns"))}
        if not texts(derive.get("headings")):
            yield (*here, "headings"), "is missing: initials are made from a listed column"
        for at, heading in enumerate(texts(derive.get("headings"))):
            if fold_heading(heading) not in known:
                yield (*here, "headings", at), "is not among the source columns"
    elif derive.get("kind") == "age":
        for key in ("born", "at"):
            yield from date_field_faults(derive.get(key), (*here, key), kinds)


def _allowance_faults(flow: Table, loc: Loc, kinds: Mapping[Any, Any]) -> Found:
    for index, column in tables(flow.get("source_columns")):
        for at, name in enumerate(texts(column.get("allowed_in"))):
            if kinds.get(name) != "text":
                place = (*loc, "source_columns", index, "allowed_in", at)
                yield place, f"the flow has no field {name} of kind text"


def _main_reference_faults(flow: Table, loc: Loc, fields: list[tuple[int, Table]]) -> Found:
    name = flow.get("reference_field", "reference")
    for _, field in fields:
        if field.get("id") == name:
            if field.get("kind") != "reference" or field.get("required") is not True:
                yield (
                    (*loc, "reference_field"),
                    f"{name} must be a required field of kind reference",
                )
            return
    yield (*loc, "reference_field"), f"the flow has no field {name}"
