"""Yes and no as senders write them: the listed spellings alone (design §6)."""

from gateway.agreement.normalise import fold
from gateway.intake.checking.column import Judge, Judged

YES, NO, NOT_KNOWN = "Yes", "No", "Not known"
_YES_NO = {"yes": YES, "y": YES, "true": YES, "no": NO, "n": NO, "false": NO}
_UNKNOWN = dict.fromkeys(("not known", "unknown", "n/k", "nk"), NOT_KNOWN)


def answer_judge(not_known: bool) -> Judge:
    """A judge of yes and no, and of not known where the field takes it."""
    spellings = _YES_NO | _UNKNOWN if not_known else _YES_NO

    def judge(cell: str) -> Judged:
        label = spellings.get(fold(cell))
        return Judged(label) if label else Judged(fault="yes-no.unknown")

    return judge
