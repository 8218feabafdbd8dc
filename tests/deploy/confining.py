"""Run a command as a systemd unit of `deploy/` would: a program of its own, for tests of the units.

    python confining.py UNIT HOME UID WORD...

What it takes from the unit: the filter of system calls (with namespaces and address families), no
new privileges, no memory both writable and executable, and, as root, the paths, in a mount
namespace of its own. HOME stands for /srv/gateway. The user is UID in the end.
"""

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyseccomp as seccomp

_NAMESPACES = {"user": 0x10000000, "net": 0x40000000}
_ALL_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x02000000 | 0x00000080
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 38, 65
_OWN_RULES = {"socket", "unshare", "clone", "clone3"}


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Every setting of a unit, with its lines in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "[")):
            found.setdefault(name, []).append(value)
    return found


def words_of(settings: dict[str, list[str]], name: str) -> list[str]:
    """All words of a setting."""
    return [word for line in settings.get(name, []) for word in line.split()]


def allowed_calls(settings: dict[str, list[str]]) -> set[str]:
    """The system calls that the unit's filter lets through, its groups as systemd has them."""
    allowed: set[str] = set()
    for line in settings["SystemCallFilter"]:
        taken = line.startswith("~")
        calls = {call for word in line.removeprefix("~").split() for call in _calls(word)}
        allowed = allowed - calls if taken else allowed | calls
    return allowed


def _calls(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    command = ["systemd-analyze", "syscall-filter", "--no-pager", word]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    listed = {line.strip() for line in told.splitlines() if line.startswith("    ")}
    listed = {line for line in listed if line and not line.startswith("#")}
    return {call for line in listed for call in _calls(line)}


def call_filter(settings: dict[str, list[str]]) -> seccomp.SyscallFilter:
    """The filter, ready to be loaded."""
    calls = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in sorted(allowed_calls(settings) - _OWN_RULES):
        try:
            calls.add_rule(seccomp.ALLOW, name)
        except (ValueError, OSError):  # of another architecture, or another version's
            continue
    for family in words_of(settings, "RestrictAddressFamilies"):
        calls.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, _FAMILIES[family]))
    refused = _ALL_NAMESPACES + sum(
        bit
        for name, bit in _NAMESPACES.items()
        if name not in words_of(settings, "RestrictNamespaces")
    )
    for call in ("unshare", "clone"):
        calls.add_rule(seccomp.ALLOW, call, seccomp.Arg(0, seccomp.MASKED_EQ, refused, 0))
    calls.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    return calls


def lay_out(settings: dict[str, list[str]], home: Path) -> None:
    """Mount what the unit may see: everything read-only but for what it may write to."""

    def here(name: str) -> list[Path]:
        found = [
            Path(word.lstrip("-").replace("/srv/gateway", str(home), 1))
            for word in words_of(settings, name)
        ]
        return [path for path in found if path.is_relative_to(home) and path.exists()]

    def mount(*words: str) -> None:
        subprocess.run(["mount", *words], check=True)

    mount("--make-rprivate", "/")
    for path, way in (
        (home, "ro"),
        *((path, "rw") for path in here("ReadWritePaths")),
        *((path, "ro") for path in here("ReadOnlyPaths")),
    ):
        mount("--bind", str(path), str(path))
        mount("-o", f"remount,bind,{way},noexec,nosuid", str(path))
    with tempfile.NamedTemporaryFile() as nothing:
        Path(nothing.name).chmod(0)
        for path in here("InaccessiblePaths"):
            if path.is_dir():
                mount("-t", "tmpfs", "-o", "mode=0,ro", "none", str(path))
            else:
                mount("--bind", nothing.name, str(path))


def main() -> None:
    """Confine this process, and become the command."""
    unit, home, user, *words = sys.argv[1:]
    settings = settings_of(Path(unit))
    calls = call_filter(settings)
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        if libc.unshare(0x00020000):
            raise OSError(ctypes.get_errno(), "unshare")
        lay_out(settings, Path(home))
        os.setgroups([])
        os.setresgid(int(user), int(user), int(user))
        os.setresuid(int(user), int(user), int(user))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # of Linux 6.3; systemd does it by a filter
    calls.load()
    os.execv(words[0], words)  # noqa: S606  that is what it is for


if __name__ == "__main__":
    main()
