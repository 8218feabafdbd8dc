"""The twenty points of a package's life at which the gateway is struck, and how each is known.

A point is one call of the real program, known by what it does to which file. ``before`` and
``after`` are the calls on the home's files just before and just after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Stage = Literal["intake", "window", "served", "receipt"]
When = Literal["before", "mid", "after"]
Fault = Literal["SIGKILL", "ENOSPC", "EIO"]
WHEN: tuple[When, ...] = ("before", "mid", "after")
FAULTS: tuple[Fault, ...] = ("SIGKILL", "ENOSPC", "EIO")

_WAL = "fdatasync var/gateway.db-wal"
_FILE = "inbox/ofsted/notifications/extract.csv"
_DROP = "var/work/drops/notifications/DROP"
_STAGED = f"rename {_DROP}/.DROP.accepted.part var/staged/DROP.accepted"
_PACKAGE = "var/work/packages/PACKAGE"
_ZIP = f"{_PACKAGE}/PACKAGE.zip"
_SEALED = f"{_PACKAGE}/dfe/PACKAGE.zip.gpg"
_SHEET = f"{_PACKAGE}/plain/data.xlsx"
_OUTBOX = "outbox/dfe/notifications"
_SHOWN = f"linkat {_OUTBOX}/.PACKAGE.manifest.json.part {_OUTBOX}/PACKAGE.manifest.json"
_CHECKED = "rmdir var/work/CHECKED"


@dataclass(frozen=True)
class Point:
    """``call``: its form as `tracing.form` gives it; ``since``: the form that comes before it.

    With ``last`` it is the last such call before the first of ``since``'s form instead.
    """

    part: str
    name: str
    stage: Stage
    call: str
    since: str = ""
    last: bool = False


POINTS = (
    Point("intake", "seen", "intake", "openat inbox/ofsted/notifications"),
    Point("intake", "stable", "intake", f"openat {_FILE}"),
    Point("intake", "claimed", "intake", f"rename {_FILE} {_DROP}/claimed"),
    Point("intake", "sealed", "intake", f"rename {_DROP}/PART/part {_DROP}/sealed"),
    Point("intake", "fsynced", "intake", "fsync var/vault/PART"),
    Point("intake", "row", "intake", _WAL, since=f"unlink {_DROP}/sealed"),
    Point("build", "parsed", "intake", f"write {_DROP}/DRAFT"),
    Point("build", "minimised", "intake", _STAGED),
    Point("build", "re-read and compared", "window", f"openat {_SHEET}", since=f"write {_SHEET}"),
    Point("build", "zipped", "window", f"rename {_PACKAGE}/PART/part {_ZIP}"),
    Point("build", "encrypted", "window", f"rename {_PACKAGE}/dfe/PART/part {_SEALED}"),
    Point("build", "self-tested", "window", f"openat {_ZIP}"),
    Point("build", "renamed to ready", "window", "link var/vault/PART var/vault/SHA"),
    Point("build", "row", "window", _WAL, since=f"unlinkat {_ZIP}", last=True),
    Point("deliver", "placed", "window", _SHOWN),
    Point("deliver", "folder fsynced, read back", "window", f"fsync {_OUTBOX}", since=_SHOWN),
    Point("deliver", "delivered + leaf", "window", _WAL, since=_SHOWN),
    Point("deliver", "checkpoint", "window", "rename var/PART/part var/checkpoint"),
    Point("collect", "served", "served", _WAL, since=_WAL),  # the first is of the WAL itself
    Point("collect", "receipt", "receipt", _WAL, since=_CHECKED),
)


@dataclass(frozen=True)
class Cell:
    """One point, one side of it, one fault."""

    point: Point
    when: When
    fault: Fault

    @property
    def name(self) -> str:
        """How it is called in what is printed."""
        return f"{self.point.part} · {self.point.name} · {self.when} · {self.fault}"


def every_cell() -> list[Cell]:
    """All 180."""
    return [Cell(point, when, fault) for point in POINTS for when in WHEN for fault in FAULTS]


def sample() -> list[Cell]:
    """A few cells, spread over the stages, the sides and the faults."""
    chosen = {("claimed", "SIGKILL", "after"), ("row", "EIO", "after"), ("placed", "ENOSPC", "mid")}
    more = {("renamed to ready", "SIGKILL", "mid"), ("receipt", "SIGKILL", "mid")}
    wanted = chosen | more | {("minimised", "ENOSPC", "before"), ("served", "EIO", "mid")}
    return [cell for cell in every_cell() if (cell.point.name, cell.fault, cell.when) in wanted]


def found(point: Point, forms: Sequence[str]) -> int:
    """Where the point's call stands among the calls of a run. Raises LookupError."""
    if point.last:
        end = forms.index(point.since)
        return max(at for at in range(end) if forms[at] == point.call)
    start = forms.index(point.since) + 1 if point.since else 0
    return forms.index(point.call, start)
