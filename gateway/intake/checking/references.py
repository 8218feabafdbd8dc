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

    def judge_one(cell: str) -> Judged:
        return Judged(cell) if pattern.fullmatch(cell) else Judged(fault="reference.malformed")

    def judge_several(cell: str) -> Judged:
        parts = list(dict.fromkeys(parts_of(cell)))
        if not parts or not all(map(pattern.fullmatch, parts)):
            return Judged(fault="reference.malformed")
        return Judged(JOINED.join(parts))

    return judge_several if spec.kind == "references" else judge_one
