"""Asking the worker over its door: what people want that takes a key, by their own session."""

from typing import Any

from gateway.refusal import Refusal
from gateway.web.site import site
from gateway.web.visitor import Visitor, visitor

_AGAIN = "session.stale"


class WorkerRefused(Refusal):
    """The worker does not do it, and says why. ``stale``: not before they sign in again."""

    @property
    def words(self) -> str:
        """What happened and what to do, as one text for a page."""
        return f"{self.message} {self.hint}".strip()

    @property
    def stale(self) -> bool:
        """Whether it is that they have to prove again who they are."""
        return self.code == _AGAIN


def asked(op: str, **more: Any) -> dict[str, Any]:
    """The worker's answer to the visitor, whose session it judges. Raises WorkerRefused.

    For the visitor's own party where ``more`` names none. Raises DoorClosed where no worker
    answers.
    """
    who = visitor()
    answer = site().ask({"op": op, "session": who.session, "party": party_of(who), **more})
    if not answer.pop("ok", False):
        told = (str(answer.get(name, "")) for name in ("code", "message", "hint"))
        raise WorkerRefused(*told)
    return answer


def party_of(who: Visitor) -> str:
    """Whose person it is: everybody's grants are of one party."""
    return who.grants[0].party if who.grants else ""
