"""Ages as senders write them: whole years, ``unborn``, ``under 1`` (design §6.1)."""

import re

from gateway.agreement.model import FieldSpec
from gateway.agreement.normalise import fold
from gateway.intake.checking.column import Judge, Judged

UNBORN, UNDER_ONE = "unborn", "under 1"
_YEARS = re.compile(r"[0-9]{1,3}")


def age_judge(spec: FieldSpec) -> Judge:
    """A judge of ages within the field's minimum and maximum, in whole years."""
    lowest = 0 if spec.minimum is None else spec.minimum
    highest = 150 if spec.maximum is None else spec.maximum

    def judge(cell: str) -> Judged:
        text = fold(cell)
        if text in (UNBORN, UNDER_ONE):
            return Judged(text)
        years = cell.strip()  # not folded, which would make 2 of a superscript two
        if not _YEARS.fullmatch(years):
            return Judged(fault="age.malformed")
        if not lowest <= int(years) <= highest:
            return Judged(fault="age.out-of-range")
        return Judged(str(int(years)))

    return judge
