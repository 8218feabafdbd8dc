"""The resident memory of processes that run, and its peak from a moment on, as the kernel tells."""

from pathlib import Path

_RESET_PEAK = "5"  # proc(5), clear_refs


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that run."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def words_of(pid: int) -> list[str]:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")


def resident_mib(pid: int) -> float:
    """What is resident now."""
    return _told(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """The most that was resident since the start, or since `forget_peak`."""
    return _told(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak begin anew from what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)


def _told(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"{pid} has no {name}")
