"""Finding a code by what a sender wrote: exact after folding, never by a part (design §6.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.agreement.model import Code, CodeList
from gateway.agreement.normalise import fold

CodeProblem = Literal["code.unknown", "code.not-in-being", "code.ambiguous"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a text means in a list: a ``label``, or else the finding code in ``problem``."""

    label: str | None = None
    problem: CodeProblem | None = None


class CodeIndex:
    """A code list made ready to be asked many times."""

    def __init__(self, code_list: CodeList) -> None:
        self._entries: dict[str, list[Code]] = {}
        for code in code_list.codes:
            for text in {fold(written) for written in (code.label, code.code, *code.synonyms)}:
                self._entries.setdefault(text, []).append(code)

    def resolve(self, text: str, days: Sequence[date]) -> Resolved:
        """The label that ``text`` means, when one of its codes was in being on any of ``days``.

        With ``days`` empty validity is not asked. Two codes of one label, such as an authority
        before and after it was made anew, are no ambiguity: the label is what travels.
        """
        found = self._entries.get(fold(text))
        if not found:
            return Resolved(problem="code.unknown")
        if days:
            found = [code for code in found if any(code.valid_on(day) for day in days)]
            if not found:
                return Resolved(problem="code.not-in-being")
        labels = {code.label for code in found}
        if len(labels) > 1:
            return Resolved(problem="code.ambiguous")
        return Resolved(label=labels.pop())
