"""The warm process that never sees data: it forks one child per file and waits for its end.

It talks with the worker over one SEQPACKET socket and ends when the worker's end is closed. Nothing
of polars may ever run in it: to fork after that hangs the child.
"""

import codecs
import contextlib
import gc
import json
import os
import select
import signal
import socket
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.agreement.model import RuleBook
from gateway.intake.confined import confinement
from gateway.intake.confined.child import Examine, Task, run
from gateway.intake.confined.limits import Allowance

MESSAGE = 64 * 1024
# Decoders are modules that Python loads at first use, which a child under Landlock cannot do.
_DECODERS = ("ascii", "cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


class WorkerGone(Exception):
    """The worker closed its end, so there is nobody left to serve."""


@dataclass(frozen=True, slots=True)
class Zygote:
    """What every child starts with."""

    control: socket.socket
    books: dict[str, RuleBook]
    examine: Examine
    calls: Any

    def attend(self) -> None:
        """Take one request, fork a child for it, and say how it ended."""
        request, descriptors = receive(self.control)
        task = Task(
            kind=request["do"],
            book=self.books[request["flow"]],
            today=date.fromisoformat(request["today"]),
            allowance=Allowance(**request["allowance"]),
            waived=frozenset(request["waived"]),
        )
        zygote = os.getpid()
        child = os.fork()
        if child == 0:
            run(task, self.examine, self.calls, (descriptors[0], descriptors[1]), zygote)
        for descriptor in descriptors:
            os.close(descriptor)
        ended = self._watch(child, task.allowance.wall_seconds)
        self.control.send(json.dumps(ended).encode())

    def _watch(self, child: int, seconds: float) -> dict[str, Any]:
        """Wait for the child's end; kill it when its time is up or the worker is gone."""
        watched = os.pidfd_open(child)
        poll = select.poll()
        poll.register(watched, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
        if watched not in ready:
            signal.pidfd_send_signal(watched, signal.SIGKILL)
        os.close(watched)
        _, status = os.waitpid(child, 0)
        if self.control.fileno() in ready:
            raise WorkerGone
        return {"in_time": bool(ready), "code": os.waitstatus_to_exitcode(status)}


def serve(control: socket.socket, examine: Examine, network_left: bool) -> None:
    """Take the rule books, give up root, and serve the worker until it is gone.

    ``network_left``: what `confinement.leave_network` said; it is told to the worker.
    """
    with contextlib.suppress(WorkerGone, ConnectionError):
        _, descriptors = receive(control)
        with open(descriptors[0], "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
            told = json.load(stream)
        books = {flow_id: RuleBook.model_validate(book) for flow_id, book in told.items()}
        for name in _DECODERS:
            codecs.lookup(name)
        confinement.drop_privileges()
        zygote = Zygote(control, books, examine, confinement.prepare_filter())
        gc.freeze()  # children then copy less when they collect
        control.send(json.dumps({"network_left": network_left}).encode())
        while True:
            zygote.attend()


def receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The worker's next message, and the descriptors that came with it. Raises WorkerGone."""
    message, descriptors, _, _ = socket.recv_fds(control, MESSAGE, 2)
    if not message:
        raise WorkerGone
    return json.loads(message), descriptors
