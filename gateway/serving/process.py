"""A face as a process of its own: gunicorn with threads, one process, and little patience."""

import ctypes
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gunicorn.http.wsgi
import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from gateway.engine.face import FaceParts
from gateway.serving.headway import HEAD_SECONDS, HEADWAY

_PR_SET_PDEATHSIG = 1
_SEND_BUFFER = 256 * 1024  # bytes: what lies in the kernel has not arrived
_STOP_SECONDS = 30
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good


@dataclass(frozen=True)
class Tls:
    """The files of the face's own certificate (with its chain) and of the key to it."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a connection is made with. Raises OSError (ssl.SSLError) for unusable files."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers(_CIPHERS)
        made.load_cert_chain(self.certificate, self.key)
        return made


@dataclass(frozen=True)
class Serving:
    """How a face is served.

    ``refusal``: the whole answer, head and body, to what is no HTTP that we take (True), or where
    the server itself failed (False).
    """

    name: str
    listen: str
    threads: int
    refusal: Callable[[bool], bytes]
    tls: Tls | None = None


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which gives a client's next step a time (see `headway`)."""

    def handle(self, conn: Any) -> Any:
        """Handle what comes on a connection."""
        if self.cfg.is_ssl and not conn.initialized:
            _give_handshake_a_time(conn)
        else:
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
        if isinstance(exc, ssl.SSLError):
            return  # it speaks no TLS that we take, and could read no answer
        serving: Serving = self.app.serving
        known = type(exc).__module__.startswith("gunicorn.http")
        if not known:
            structlog.get_logger(serving.name).error("failed", kind=type(exc).__name__)
        # gunicorn closes the connection after us: closed here, it would be counted off twice, and
        # a stop would not wait for the last request in hand.
        with suppress(OSError):
            client.settimeout(1.0)
            client.sendall(serving.refusal(known))


def _give_handshake_a_time(conn: Any) -> None:
    """A connection's socket is another once TLS has wrapped it: until then a copy can be cut."""
    init = conn.init

    def patiently() -> None:
        with conn.sock.dup() as copy:
            HEADWAY.give(copy, HEAD_SECONDS)
            try:
                init()
            finally:
                HEADWAY.done(copy)
        HEADWAY.give(conn.sock, HEAD_SECONDS)

    conn.init = patiently


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, told everything in code: no file and no environment changes how it runs."""

    def __init__(
        self, serving: Serving, load: Callable[[], Flask], close: Callable[[], None]
    ) -> None:
        self.serving = serving
        self._load, self._close = load, close
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's own choice."""
        told: dict[str, Any] = {
            "bind": self.serving.listen,
            "workers": 1,  # limits on requests, and what is in hand, are of one process
            "threads": self.serving.threads,
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
            "when_ready": self._ready,
            "worker_exit": lambda _server, _worker: self._close(),
        }
        tls = self.serving.tls
        if tls is not None:
            told["certfile"], told["keyfile"] = str(tls.certificate), str(tls.key)
            # Made for each connection, so that a renewed certificate needs no restart.
            told["ssl_context"] = lambda _config, _make: tls.context()
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The app, made in the process that serves it."""
        return self._load()

    def _ready(self, server: Any) -> None:
        name = self.serving.name
        for listener in server.LISTENERS:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            host, port = listener.sock.getsockname()[:2]
            structlog.get_logger(name).info(f"{name} listening", address=f"{host}:{port}")


def serve(
    serving: Serving,
    make_app: Callable[[FaceParts], Flask],
    open_parts: AbstractContextManager[FaceParts],
) -> None:
    """Serve an app on ``host:port`` until SIGTERM; port 0 takes a free one. Ends the process.

    ``open_parts`` is entered in the process that serves. Says ``<name> listening`` in the log.
    """
    # Whoever started us keeps us alive, and must not leave us behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    gunicorn.http.wsgi.SERVER = "gateway"
    stack = ExitStack()

    def load() -> Flask:
        return make_app(stack.enter_context(open_parts))

    _Server(serving, load, stack.close).run()
