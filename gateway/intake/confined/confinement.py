"""The kernel's own means of taking rights away: prctl, Landlock, seccomp, limits, users.

Everything here acts on the calling process or thread and cannot be undone. It runs in the zygote
and its children alone; the worker never imports it. Sources: Linux's prctl(2), landlock(7),
seccomp(2), capabilities(7), setrlimit(2).
"""

import ctypes
import errno
import fcntl
import mmap
import os
import resource
from typing import Any

from gateway.intake.confined.limits import Allowance

try:
    import pyseccomp as seccomp
except (ImportError, RuntimeError):  # the latter where libseccomp itself is not installed
    seccomp = None

NOBODY = 65534
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_THREAD = 0x10000000, 0x40000000, 0x00010000
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # one number on every architecture
_CAPABILITY_VERSION_3 = 0x20080522

# What polars, calamine and Python were seen to need once they are loaded, and nothing that names a
# file, a process or a peer. Anything else fails with EPERM, which libraries expect of a probe.
ALLOWED = (
    "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close",
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "exit", "exit_group",
    "futex", "getcpu", "getpid", "getrandom", "gettid", "gettimeofday", "lseek", "madvise",
    "membarrier", "mmap2", "mremap", "munmap", "nanosleep", "pread64", "read", "readv",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack", "write", "writev",
)  # fmt: skip


class Unconfined(Exception):
    """A layer of the confinement could not be laid on. The text names it."""


def _called(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def gain_nothing() -> None:
    """No program run from here gains rights, and no other process of the user may look inside."""
    _called(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _called(_LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")


def leave_network() -> bool:
    """Move into a network namespace with no interface. False where the system forbids it.

    An ordinary user can do so only within a user namespace of its own, where it then has every
    capability, and gives them up at once. Must be called while the process has one thread.
    """
    if _LIBC.unshare(_CLONE_NEWNET) == 0:
        return True
    left = bool(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)
    if left:
        _drop_capabilities()
    return left


class _CapabilityHead(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


_CapabilitySets = ctypes.c_uint32 * 6  # effective, permitted, inheritable; low words, then high


def drop_privileges() -> None:
    """Root becomes nobody, and whoever it is gives up every capability."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _drop_capabilities()
    _called(_LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")  # a change of user resets it


def _drop_capabilities() -> None:
    head = _CapabilityHead(_CAPABILITY_VERSION_3, 0)
    _called(_LIBC.capset(ctypes.byref(head), _CapabilitySets()), "capset")


def capabilities() -> int:
    """The capabilities that are in force or could be put in force, as bits. 0 is none."""
    head, sets = _CapabilityHead(_CAPABILITY_VERSION_3, 0), _CapabilitySets()
    _called(_LIBC.capget(ctypes.byref(head), sets), "capget")
    return int(sets[0] | sets[1] | (sets[3] | sets[4]) << 32)


def die_with(parent: int) -> None:
    """Be killed when the process ``parent`` (or its thread that forked us) ends."""
    _called(_LIBC.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "pdeathsig")
    if os.getppid() != parent:
        raise Unconfined("the zygote ended before its child began")


def set_limits(allowance: Allowance) -> None:
    """Bound memory and processor time; no core, no file growth, no locked memory, no queues.

    DATA misses shared mappings and AS catches them, so both are set. One second after the signal
    for too much processor time, which could be caught, comes the one that cannot.
    """
    cpu = allowance.cpu_seconds
    for what, soft, hard in (
        (resource.RLIMIT_DATA, allowance.data_bytes, allowance.data_bytes),
        (resource.RLIMIT_AS, allowance.address_bytes, allowance.address_bytes),
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_NOFILE, 64, 64),
    ):
        resource.setrlimit(what, (soft, hard))


def landlock_version() -> int:
    """The kernel's Landlock version, or 0 where it has none or has it switched off."""
    return max(0, int(_LIBC.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)))


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scope", ctypes.c_uint64),
    )


def _ruleset(version: int) -> tuple[_Ruleset, int]:
    """Everything that this version can forbid, and the size of the structure it knows."""
    files = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # how many rights it handles
    handled = _Ruleset((1 << files) - 1)
    handled.network = 0b11 if version >= 4 else 0
    handled.scope = 0b11 if version >= 6 else 0
    return handled, 8 * (1 + (version >= 4) + (version >= 6))


def lock_files() -> None:
    """Landlock with no rule: no path may be opened or changed, by this thread and those it starts.

    Needs `gain_nothing`. Raises Unconfined where the kernel has no Landlock.
    """
    version = landlock_version()
    if not version:
        raise Unconfined("Landlock is not available")
    handled, size = _ruleset(version)
    ruleset = _called(
        _LIBC.syscall(_LANDLOCK_CREATE, ctypes.byref(handled), ctypes.c_size_t(size), 0),
        "landlock_create_ruleset",
    )
    _called(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def prepare_filter() -> Any | None:
    """The system call filter, ready to be loaded in each child. None without libseccomp.

    An allow-list: what is not named fails with EPERM. Threads may start, processes may not; memory
    may not become executable; limits may be read, not set. clone3 hides its flags from a filter,
    so it is said not to exist and the C library falls back on clone.
    """
    if seccomp is None:
        return None
    calls = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    calls.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    for name in ALLOWED:
        calls.add_rule(seccomp.ALLOW, name)
    thread = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    calls.add_rule(seccomp.ALLOW, "clone", thread)
    calls.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for name in ("mmap", "mprotect"):
        plain = seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
        calls.add_rule(seccomp.ALLOW, name, plain)
    for command in (fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_GETFL):
        calls.add_rule(seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    calls.add_rule(seccomp.ALLOW, "prlimit64", seccomp.Arg(2, seccomp.EQ, 0))
    return calls


def lock_calls(calls: Any | None) -> None:
    """Load the filter that `prepare_filter` made. Raises Unconfined where there is none.

    A process may signal itself, so that an abort for want of memory shows as what it is.
    """
    if calls is None:
        raise Unconfined("libseccomp is not installed")
    own = seccomp.Arg(0, seccomp.EQ, os.getpid())
    calls.add_rule(seccomp.ALLOW, "tgkill", own)
    calls.load()
