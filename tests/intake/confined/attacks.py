"""More of what code that a hostile file took over might try: see `hostile`, which runs these.

Each attempt raises OSError where the system refuses it, as `hostile.trying` awaits.
"""

import ctypes
import errno
import mmap
import os
import re
import signal
import threading
import time
from pathlib import Path

import pyseccomp

from gateway.intake.confined import confinement
from gateway.intake.confined.wire import pack
from gateway.intake.findings import finding

LIBC = ctypes.CDLL(None, use_errno=True)
HIGHEST_CALL = 512  # no Linux has as many system calls
# Allowed with some arguments only, each tried by an attack of its own; clone3 is answered ENOSYS.
BY_ARGUMENTS = ("clone", "mmap", "mprotect", "fcntl", "prlimit64", "tgkill", "clone3")
# Linux lets these two pass every filter, and ends whoever calls them but its own probes (SIGILL).
PROBES_OF_THE_KERNEL = (335, 336) if os.uname().machine == "x86_64" else ()
CLONE_NEWUSER, X32 = 0x10000000, 0x40000000


def number(name):
    return pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)


def call(name, *arguments):
    raw(number(name), *arguments)


def raw(which, *arguments):
    if LIBC.syscall(ctypes.c_long(which), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def every_other_call(sink, _book, _stream, _rest):
    """Each system call by number, with arguments that mean nothing. Tells which were not refused.

    A finding of a row stands for one: its row is the call's number, counted from 1.
    """
    let_through = {number(name) for name in (*confinement.ALLOWED, *BY_ARGUMENTS)}
    let_through.update(PROBES_OF_THE_KERNEL)
    tried = [which for which in range(HIGHEST_CALL) if which not in let_through]
    for which in tried:
        try:
            raw(which, -1, -1, -1, -1, -1, -1)
        except OSError as refused:
            if refused.errno == errno.EPERM:
                continue
        sink.findings([finding("row.short", which + 1)])
    sink.findings([finding("file.preamble", count=len(tried))])
    os._exit(0)


def any_descriptor(_rest):
    """Whatever else the worker or the zygote may have left open."""
    for descriptor in range(5, 1024):
        try:
            os.read(descriptor, 0)
        except OSError as refused:
            if refused.errno != errno.EBADF:
                raise
        else:
            return
    raise OSError(errno.EBADF, "none is open")


def anonymous_file(_rest):
    os.open("/tmp", os.O_TMPFILE | os.O_WRONLY)


def shared_memory(_rest):
    mmap.mmap(-1, 4 << 30, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)


def later_executable(_rest):
    page = mmap.mmap(-1, mmap.PAGESIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    call("mprotect", place, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC)


def piece_by_piece(_sink, _book, _stream, _rest):
    held = []
    while True:
        held.append(bytearray(1 << 20))


def many_threads(_sink, _book, _stream, _rest):
    while True:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def slow_pattern(_sink, _book, _stream, _rest):
    re.match(r"(a+)+$", "a" * 64 + "b")


def dripping(sink, _book, _stream, _rest):
    while True:
        sink.findings([finding("file.preamble", count=1)])
        time.sleep(0.05)


def goes_on_unheard(_sink, _book, _stream, _rest):
    os.close(4)
    time.sleep(3600)


def stops_itself(_sink, _book, _stream, _rest):
    signal.raise_signal(signal.SIGSTOP)


def dies_of(which):
    return lambda _sink, _book, _stream, _rest: signal.raise_signal(which)


def endless_recursion(_sink, _book, _stream, _rest):
    endless_recursion(_sink, _book, _stream, _rest)


def endless_findings(sink, _book, _stream, _rest):
    items = [finding("row.short", row) for row in range(2, 5_000)]
    while True:
        sink.findings(items)


def empty_frames(_sink, _book, _stream, _rest):
    frames = pack(b"F", b"[]") * 100_000
    while True:
        os.write(4, frames)


# Refused: the error is told by the child's exit code.
ATTEMPTS = {
    "open-to-write": lambda path: os.open(path, os.O_WRONLY),
    "open-input-anew": lambda _: os.open("/proc/self/fd/3", os.O_RDWR),
    "own-memory": lambda _: os.open("/proc/self/mem", os.O_RDWR),
    "zygote-memory": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "environment": lambda _: Path("/proc/self/environ").read_bytes(),
    "make-folder": lambda path: Path(path).mkdir(),
    "make-link": lambda path: Path(path).symlink_to("/etc/passwd"),
    "remove": lambda path: Path(path).unlink(),
    "rename": lambda path: Path(path).rename(path + ".away"),
    "truncate": lambda path: os.truncate(path, 0),
    "truncate-input": lambda _: os.ftruncate(3, 0),
    "anonymous-file": anonymous_file,
    "any-descriptor": any_descriptor,
    "connect": lambda _: call("connect", 4, 0, 0),
    "vfork": lambda _: call("vfork"),
    "process-by-clone": lambda _: call("clone", signal.SIGCHLD, 0, 0, 0, 0),
    "process-by-clone3": lambda _: call("clone3", 0, 0),
    "user-namespace": lambda _: call("unshare", CLONE_NEWUSER),
    "other-signal": lambda _: call("tgkill", os.getppid(), os.getppid(), 0),
    "leave-session": lambda _: os.setsid(),
    "no-limit-of-time": lambda _: call("prlimit64", 0, 0, mmap.PAGESIZE, 0),
    "signals-from-input": lambda _: call("fcntl", 3, 8, os.getppid()),  # F_SETOWN
    "later-executable": later_executable,
    "shared-memory": shared_memory,
    "kernel-rings": lambda _: call("io_uring_setup", 8, 0),
    "kernel-programs": lambda _: call("bpf", 0, 0, 0),
    "read-the-zygote": lambda _: call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0),
    "keys-of-the-kernel": lambda _: call("keyctl", 0, -1, 0),
    "new-root": lambda _: os.chroot("/"),
    "become-root": lambda _: os.setuid(0),
}
ACTS = {
    "every-other-call": every_other_call,
    "other-architecture": lambda _sink, _book, _stream, _rest: raw(X32 | number("getpid")),
    "piece-by-piece": piece_by_piece,
    "many-threads": many_threads,
    "slow-pattern": slow_pattern,
    "dripping": dripping,
    "goes-on-unheard": goes_on_unheard,
    "stops-itself": stops_itself,
    "abort": dies_of(signal.SIGABRT),
    "bus-error": dies_of(signal.SIGBUS),
    "illegal-instruction": dies_of(signal.SIGILL),
    "division": dies_of(signal.SIGFPE),
    "hang-up": dies_of(signal.SIGHUP),
    "endless-recursion": endless_recursion,
    "endless-findings": endless_findings,
    "empty-frames": empty_frames,
}
