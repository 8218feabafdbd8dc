"""Faults in a flow's cross-field rules: keys that a kind needs, and the fields and values named."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.agreement.columns import CODED, Found, Lists, date_field_faults
from gateway.agreement.shape import Loc, Table, tables, texts

# What each kind of rule needs, beside id, kind, severity and words (see `model.Rule`).
NEEDS: dict[str, tuple[str, ...]] = {
    "not-before": ("field", "other"),
    "within-working-days": ("field", "other", "days"),
    "born-before": ("field", "other", "age_field"),
    "one-of": ("fields",),
    "only-when": ("field", "when"),
    "in-order": ("fields",),
    "age-matches": ("field", "other", "age_field"),
}
MAY: dict[str, tuple[str, ...]] = {"only-when": ("values",)}
KEYS = ("field", "other", "fields", "age_field", "days", "when", "values")
DATED = ("not-before", "within-working-days", "born-before", "in-order", "age-matches")
YES_NO: dict[Any, tuple[str, ...]] = {
    "yes-no": ("Yes", "No"),
    "yes-no-unknown": ("Yes", "No", "Not known"),
}


def rule_faults(flow: Table, loc: Loc, lists: Lists) -> Found:
    """Every fault of a flow's rules, by place in the shaped data."""
    specs = {field.get("id"): field for _, field in tables(flow.get("fields"))}
    for index, answer in tables(flow.get("answered_when")):
        yield from _named_value_faults(answer, (*loc, "answered_when", index), specs, lists)
    kinds = {name: field.get("kind") for name, field in specs.items()}
    for index, rule in tables(flow.get("rules")):
        here: Loc = (*loc, "rules", index)
        kind = rule.get("kind")
        if kind not in NEEDS:
            continue  # the model says so
        yield from _key_faults(rule, str(kind), here)
        yield from _field_faults(rule, here, kinds)
        yield from _value_faults(rule.get("field"), rule.get("values"), here, specs, lists)
        for at, when in tables(rule.get("when")):
            yield from _named_value_faults(when, (*here, "when", at), specs, lists)


def _named_value_faults(when: Table, here: Loc, specs: Mapping[Any, Table], lists: Lists) -> Found:
    if isinstance(when.get("field"), str) and when["field"] not in specs:
        yield (*here, "field"), f"the flow has no field {when['field']}"
    yield from _value_faults(when.get("field"), when.get("values"), here, specs, lists)


def _key_faults(rule: Table, kind: str, here: Loc) -> Found:
    for key in KEYS:
        given = rule.get(key) not in (None, [], "")
        if key in NEEDS[kind] and not given:
            yield (*here, key), f"is missing: a rule of kind {kind} needs it"
        elif given and key not in NEEDS[kind] and key not in MAY.get(kind, ()):
            yield (*here, key), f"means nothing for a rule of kind {kind}"
    if kind in ("one-of", "in-order") and len(texts(rule.get("fields"))) == 1:
        yield (*here, "fields"), "names one field alone; the rule needs two or more"


def _field_faults(rule: Table, here: Loc, kinds: Mapping[Any, Any]) -> Found:
    dated = rule.get("kind") in DATED
    for place, name in _named_fields(rule, here):
        if dated:
            yield from date_field_faults(name, place, kinds)
        elif name not in kinds:
            yield place, f"the flow has no field {name}"
    age = rule.get("age_field")
    if isinstance(age, str) and kinds.get(age) != "age":
        yield (*here, "age_field"), f"the flow has no field {age} of kind age"


def _named_fields(rule: Table, here: Loc) -> Iterator[tuple[Loc, str]]:
    for key in ("field", "other"):
        if isinstance(rule.get(key), str):
            yield (*here, key), rule[key]
    for at, name in enumerate(texts(rule.get("fields"))):
        yield (*here, "fields", at), name


def _value_faults(
    name: Any, values: Any, here: Loc, specs: Mapping[Any, Table], lists: Lists
) -> Found:
    """Values that a field can never hold would make a rule that never applies."""
    if not isinstance(name, str) or name not in specs:
        return
    spec = specs[name]
    kind = spec.get("kind")
    if kind in CODED:
        code_list = lists.get(str(spec.get("list")))
        if code_list is None:
            return  # the missing list is a fault already
        possible = {code.label for code in code_list.codes}
    else:
        possible = set(YES_NO.get(kind, ()))
    for at, value in enumerate(texts(values)):
        if value not in possible:
            yield (*here, "values", at), f"{value!r} is not a value that the field {name} can hold"
