"""What a probe tries from within a confined child, and what came of it, for `doctor`.

Each attempt does no harm where it succeeds: that is what it is there to find out.
"""

import ctypes
import errno
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path

from gateway.intake.confined import confinement
from gateway.intake.confined.limits import MIB, Allowance

ALLOWED = "allowed"
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_GET_NO_NEW_PRIVS = 39
_PTRACE_TRACEME = 0


def facts() -> dict[str, str | int]:
    """Who and where the child is, looked up while it still may look."""
    return {
        "user": os.getuid(),
        "capabilities": confinement.capabilities(),
        "network": Path("/proc/self/ns/net").stat().st_ino,
        "no-new-privs": int(_LIBC.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)),
    }


def on_files(layer: str) -> dict[str, str | int]:
    """Open a folder to read and a device to write, which any user may by the files' modes."""
    return {
        f"{layer}:read": _outcome(lambda: os.close(os.open("/", os.O_RDONLY))),
        f"{layer}:write": _outcome(lambda: os.close(os.open(os.devnull, os.O_WRONLY))),
    }


def on_calls(layer: str) -> dict[str, str | int]:
    """Everything the filter is there to forbid: files, peers, processes, hidden memory."""
    tries: dict[str, Callable[[], object]] = {
        "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "pair": _pair,
        "fork": _fork,
        "exec": lambda: os.execv("/", ["/"]),  # noqa: S606 - no program: a folder
        "memfd": lambda: os.close(os.memfd_create("probe")),
        "stat": lambda: Path("/").stat(),
        "signal": lambda: os.kill(os.getppid(), 0),
        "trace": lambda: _libc_call(_LIBC.ptrace(_PTRACE_TRACEME, 0, None, None)),
        "rights": lambda: _libc_call(_LIBC.fchmod(0, 0o666)),  # nosec B103
        "code": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close(),
    }
    return {f"{layer}:{name}": _outcome(act) for name, act in tries.items()}


def on_memory(allowance: Allowance) -> dict[str, str | int]:
    """Ask for more memory than is allowed: of one's own, and shared."""

    def ask(size: int, flags: int) -> Callable[[], None]:
        return lambda: mmap.mmap(-1, size + MIB, flags=flags).close()

    return {
        "memory:data": _outcome(ask(allowance.data_bytes, mmap.MAP_PRIVATE)),
        "memory:addresses": _outcome(ask(allowance.address_bytes, mmap.MAP_SHARED)),
    }


def without_end() -> None:
    """Work for ever: only a limit of time can end it."""
    while True:
        pass


def _outcome(act: Callable[[], object]) -> str:
    """``allowed``, or the name of the error with which the system refused."""
    try:
        act()
    except OSError as refused:
        return errno.errorcode.get(refused.errno or 0, "refused")
    return ALLOWED


def _pair() -> None:
    for end in socket.socketpair():
        end.close()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _libc_call(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
