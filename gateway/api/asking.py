"""What is asked of the worker, which alone holds keys: passwords, receipts, withdrawals."""

from typing import Any

from gateway.api.callers import Caller
from gateway.api.collecting import require_ever_ours
from gateway.api.face import Face
from gateway.api.problem import Problem, problem_for, problem_of
from gateway.api.shapes import PasswordShape, ReceiptBody, RecordedShape, WithdrawnShape
from gateway.engine.door import DoorClosed, ask
from gateway.receipts.receipt import from_bytes


def password(face: Face, caller: Caller, package_id: str) -> PasswordShape:
    """The password of a package. The worker records that it was released, or refused."""
    told = _ask(face, caller, {"op": "password", "package": package_id})
    return PasswordShape(password=told["password"])


def receipt(face: Face, caller: Caller, package_id: str, body: ReceiptBody) -> RecordedShape:
    """Hand in a signed receipt. The worker judges it, and records it or its refusal."""
    require_ever_ours(face, caller, package_id)
    if _package_of(body.receipt) not in (None, package_id):
        problem = Problem(
            422,
            "receipt.other-package",
            "The receipt is for another package than the one in the address.",
            "Send it to the address of the package that it names.",
        )
        raise face.callers.refuse(caller, problem)
    told = _ask(
        face, caller, {"op": "receipt", "receipt": body.receipt, "signature": body.signature}
    )
    return RecordedShape.model_validate(told)


def withdraw(face: Face, caller: Caller, drop_id: str) -> WithdrawnShape:
    """Take a drop back before its window."""
    told = _ask(face, caller, {"op": "withdraw", "drop": drop_id})
    return WithdrawnShape(drop=told["drop"], state="withdrawn")


def worker_answers(face: Face) -> bool:
    """Whether a worker is there. It is asked for nothing, and says so."""
    try:
        ask(face.parts.home.door, {})
    except DoorClosed:
        return False
    return True


def _ask(face: Face, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
    try:
        told = ask(face.parts.home.door, {**request, "token": caller.token})
    except DoorClosed as closed:
        raise problem_of(closed) from closed
    if not told.pop("ok", False):
        raise problem_for(told.get("code", ""), told.get("message", ""), told.get("hint", ""))
    return told


def _package_of(text: str) -> str | None:
    """The package that a receipt names; None where it cannot be read: the worker says why."""
    try:
        return from_bytes(text.encode()).package
    except ValueError:
        return None
