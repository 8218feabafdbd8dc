"""What the API answers when it does not do what was asked: problem+json, RFC 9457."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Response

from gateway.api.shapes import ProblemShape
from gateway.engine.faults import own_words
from gateway.serving.statuses import status_of

_WAIT_SECONDS = 15  # where the worker or the database does not answer


@dataclass
class Problem(Exception):
    """A refusal with its status, its code, what happened and what to do next."""

    status: int
    code: str
    detail: str
    hint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer to the caller."""
        body = ProblemShape(
            type=f"urn:gateway:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            hint=self.hint,
        )
        answer = Response(
            body.model_dump_json() + "\n", self.status, mimetype="application/problem+json"
        )
        answer.headers.extend(dict(self.headers))
        return answer


def internal() -> Problem:
    """A fault of the gateway: its details are in the log alone."""
    return Problem(
        500,
        "internal",
        "The gateway could not do this.",
        "Try again later. If it stays so, tell whoever looks after the gateway.",
    )


def problem_for(code: str, message: str, hint: str, wait: int | None = None) -> Problem:
    """A coded refusal of the gateway, or of the worker, as an answer; ``wait``: seconds."""
    status = status_of(code)
    if status is None:
        return internal()
    wait = _WAIT_SECONDS if status == 503 else wait
    headers = {"Retry-After": str(wait)} if wait else {}
    return Problem(status, code, message, hint, headers)


def problem_of(error: Exception) -> Problem:
    """An exception as an answer: its own words where they are ours, none where they are not."""
    told = own_words(error)
    if told is None:
        return internal()
    return problem_for(*told, wait=getattr(error, "wait_seconds", None))
