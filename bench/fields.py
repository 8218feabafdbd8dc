"""The field list as other validators can take it: of each heading what its cells may hold.

It is less than the gateway checks: no rule between columns, no list by date, no screening. Read
from the agreement and its code lists, by Python's library alone: the others' environment runs it.
"""

import csv
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).resolve().parent.parent / "config"
_ANSWERS = ("yes", "y", "true", "no", "n", "false", "not known", "unknown", "n/k", "nk")
_FORMS = {
    "date": r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
    "age": r"[0-9]{1,2}|unborn|under 1",
    "initials": r"[^\W\d_](?:[ .'-]?[^\W\d_]){0,4}\.?",
    "yes-no": "(?i:" + "|".join(_ANSWERS[:6]) + ")",
    "yes-no-unknown": "(?i:" + "|".join(_ANSWERS) + ")",
}


@dataclass(frozen=True)
class Field:
    """A column: whether its cells must be filled, and unique, and the pattern of a filled one."""

    heading: str
    required: bool
    unique: bool
    pattern: str | None


def agreed_fields(flow: str) -> list[Field]:
    """The fields of a flow, in order."""
    agreement = tomllib.loads((CONFIG / "agreements" / "ofsted-dfe.toml").read_text())
    told = agreement["flows"][flow]
    return [
        Field(
            item["heading"],
            item.get("required", False) and "derive" not in item,
            item["id"] == told["reference_field"],
            _pattern(item),
        )
        for item in told["fields"]
    ]


def _pattern(item: dict[str, str]) -> str | None:
    kind = item["kind"]
    if kind == "text":
        return None
    one = _FORMS.get(kind) or (_listed(item) if "list" in item else item["pattern"])
    # A pattern of a reference looks ahead, which the engine of polars does not know.
    one = one.replace("(?=.*[0-9])", "")
    several = kind in ("codes", "references")
    return rf"(?:{one})(?:\s*[;|]\s*(?:{one}))*" if several else f"(?:{one})"


def _listed(item: dict[str, str]) -> str:
    with (CONFIG / "codes" / f"{item['list']}.csv").open(encoding="utf-8", newline="") as file:
        spelled = {
            spelling
            for row in csv.DictReader(file)
            for spelling in (row["label"], row["code"], *row["synonyms"].split("|"))
            if spelling
        }
    return "(?i:" + "|".join(map(re.escape, sorted(spelled, key=len, reverse=True))) + ")"
