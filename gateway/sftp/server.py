"""The SFTP service: who may log in, how many at once, how long in silence, and the end of it.

Keys only, SFTP only: no password, shell, command, terminal, agent or forwarding of any kind.
"""

import asyncio
import functools
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncssh
import structlog
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from gateway.crypto.faults import CryptoFault
from gateway.crypto.sshkeys import host_fingerprint, make_host_key, party_keys
from gateway.engine.face import FaceParts
from gateway.settings import SettingsFault
from gateway.sftp.session import Session
from gateway.sftp.uploads import sweep

_NAME = "Gateway"
_CONNECTIONS = 100  # in all, logged in or not
_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0  # at the end, for files under way


@dataclass
class Service:
    """What all connections share. ``counts``: connections by party."""

    parts: FaceParts
    parties: frozenset[str]
    connections: set["Connection"] = field(default_factory=set)

    def keys_of(self, party: str) -> frozenset[str]:
        """The fingerprints that a party may log in with now. An unreadable file admits nobody."""
        if party not in self.parties:
            return frozenset()
        try:
            return party_keys(self.parts.home.sftp_keys, party)
        except (CryptoFault, OSError) as fault:
            code = getattr(fault, "code", type(fault).__name__)
            structlog.get_logger("sftp").error("keys", party=party, code=code)
            return frozenset()


class Connection(asyncssh.SSHServer):
    """One connection: its login, and the sessions in it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.parts.settings.sftp
        self._log = structlog.get_logger("sftp")
        self._conn: asyncssh.SSHServerConnection | None = None
        self._fingerprint = ""
        self._last = asyncio.get_running_loop().time()
        self._channels: set[Channel] = set()
        self.party = ""  # once logged in

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A client connects; too many at once are turned away."""
        self._conn = conn
        if len(self._service.connections) >= _CONNECTIONS:
            conn.abort()
            return
        self._service.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client is gone."""
        self._service.connections.discard(self)

    def public_key_auth_supported(self) -> bool:
        """Keys are the only way in."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is one of the party's, as its file stands now."""
        fingerprint = key.get_fingerprint()
        known = await asyncio.to_thread(self._service.keys_of, username)
        # The last key asked about is the one that then signs the login.
        self._fingerprint = fingerprint if fingerprint in known else ""
        if not self._fingerprint:
            party = username if username in self._service.parties else "unknown"
            self._log.warning("login refused", party=party)
        return bool(self._fingerprint)

    def auth_completed(self) -> None:
        """Logged in; a party that has too many connections already is turned away."""
        assert self._conn is not None  # noqa: S101
        party = self._conn.get_extra_info("username")
        others = sum(1 for item in self._service.connections if item.party == party)
        if others >= self._settings.connections:
            self._log.warning("too many connections", party=party)
            self._conn.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many connections.")
            return
        self.party = party
        self._log.info("login", party=party, key=self._fingerprint)

    def session_requested(self) -> "Channel | bool":
        """A session for SFTP, a few in one connection."""
        if not self.party or len(self._channels) >= self._settings.connections:
            return False
        return Channel(self)

    # --- what sessions ask of it -----------------------------------------------------------------

    def opened(self, channel: "Channel") -> None:
        """A session begins."""
        self._channels.add(channel)

    def closed(self, channel: "Channel") -> None:
        """A session has ended."""
        self._channels.discard(channel)

    def active(self) -> None:
        """The client asked for something."""
        self._last = asyncio.get_running_loop().time()

    def make_session(self, channel: "Channel", chan: "SSHChannel[bytes]") -> Session:
        """The session of a channel."""
        channel.session = Session(
            cast("asyncssh.SSHServerChannel[bytes]", chan),
            self._service.parts,
            self.party,
            f"sftp:{self.party}:{self._fingerprint.removeprefix('SHA256:')}",
            lambda: channel.ended,
            self.active,
        )
        return channel.session

    def is_busy(self) -> bool:
        """Whether files are open."""
        return any(item.session is not None and item.session.is_busy for item in self._channels)

    def end_if_idle(self) -> None:
        """End a connection that has asked for nothing for too long."""
        quiet = asyncio.get_running_loop().time() - self._last
        if quiet > self._settings.idle_seconds:
            self._log.info("idle", party=self.party)
            self.end()

    def end(self) -> None:
        """End the connection; unfinished uploads go with it."""
        if self._conn is not None:
            self._conn.abort()


class Channel(SSHServerStreamSession[bytes]):
    """A session's channel. ``ended``: the client has said that nothing more comes, or is gone."""

    def __init__(self, connection: Connection) -> None:
        self.ended = False
        self.session: Session | None = None
        self._connection = connection
        super().__init__(None, lambda chan: connection.make_session(self, chan), 3, False)

    def session_started(self) -> None:
        """SFTP begins."""
        self._connection.opened(self)
        super().session_started()

    def eof_received(self) -> bool:
        """Told by the client, and by a connection that is lost."""
        self.ended = True
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        super().connection_lost(exc)
        self._connection.closed(self)


def serve(parts: FaceParts, listen: str) -> None:
    """Serve until SIGTERM or SIGINT, or until the process that started this one is gone.

    ``listen``: host:port; port 0 takes a free one, which the log names. Raises SettingsFault where
    that is no address or is taken, CryptoFault for a damaged host key.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsFault(
            "sftp.listen", "The address to serve SFTP on is not host:port.", "See docs/sftp.md."
        )
    key = make_host_key(parts.home.root)
    sweep(parts.home.inbox)
    asyncio.run(_serve(parts, host.strip("[]"), int(port), key))


async def _serve(parts: FaceParts, host: str, port: int, key: Path) -> None:
    log = structlog.get_logger("sftp")
    parties = {item.id for agreed in parts.agreed.values() for item in agreed.agreement.parties}
    service = Service(parts, frozenset(parties))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    acceptor = await _listen(service, host, port, key)
    fingerprint = host_fingerprint(parts.home.root)
    log.info("serving sftp", host=host, port=acceptor.get_port(), host_key=fingerprint)
    parent = os.getppid()
    while not told.is_set() and os.getppid() == parent:
        for connection in list(service.connections):
            connection.end_if_idle()
        await _wait(told, _LOOK_SECONDS)
    acceptor.close()
    log.info("stopping", connections=len(service.connections))
    await _end(service)
    log.info("stopped")


async def _listen(service: Service, host: str, port: int, key: Path) -> asyncssh.SSHAcceptor:
    asyncssh.set_log_level("ERROR")  # it would name files and paths; what matters is logged here
    settings = service.parts.settings.sftp
    try:
        return await asyncssh.listen(
            host,
            port,
            server_factory=functools.partial(Connection, service),
            server_host_keys=[str(key)],
            server_version=_NAME,
            public_key_auth=True,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_auth=False,
            gss_kex=False,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            line_editor=False,
            compression_algs=None,
            login_timeout=settings.login_seconds,
            keepalive_interval=30,
            encoding=None,
        )
    except OSError as error:
        raise SettingsFault(
            "sftp.listen",
            f"SFTP cannot be served on {host}:{port} ({error.strerror}).",
            "Choose another address, or stop what uses that one.",
        ) from error


async def _end(service: Service) -> None:
    """Give files under way a while to end, then end every connection and wait for the last."""
    loop = asyncio.get_running_loop()
    over = loop.time() + _PATIENCE_SECONDS
    while any(item.is_busy() for item in service.connections) and loop.time() < over:
        await asyncio.sleep(_LOOK_SECONDS)
    for connection in list(service.connections):
        connection.end()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:  # sessions put their files in order
        await asyncio.wait(tasks, timeout=_PATIENCE_SECONDS)


async def _wait(told: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(told.wait(), seconds)
    except TimeoutError:
        return
