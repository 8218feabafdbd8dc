"""References: one, or several parted by ``;``, ``|`` or a line break, in the agreed pattern."""

import re

from gateway.agreement.model import FieldSpec
from gateway.intake.checking.column import Judge, Judged

_SEPARATORS = re.compile(r"[;|\r\n]+")
JOINED = "; "


def parts_of(cell: str) -> list[str]:
    """The several values of a cell, trimmed, blanks left out. A comma parts nothing."""
    return [part for part in (piece.strip() for piece in _SEPARATORS.split(cell)) if part]


def reference_judge(spec: FieldSpec) -> Judge:
    """A judge of references in the agreed pattern, matched whole; one given twice counts once."""
    pattern = re.compile(spec.pattern or r"[^\r\n]+")
    several = spec.kind == "references"

    def judge(cell: str) -> Judged:
        parts = list(dict.fromkeys(parts_of(cell))) if several else [cell.strip()]
        if not parts or not all(pattern.fullmatch(part) for part in parts):
            return Judged(fault="reference.malformed")
        return Judged(JOINED.join(parts))

    return judge
