"""What the pages do with a refusal of the worker: who may not is told that nothing is there."""

from typing import Any

from flask import abort, g

from gateway.web.visitor import prove_again
from gateway.web.worker import WorkerRefused, asked

_NOT_THERE = frozenset({"package.unknown", "query.unknown"})


def ask_worker(op: str, party: str, flow: str, **more: str) -> dict[str, Any]:
    """The worker's answer. Raises WorkerRefused, DoorClosed, NotFound.

    Who must sign in anew, because a form lay open for long, is sent to do so.
    """
    try:
        return asked(op, party=party, flow=flow, **more)
    except WorkerRefused as refused:
        g.code = refused.code
        if refused.code == "session.stale":
            abort(prove_again())
        if refused.code.startswith("session.") or refused.code in _NOT_THERE:
            abort(404)
        raise
