"""What the site asks of the worker, over its door, for whoever visits."""

from typing import Any

from gateway.web.site import site
from gateway.web.visitor import visitor


class Refused(Exception):
    """The worker said no, in its own words."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def asked(op: str, party: str, flow: str, **more: Any) -> dict[str, Any]:
    """The worker's answer to the visitor, whose session it judges. Raises Refused, DoorClosed."""
    about = {"session": visitor().session, "party": party, "flow": flow}
    told = site().ask({"op": op, **about, **more})
    if not told.pop("ok", False):
        raise Refused(told.get("code", ""), told.get("message", ""), told.get("hint", ""))
    return told
