"""The worker's local door: what the faces ask of it, since they hold no key.

A socket in the home (0600) that answers the worker's own user and root alone. One connection asks
one thing: a line of JSON in, a line of JSON out.

``{"op": "password", "token": …, "package": …}`` → ``{"ok": true, "password": …}``
``{"op": "receipt", "token": …, "receipt": …, "signature": …}`` → ``{"ok": true, "kind": …,
"package": …, "party": …, "way": …, "state": …}``
``{"op": "withdraw", "token": …, "drop": …}`` → ``{"ok": true, "drop": …}``
``{"op": "password", "session": …, "party": …, "flow": …, "package": …}`` → as with a token; what
else people on the site may ask, `onsite` lists.
Anything refused: ``{"ok": false, "code": …, "message": …, "hint": …}``.

Token and session are judged here again, whatever the face has found: a face that was broken into
can ask for no more than the tokens and sessions that it sees may have.
"""

import contextlib
import json
import os
import socket
import socketserver
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.engine.asked import LARGEST_LINE, answer_to
from gateway.engine.parts import Parts

_PEER = struct.Struct("3i")  # struct ucred: process, user, group
_SLOW_SECONDS = 10.0  # for the line to come in whole
_PATIENCE_SECONDS = 60.0  # for the answer
_BACKLOG = 32


class DoorClosed(Exception):
    """No worker answers at the door."""

    code = "worker.absent"
    hint = "Try again in a minute. If it lasts, the administrator starts `gateway run`."


def ask(door: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the worker of the home whose ``door`` that is; its answer. Raises DoorClosed."""
    try:
        with socket.socket(socket.AF_UNIX) as to, _short_name(door) as name:
            to.settimeout(_PATIENCE_SECONDS)
            to.connect(name)
            to.sendall(json.dumps(request).encode() + b"\n")
            with to.makefile("rb") as heard:
                answer = json.loads(heard.readline())
    except (OSError, ValueError) as error:
        raise DoorClosed("The gateway's worker does not answer.") from error
    if not isinstance(answer, dict):
        raise DoorClosed("The gateway's worker does not answer.")
    return answer


class Door:
    """The open door of a worker, answering from threads of its own until it is closed."""

    def __init__(self, parts: Parts, now: Callable[[], datetime]) -> None:
        """Raises OSError when the socket cannot be made."""
        self._path = parts.home.door
        self._server = _Server(self._path, lambda line: answer_to(parts, line, now()))
        self._own = self._path.lstat().st_ino
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer what was asked, then stop. The socket goes, unless another worker made its own."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with contextlib.suppress(FileNotFoundError):
            if self._path.lstat().st_ino == self._own:
                self._path.unlink()


class _Server(socketserver.ThreadingUnixStreamServer):
    request_queue_size = _BACKLOG

    def __init__(self, path: Path, answer: Callable[[bytes], dict[str, Any]]) -> None:
        self.answer = answer
        _remove_stale(path)
        with _short_name(path) as name:
            super().__init__(name, _Conversation)
        path.chmod(0o600)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Only the worker's own user and root are heard."""
        told = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        return _PEER.unpack(told)[1] in (os.geteuid(), 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A face that went away, or was too slow: nobody is there to be told."""


class _Conversation(socketserver.StreamRequestHandler):
    timeout = _SLOW_SECONDS
    server: _Server

    def handle(self) -> None:
        """One line in, one line out."""
        line = self.rfile.readline(LARGEST_LINE + 1)
        if line:
            self.wfile.write(json.dumps(self.server.answer(line)).encode() + b"\n")


def _remove_stale(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name for the socket that fits: a socket's address has at most 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
