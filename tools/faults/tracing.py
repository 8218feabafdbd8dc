"""The real program under strace: its calls on the home's files recorded, and one of them failed."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from points import Fault

CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "rename", "link", "linkat"),
    *("unlink", "unlinkat", "openat", "mkdir", "rmdir"),
)
_LINE = re.compile(r"^(?:(\d+) +)?([a-z0-9_]+)\((.*)$")
_QUOTED = re.compile(r'"([^"]*)"|<([^>]+)>(\(deleted\))?')
_RANDOM = (
    (re.compile(r"\d{8}-[0-9a-f]{12}"), "DROP"),
    (re.compile(r"/attempt-\w+"), ""),
    (re.compile(r"(?<=\d\d-\d\d)\.\w{8}(?=/|$)"), ""),
    (re.compile(r"\.(sealing-[^/]+|[0-9a-f]{16})\.part"), "PART"),
    (re.compile(r"[a-z-]+-\d{4}-\d\d-\d\d-\d\d(?=[./]|$)"), "PACKAGE"),
    (re.compile(r"vault/[0-9a-f]{2}/[0-9a-f]{64}"), "vault/SHA"),
    (re.compile(r"vault/[0-9a-f]{2}$"), "vault/FOLDER"),
    (re.compile(r"#\d+$"), "DRAFT"),
    (re.compile(r"work/receipt-\w+"), "work/CHECKED"),
    (re.compile(r"(?<=receipts/dfe/)[0-9a-f]{16}"), "TAKEN"),
    (re.compile(r"receipts/[^/]+\.(json|asc)$"), "receipts/RECEIPT"),
)
# Not files of the exchange: keys and settings, what other processes may change meanwhile.
_ASIDE = ("keys", "config", "var/gateway.db-shm", "var/gateway.db-journal")


@dataclass(frozen=True)
class Call:
    """A call on a file of the home. ``number``: which of that name it is, of its process."""

    name: str
    number: int
    form: str  # the name and the files, without what is random


def form(line: str, home: Path) -> str | None:
    """The call in a line of strace's, without what is random; None: on no file of the home."""
    match = _LINE.match(line)
    if match is None or match[2] not in CALLS:
        return None
    files = []
    words = [(quoted or angled) for quoted, angled, _ in _QUOTED.findall(match[3].split(") = ")[0])]
    if match[2] == "unlinkat" and len(words) > 1:
        words = [f"{words[0]}/{words[1]}"]
    for word in words:
        if not word.startswith(f"{home}/"):
            continue
        file = word.removeprefix(f"{home}/")
        for random, name in _RANDOM:
            file = random.sub(name, file)
        if file not in files:
            files.append(file)
    if not files or files[0].partition("/")[0] in _ASIDE or files[0] in _ASIDE:
        return None
    return " ".join([match[2], *files])


def calls_of(trace: Path, home: Path) -> list[Call]:
    """The calls on the home's files that succeeded, in order."""
    counts: Counter[tuple[str | None, str]] = Counter()
    found = []
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        counts[match[1], match[2]] += 1
        told = form(line, home)
        if told is not None and " = -1 " not in line:
            found.append(Call(match[2], counts[match[1], match[2]], told))
    return found


def steady(calls: Iterable[Call]) -> list[Call]:
    """Without the pages that SQLite writes: how many those are, the run's random values decide."""
    return [call for call in calls if call.name != "pwrite64"]


def strace(trace: Path, *, follow: bool = False, only: Sequence[Path] = ()) -> list[str]:
    """How a program is recorded. ``follow``: its threads too; ``only``: calls on these files."""
    words = ["strace", "-o", str(trace), "-yy", "-s", "0", "-e", f"trace={','.join(CALLS)}"]
    words += ["-f"] if follow else []
    return [*words, *(word for path in only for word in ("-P", str(path)))]


def struck_at(call: Call, fault: Fault) -> list[str]:
    """How that call is failed."""
    how = "signal=KILL" if fault == "SIGKILL" else f"error={fault}"
    return ["-e", f"inject={call.name}:{how}:when={call.number}"]


def what_was_struck(trace: Path, home: Path, fault: Fault) -> str:
    """The form of the call that was failed: what was injected, or the last before the kill."""
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    if fault == "SIGKILL":
        ended = [line for line in lines if line.rstrip().endswith("= ?")]
        killed = any("+++ killed by SIGKILL +++" in line for line in lines)
        hits = [_begun(ended[0], lines)] if killed and ended else []
    else:
        hits = [line for line in lines if "(INJECTED)" in line]
    return (form(hits[0], home) or hits[0]) if hits else ""


def _begun(ended: str, lines: list[str]) -> str:
    """The line in which the call of that line began: another thread's may lie between the two."""
    resumed = re.match(r"^(\d+) +<\.\.\. (\w+) resumed>", ended)
    if resumed is None:
        return ended
    start = f"{resumed[2]}("
    own = [line for line in lines if line.startswith(f"{resumed[1]} ") and start in line]
    return own[-1] if own else ended


def has_strace() -> bool:
    """Whether programs may be traced here at all."""
    try:
        tried = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0
