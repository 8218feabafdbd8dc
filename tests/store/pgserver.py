"""A real PostgreSQL server on loopback, for the tests of what runs on both databases.

`PostgreSQL` runs it; each test has a database of its own, copied from one with all tables.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from gateway.settings import DatabaseSettings
from gateway.store.address import address
from gateway.store.database import Database

_PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/usr/local/pgsql")
_OWNER = "owner"  # of the server; the tests' databases are the gateway's role's
ROLE = "gateway"
PASSWORD = "not-a-real-password"
MAKE = "TEMPLATE {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


def find_server() -> Path | None:
    """The folder of the newest server's programs, where one is installed."""
    found = [path.parent for place in _PLACES for path in Path(place).glob("*/bin/initdb")]
    if not found and (named := shutil.which("initdb")):
        found = [Path(named).resolve().parent]
    return max(found, key=lambda path: int("0" + path.parent.name.split(".")[0]), default=None)


@dataclass
class PostgreSQL:
    """One server and its folder. It runs as an ordinary user, as it insists."""

    programs: Path
    account: pwd.struct_passwd
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pg-")))
    port: int = 0
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Make a server, and start it; a port that was taken meanwhile is chosen anew."""
        os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        how = ("-U", _OWNER, "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8")
        made = self._run("initdb", "-D", self._data, *how, "--locale=C", "--data-checksums")
        assert made.returncode == 0, made.stderr
        for _ in range(3):
            self.port = _free_port()
            if self._control("start").returncode == 0:
                break
        self.ask(f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{PASSWORD}'")
        self.ask(f"CREATE DATABASE filled OWNER {ROLE} {MAKE.format('template0')}")
        with closing(self.database("filled")) as database:
            database.upgrade()

    def close(self) -> None:
        """End it and remove its folder."""
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """End it at once, cutting whoever is connected, and start it again."""
        self.stop()
        assert self._control("start").returncode == 0, self._log.read_text()

    def stop(self) -> None:
        """End it at once, cutting whoever is connected."""
        self._control("stop", "-m", "fast")

    def begin(self) -> None:
        """Start it again."""
        assert self._control("start").returncode == 0, self._log.read_text()

    # --- databases -------------------------------------------------------------------------------

    def make(self, template: str = "filled") -> str:
        """A new database, and its name: with all tables, or a copy of the one named."""
        name = f"test_{next(self._names)}"
        self.ask(f"CREATE DATABASE {name} OWNER {ROLE} {MAKE.format(template)}")
        return name

    def make_empty(self) -> str:
        """A new database without tables."""
        return self.make("template0")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url(self, name: str, role: str = ROLE) -> str:
        """What the settings say of it: no password."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{name}"

    def database(self, name: str, busy_seconds: float = 5.0) -> Database:
        """It, opened as the gateway opens it."""
        keys = self.folder / "keys"
        if not keys.is_dir():
            self.write_password(keys)
        url = address(DatabaseSettings(url=self.url(name)), keys)
        return Database(url, busy_seconds=busy_seconds)

    @staticmethod
    def write_password(keys: Path, name: str = "database.password") -> None:
        """Lay the password where the gateway looks for it."""
        keys.mkdir(exist_ok=True)
        (keys / name).touch(mode=0o600)
        (keys / name).write_text(PASSWORD + "\n")

    def ask(self, sql: str, name: str = "postgres", role: str = _OWNER) -> list[tuple[object, ...]]:
        """Ask it beside the gateway, each statement by itself; raises psycopg.Error."""
        where = {"host": "127.0.0.1", "port": self.port, "dbname": name}
        with psycopg.connect(
            **where,
            user=role,
            password=PASSWORD,
            autocommit=True,  # type: ignore[arg-type]
        ) as connection:
            told = connection.execute(sql.encode())
            return told.fetchall() if told.description else []

    # --- its process -----------------------------------------------------------------------------

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _control(self, act: str, *words: str) -> "subprocess.CompletedProcess[str]":
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        how = ("-o", f"{options} -c shared_buffers=16MB -c max_connections=60")
        more = ("-l", str(self._log), *how) if act == "start" else ()
        return self._run("pg_ctl", "-D", self._data, "-w", *words, *more, act)

    def _run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        who = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [str(self.programs / program), *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            # the server would keep a pipe open for as long as it lives
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=120,
            **(who if os.geteuid() == 0 else {}),
        )


@contextmanager
def running_server(programs: Path, account: pwd.struct_passwd) -> Iterator[PostgreSQL]:
    """A server, ended at the end."""
    server = PostgreSQL(programs, account)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
