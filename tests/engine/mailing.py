"""Real mail servers on free ports of the loopback, and what they were given."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Postbox:
    """A handler for aiosmtpd: keeps what it takes, refuses the addresses it is told to."""

    refused: set[str] = field(default_factory=set)
    taken: list[tuple[str, Message]] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        made = message_from_bytes(envelope.content)
        self.taken += [(address, made) for address in envelope.rcpt_tos]
        return "250 OK"

    def addresses(self) -> list[str]:
        """Whom it was given mail for, in order."""
        return [address for address, _ in self.taken]


class _Bound(Controller):
    """A controller on a port that was free when it was bound, and is its own from then on."""

    def __init__(self, handler: Postbox, sock: socket.socket, **more: Any) -> None:
        self._sock = sock
        host, port = sock.getsockname()
        super().__init__(handler, hostname=host, port=port, **more)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._sock, ssl=self.ssl_context)


@contextmanager
def serving(postbox: Postbox, sock: socket.socket | None = None, **more: Any) -> Iterator[int]:
    """A mail server for that postbox; its port. ``more``: aiosmtpd's own options."""
    controller = _Bound(postbox, sock or bound(), **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def bound() -> socket.socket:
    """A socket on a free port of the loopback, not listening yet."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


def rebound(port: int) -> socket.socket:
    """A socket on that port, which is free again."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


@contextmanager
def rude(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server that takes one connection after another and treats each as ``speak`` does."""
    listener, over = bound(), threading.Event()
    listener.listen()
    listener.settimeout(0.1)

    def serve() -> None:
        while not over.is_set():
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            with line:
                speak(line, over)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()


def silent(line: socket.socket, over: threading.Event) -> None:
    """Take the connection and never say a word."""
    line.settimeout(0.1)
    while not over.is_set():
        try:
            if not line.recv(1):
                return
        except TimeoutError:
            continue


def dripping(line: socket.socket, over: threading.Event) -> None:
    """Greet without end, a line at a time, each before the client's patience is over."""
    while not over.wait(0.05):
        try:
            line.sendall(b"220-patience\r\n")
        except OSError:
            return


# --- TLS and sign-in -----------------------------------------------------------------------------


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for localhost, and the file that clients must trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "server.key"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


def knows(username: str, password: str, asked: list[str]) -> Callable[..., AuthResult]:
    """An authenticator for one account; ``asked`` collects who tried."""

    def authenticate(_s: Any, _session: Any, _e: Any, _mechanism: str, data: Any) -> AuthResult:
        asked.append(data.login.decode())
        good = (data.login, data.password) == (username.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return authenticate
