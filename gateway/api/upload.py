"""Who may drop a file by the API; `gateway.serving.taking` takes it."""

from gateway.agreement.model import Flow
from gateway.api.callers import Caller
from gateway.api.face import Face
from gateway.api.problem import Problem


def require_sender(face: Face, caller: Caller) -> Flow:
    """The caller's flow, if its party sends it. Raises Problem 403; the refusal is recorded."""
    who = caller.principal
    flow = face.parts.flow(who.flow) if who.flow in face.parts.agreed else None
    if flow is None or flow.sender != who.party:
        raise face.callers.refuse(
            caller,
            Problem(
                403,
                "flow.not-sender",
                "The agreement does not let this party send that flow.",
                "Use a token of the flow's sender.",
            ),
        )
    return flow
