"""The API as a process of its own: gunicorn with threads, one process, and little patience."""

import ctypes
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import gunicorn.http.wsgi
import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from gateway.api.app import make_app
from gateway.api.face import make_face
from gateway.api.headway import HEAD_SECONDS, HEADWAY
from gateway.api.problem import Problem, internal
from gateway.engine.face import FaceParts
from gateway.settings import ApiSettings

_PR_SET_PDEATHSIG = 1
_SEND_BUFFER = 256 * 1024  # bytes: what lies in the kernel has not arrived
_STOP_SECONDS = 30


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which gives a client's next step a time (see `headway`)."""

    def handle(self, conn: Any) -> Any:
        """Handle what comes on a connection."""
        HEADWAY.give(conn.sock, HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            HEADWAY.done(conn.sock)

    def murder_pending(self) -> None:
        """Every second or so: also cut off whoever does not get on."""
        super().murder_pending()
        HEADWAY.cut_off_the_stuck()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:  # noqa: ARG002
        """Answer what is no HTTP that we take; nothing of it is repeated or logged."""
        known = type(exc).__module__.startswith("gunicorn.http")
        problem = _NO_HTTP if known else internal()
        if not known:
            structlog.get_logger("api").error("failed", kind=type(exc).__name__)
        with ExitStack() as stack:
            stack.callback(client.close)
            client.settimeout(1.0)
            client.sendall(_plain_answer(problem))


_NO_HTTP = Problem(
    400, "request.malformed", "The request is no HTTP/1.1 of ordinary size.", "Mend the client."
)


def _plain_answer(problem: Problem) -> bytes:
    answer = problem.response()
    body = answer.get_data()
    head = (
        f"HTTP/1.1 {answer.status}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode("ascii") + body


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, told everything in code: no file and no environment changes how it runs."""

    def __init__(
        self,
        listen: str,
        settings: ApiSettings,
        load: Callable[[], Flask],
        close: Callable[[], None],
    ) -> None:
        self._listen, self._settings = listen, settings
        self._load, self._close = load, close
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's own choice."""
        told: dict[str, Any] = {
            "bind": self._listen,
            "workers": 1,  # the limit on requests and the downloads in hand are of one process
            "threads": self._settings.threads,
            "worker_class": PatientWorker,
            "worker_connections": 200,
            "timeout": 60,  # of the process's own loop: requests have `headway`
            "graceful_timeout": _STOP_SECONDS,
            "keepalive": 5,
            "limit_request_line": 2048,
            "limit_request_fields": 40,
            "limit_request_field_size": 4096,
            "sendfile": False,  # bytes are counted
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "loglevel": "warning",
            "when_ready": _ready,
            "worker_exit": lambda _server, _worker: self._close(),
        }
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The app, made in the process that serves it."""
        return self._load()


def serve(
    listen: str, settings: ApiSettings, open_parts: AbstractContextManager[FaceParts]
) -> None:
    """Serve the API on ``host:port`` until SIGTERM; port 0 takes a free one. Ends the process.

    ``open_parts`` is entered in the process that serves. Says ``api listening`` in the log.
    """
    # Whoever started us keeps us alive, and must not leave us behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    gunicorn.http.wsgi.SERVER = "gateway"
    stack = ExitStack()

    def load() -> Flask:
        return make_app(make_face(stack.enter_context(open_parts)))

    _Server(listen, settings, load, stack.close).run()


def _ready(server: Any) -> None:
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        host, port = listener.sock.getsockname()[:2]
        structlog.get_logger("api").info("api listening", address=f"{host}:{port}")
