"""What a child does with one file, in order: it gives up everything, reads, answers, ends."""

import fcntl
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from gateway.agreement.model import RuleBook
from gateway.intake.confined import attempts, confinement
from gateway.intake.confined.answer import Answer
from gateway.intake.confined.limits import MIB, Allowance

INPUT, ANSWER = 3, 4
STACK_BYTES = 16 * MIB
ENDED_WELL, FAILED, NO_MEMORY, UNCONFINED = 0, 1, 3, 4

Examine = Callable[[BinaryIO, RuleBook, date, Answer], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One file (kind ``examine``), a ``probe``, or a ``loop``. ``waived``: layers done without."""

    kind: str
    book: RuleBook
    today: date
    allowance: Allowance
    waived: frozenset[str]


def run(
    task: Task, examine: Examine, calls: Any, descriptors: tuple[int, int], zygote: int
) -> None:
    """Do one task in a process just forked, and end it. Never returns."""
    code = FAILED
    try:
        confinement.die_with(zygote)
        _keep_only(*descriptors)
        _work(task, examine, calls)
        code = ENDED_WELL
    except MemoryError:
        code = NO_MEMORY
    except confinement.Unconfined:
        code = UNCONFINED
    except BaseException:  # noqa: S110 - nothing may be told: it could quote the file
        pass
    finally:
        os._exit(code)


def _keep_only(given: int, answer: int) -> None:
    """Keep the two descriptors, under fixed numbers; input, output and errors go nowhere."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, ANSWER + 1) for descriptor in (given, answer)]
    os.dup2(high[0], INPUT)
    os.dup2(high[1], ANSWER)
    for standard in (1, 2):
        os.dup2(0, standard)  # the zygote's own input is the null device
    os.closerange(ANSWER + 1, os.sysconf("SC_OPEN_MAX"))


def _work(task: Task, examine: Examine, calls: Any) -> None:
    stream, answer = os.fdopen(INPUT, "rb"), Answer(ANSWER, task.book)
    observed = _confine(task, calls)
    if task.kind == "examine":
        stream.seek(0)
        _on_a_thread(lambda: examine(stream, task.book, task.today, answer))
    elif task.kind == "probe":
        observed |= attempts.on_calls("seccomp") | attempts.on_memory(task.allowance)
        answer.seen(observed)
    else:
        attempts.without_end()


def _confine(task: Task, calls: Any) -> dict[str, str | int]:
    """Lay on each layer, the filter last. Gives what a probe saw on looking about between them."""
    probing = task.kind == "probe"
    observed: dict[str, str | int] = attempts.facts() if probing else {}
    confinement.set_limits(task.allowance)
    layers: dict[str, Callable[[], None]] = {
        "landlock": confinement.lock_files,
        "seccomp": lambda: confinement.lock_calls(calls),
    }
    for layer, lay_on in layers.items():
        try:
            if layer not in task.waived:
                lay_on()
        except confinement.Unconfined as lacking:
            if not probing:
                raise
            observed[f"{layer}:layer"] = str(lacking)
        if probing:
            observed |= attempts.on_files(layer)
    return observed


def _on_a_thread(work: Callable[[], None]) -> None:
    """Run it on a thread of its own, under the same confinement, and raise what it raises.

    Of the main thread the C library tells the stack's size by reading a file, which is forbidden
    here; polars would then lay out a new stack for every expression (4,000 for a file of 50 rows).
    """
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
