"""The worker's end of one zygote: start it, ask it, and see that nothing of it is left."""

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MESSAGE = 64 * 1024
START_SECONDS = 60.0
# One thread: a second one saved a seventh of the time of 200,000 rows, nothing of a day's file, and
# cost processor time and address space.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "POLARS_MAX_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # polars' allocator would start threads on import, and the fewer there are the safer the forks.
    "_RJEM_MALLOC_CONF": "background_thread:false",
    # Its look at the processor runs code that it writes, which a hardened service may not do. The
    # program that starts us has looked.
    "POLARS_SKIP_CPU_CHECK": "1",
}


def _packages() -> str:
    """The folder of the worker's own packages, wherever its import path found them."""
    found = importlib.util.find_spec("polars")
    if found is None or found.origin is None:
        raise LinkBroken("polars is not installed")
    return str(Path(found.origin).parents[1])


class LinkBroken(Exception):
    """The zygote is gone, or does not answer. The text says which, in words for the log."""

    code = "file.reader-failed"


class Link:
    """A running zygote. Raises LinkBroken when it does not come up.

    What ties it to the worker is the socket, which closes with the worker however that ends. A
    signal on the parent's death would come too soon: when the thread that started it ends.
    """

    def __init__(self, entry: Path, books: bytes) -> None:
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = mine
        with its:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(entry), str(its.fileno()), _packages()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=(its.fileno(),),
                start_new_session=True,
            )
        try:
            self._teach(books)
        except BaseException:
            self.stop()
            raise

    def _teach(self, books: bytes) -> None:
        """Hand over the rule books, which may be longer than a message, and await readiness."""
        held = os.memfd_create("rule-books")
        try:
            with open(held, "wb", closefd=False) as stream:
                stream.write(books)
            os.lseek(held, 0, os.SEEK_SET)
            self.ask({"do": "learn"}, (held,))
        finally:
            os.close(held)
        self.network_left = bool(self.answer(START_SECONDS)["network_left"])

    @property
    def alive(self) -> bool:
        """Whether the zygote is running."""
        return self.process.poll() is None

    def ask(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Send a request with its descriptors."""
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
        except OSError:
            raise LinkBroken("the zygote is gone") from None

    def answer(self, seconds: float) -> dict[str, Any]:
        """The zygote's next word, awaited for so many seconds."""
        ready = select.poll()
        ready.register(self._socket, select.POLLIN)
        if not ready.poll(max(0.0, seconds) * 1000):
            raise LinkBroken("the zygote did not answer in time")
        try:
            message = self._socket.recv(MESSAGE)
        except OSError:
            message = b""
        if not message:
            raise LinkBroken("the zygote ended")
        told: dict[str, Any] = json.loads(message)
        return told

    def stop(self) -> None:
        """Kill the zygote and any child of it, which share a process group, and reap it."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._socket.close()
