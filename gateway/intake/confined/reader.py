"""The worker's side of the confined reader: one file in, checked frames out."""

import contextlib
import fcntl
import io
import json
import os
import select
import signal
import stat
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from gateway.agreement.model import RuleBook
from gateway.intake.confined.frames import DoneFrame, Frame, ReaderFailed
from gateway.intake.confined.limits import MIB, Allowance, Limits
from gateway.intake.confined.link import Link, LinkBroken
from gateway.intake.confined.validate import Validator
from gateway.intake.confined.wire import AnswerFault, Unpacker

ENTRY = Path(__file__).with_name("entry.py")
GRACE_SECONDS = 2.0  # beyond the wall limit, for the zygote to do the killing itself
PIPE_BYTES = MIB  # the most that an ordinary user may ask for
NO_MEMORY = 3  # the child's exit code, see `child`
# What ends a process that wanted too much: the limit of processor time, softly and hard (or the
# system's want of memory), and the abort with which Rust answers a refused allocation.
OVER_LIMIT_SIGNALS = (signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT)


class Reader:
    """Reads files in confined children, one at a time, and believes none of them.

    ``books`` are the rule books by flow id. ``waived`` names required layers (``landlock``,
    ``seccomp``) to do without, after a named and logged decision of the deployment; without it a
    system that lacks one reads nothing. The zygote starts on entering (or at first use), is
    replaced whenever it died or had to be stopped, and is gone after `close`.
    """

    def __init__(
        self,
        books: Mapping[str, RuleBook],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        waived: frozenset[str] = frozenset(),
        entry: Path = ENTRY,
    ) -> None:
        self._books = dict(books)
        self._limits = limits
        self._waived = waived
        self._entry = entry
        self._link: Link | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        self._linked()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote, and a child if one runs. Safe to call twice."""
        if self._link is not None:
            self._link.stop()
            self._link = None

    @property
    def flows(self) -> tuple[str, ...]:
        """The ids of the flows whose rule books it has."""
        return tuple(self._books)

    @property
    def network_left(self) -> bool:
        """Whether the zygote could leave the network namespace."""
        return self._linked().network_left

    @property
    def process_id(self) -> int:
        """The zygote's process id."""
        return self._linked().process.pid

    def examine(self, flow_id: str, file: BinaryIO, today: date) -> Iterator[Frame]:
        """Read a file (a regular one, open for reading) by the rules of a flow.

        Yields findings and rows as they come and the outcome last. Frames are final only once the
        outcome came: raises ReaderFailed, after which all that was yielded is void. Leaving off
        early stops the child. Raises KeyError for an unknown flow, ValueError for a file that is
        not regular, RuntimeError when this reader is reading another file.
        """
        validator = Validator(self._books[flow_id])
        done: DoneFrame | None = None
        with contextlib.closing(self.converse("examine", flow_id, file, today)) as said:
            for kind, payload in said:
                try:
                    frame = validator.frame(kind, payload)
                except AnswerFault as fault:
                    raise ReaderFailed(fault.code, str(fault)) from None
                if isinstance(frame, DoneFrame):
                    done = frame
                else:
                    yield frame
        if done is None:
            raise ReaderFailed("file.reader-failed", "the answer has no outcome")
        yield done

    def converse(
        self,
        kind: str,
        flow_id: str,
        file: BinaryIO,
        today: date,
        allowance: Allowance | None = None,
    ) -> Generator[tuple[bytes, bytes], None, None]:
        """Have one child do one task and give its frames, unchecked but for their sizes.

        Ends normally only when the child ended well; otherwise raises ReaderFailed.
        """
        allowed = allowance or self._limits.for_size(_size(file))
        request = {
            "do": kind,
            "flow": flow_id,
            "today": today.isoformat(),
            "allowance": asdict(allowed),
            "waived": sorted(self._waived),
        }
        if not self._turn.acquire(blocking=False):
            raise RuntimeError("This reader is reading another file: use one reader per thread.")
        ended = False
        try:
            link, answer = self._asked(request, file)
            deadline = time.monotonic() + allowed.wall_seconds + GRACE_SECONDS
            unpacker = Unpacker(self._limits.answer_bytes)
            with open(answer, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
                yield from _frames(stream, unpacker, deadline)
            end = link.answer(deadline - time.monotonic())
            ended = True
            _judge(end)
            unpacker.close()
        except (AnswerFault, LinkBroken) as fault:
            raise ReaderFailed(fault.code, str(fault)) from None
        finally:
            if not ended:
                self.close()
            self._turn.release()

    def _asked(self, request: dict[str, Any], file: BinaryIO) -> tuple[Link, int]:
        """Send a request with the file; gives who was asked and where the answer comes."""
        # Opened anew: read-only whatever the worker's own is, and with a position of its own.
        source = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        answer, its_end = os.pipe()
        try:
            with contextlib.suppress(OSError):  # a user with many pipes may have small ones only
                fcntl.fcntl(answer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            link = self._linked()
            link.ask(request, (source, its_end))
        except BaseException:
            os.close(answer)
            raise
        finally:
            os.close(source)
            os.close(its_end)
        return link, answer

    def _linked(self) -> Link:
        if self._link is not None and not self._link.alive:
            self.close()
        if self._link is None:
            told = {flow: book.model_dump(mode="json") for flow, book in self._books.items()}
            try:
                self._link = Link(self._entry, json.dumps(told).encode())
            except LinkBroken as fault:
                why = f"the confined reader did not start ({fault}); `gateway doctor` says more"
                raise ReaderFailed("file.reader-failed", why) from None
        return self._link


def _size(file: BinaryIO) -> int:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("The confined reader reads regular files only.")
    return status.st_size


def _frames(
    stream: io.FileIO, unpacker: Unpacker, deadline: float
) -> Iterator[tuple[bytes, bytes]]:
    """The frames until the child's end is closed, or its time is up."""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if not poll.poll(max(0.0, left) * 1000):
            raise AnswerFault("the answer did not come in time", "file.over-limit")
        data = stream.read(MIB)
        if not data:
            return
        yield from unpacker.feed(data)


def _judge(end: dict[str, Any]) -> None:
    """Raises ReaderFailed unless the child ended by itself, in time and well."""
    code = end["code"]
    if not end["in_time"]:
        raise ReaderFailed("file.over-limit", "the child was ended at the limit of time")
    if code == NO_MEMORY or -code in OVER_LIMIT_SIGNALS:
        raise ReaderFailed("file.over-limit", f"the child ended over a limit (code {code})")
    if code:
        raise ReaderFailed("file.reader-failed", f"the child ended badly (code {code})")
