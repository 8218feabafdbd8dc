"""What was measured, as text, as JSON and as the page docs/benchmarks.md."""

import os
import platform
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import targets
from measure import Cost, floor
from targets import Target

CHECKOUT = Path(__file__).resolve().parent.parent
LIMIT_MIB = 1024
OURS = "gateway"
VALIDATORS = ("pandera", "frictionless")


@dataclass
class Workload:
    """Some files of so many rows each, and all runs over them, by who ran."""

    name: str
    words: str
    rows: int
    files: int = 1
    runs: dict[str, list[Cost]] = field(default_factory=dict)
    stages: dict[str, list[Cost]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, who: str, cost: Cost) -> None:
        """Note a run."""
        self.runs.setdefault(who, []).append(cost)

    def median(self, who: str) -> Cost:
        """Medians of CPU and wall, and the highest peak."""
        return middle(self.runs[who])

    def first_shell(self) -> str | None:
        """The pipeline as anyone would write it at first."""
        return next((who for who in self.runs if who != OURS), None)

    def strongest(self) -> str | None:
        """The pipeline that took least CPU."""
        shells = [who for who in self.runs if who != OURS]
        return min(shells, key=lambda who: self.median(who).cpu, default=None)


@dataclass
class Validation:
    """Validation alone of one file of so many rows: all runs, by who ran."""

    rows: int
    runs: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, who: str, cost: Cost) -> None:
        """Note a run."""
        self.runs.setdefault(who, []).append(cost)

    def rate(self, who: str) -> float:
        """Rows for each CPU second."""
        return self.rows / middle(self.runs[who]).cpu


@dataclass(frozen=True)
class Found:
    """All that one run of the bench found. ``load``: the machine's, at the start."""

    workloads: list[Workload]
    start: list[Cost]
    validation: Validation | None
    growth: list[Workload]
    load: float


def middle(costs: list[Cost]) -> Cost:
    """Medians of CPU and wall, and the highest peak."""
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        max(cost.peak for cost in costs),
    )


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=CHECKOUT, capture_output=True, check=False
    )
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "commit": commit.stdout.decode().strip(),
    }


def as_json(found: Found) -> dict[str, Any]:
    """Every run, so that anyone can reckon anew."""

    def listed(runs: dict[str, list[Cost]]) -> dict[str, list[dict[str, float]]]:
        return {
            who: [
                {"cpu_s": round(c.cpu, 3), "wall_s": round(c.wall, 3), "peak_mib": round(c.peak, 1)}
                for c in costs
            ]
            for who, costs in runs.items()
        }

    def told(item: Workload) -> dict[str, Any]:
        return {
            "name": item.name,
            "files": item.files,
            "rows_each": item.rows,
            "runs": listed(item.runs),
            "stages": listed(item.stages),
            "absent": item.absent,
        }

    validation = found.validation
    return {
        "day": _today(),
        "machine": machine(),
        "load_at_start": round(found.load, 2),
        "start": listed({OURS: found.start})[OURS],
        "workloads": [told(item) for item in found.workloads],
        "validation": validation and {"rows": validation.rows, "runs": listed(validation.runs)},
        "growth": [told(item) for item in found.growth],
    }


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def table(item: Workload) -> list[str]:
    """A workload's table in Markdown, which reads as text too."""
    ours = item.median(OURS)
    lines = [
        f"| {'who':31} | CPU s | wall s | largest process MiB | gateway's CPU ÷ this |",
        f"| {'-' * 31} | ----: | -----: | ------------------: | -------------------: |",
    ]
    for who in item.runs:
        cost = item.median(who)
        ratio = f"{ours.cpu / cost.cpu:.2f}"
        lines.append(
            f"| {who:31} | {cost.cpu:5.2f} | {cost.wall:6.2f} | {cost.peak:19.0f} | {ratio:>20} |"
        )
    lines += [f"| {who:31} | not run: {why} | | | |" for who, why in item.absent.items()]
    return lines


def sentences(item: Workload) -> list[str]:
    """What a workload's figures come to, in words."""
    counts = sorted({len(costs) for costs in item.runs.values()})
    told = [
        f"Medians of {' and '.join(map(str, counts))} runs, interleaved; peaks are the highest."
    ]
    stages = [f"{name} {middle(costs).cpu:.2f} s" for name, costs in item.stages.items()]
    told.append(f"Of the gateway's CPU: {', '.join(stages)}.")
    if item.files > 1:
        each = item.median(OURS).cpu / item.files
        told.append(f"That is {each:.3f} CPU seconds a file, the start of two programs included.")
    strongest = item.strongest()
    if strongest is None:
        return [*told, "No shell pipeline could be run here, so there is no ratio."]
    ratio = item.median(OURS).cpu / item.median(strongest).cpu
    told.append(
        f"The strongest pipeline here is *{strongest}*; the gateway takes {ratio:.2f} × its CPU."
    )
    return told


PAGE = """# Benchmarks

Made by `make bench`; do not edit. Every run is in [bench/results.json](../bench/results.json).

Measured on {day}, commit {commit}: {processor}, {memory}, {system}, Python {python}.
The machine's load was {load:.1f} at the start; above its number of cores, wall times say little.
CPU is user + system seconds of a command and of everything that it started. Ratios are of CPU
within one run of the bench, on the same files, taken in turn; compare them with no other run's.

{body}
## What is compared

The gateway's figure is two `tick`s, each a program started anew: the intake of one dropped file,
and the window that sends it. The start alone (`--version`) costs {start:.2f} CPU seconds, and each
tick also starts the confined reader and the agents of GnuPG that it needs; the service (`make run`)
starts once, not twice a file. `init` and the copy into the inbox are not counted on our side, nor
is the making of keys on the other.

The shell pipeline is what could be scripted today: keep the 33 columns, zip with AES-256, sign and
encrypt with GnuPG, write a checksum, move into place. It is given its gpg agent before the clock
starts; the gateway's agents are started and ended within its clock.

What the gateway does for its CPU, and the pipeline does not: it seals the original before anything
else; reads it in a confined process; checks every field and rule; screens free text against the
values of the dropped columns; makes a workbook (on L-csv, a CSV copy) and reads it back; serves two
recipients, not one, each with a message of their own; tests each package by decrypting it; writes a
signed manifest; keeps a record in one transaction; remembers what was sent; and makes everything
durable (fsync).

{tried}"""

TRIED = """\
## What was tried for large files

| tried | what it did |
| --- | --- |
| staged rows by column, what repeats kept once | kept: a pass over all rows makes no new text |
| keyed hashes in one loop, the key's part hashed once | kept: 1.3 µs a hash instead of 3.3 |
| workbook cells made by column, and looked up when read back | kept: the rest is zlib's |
| the workbook deflated at zlib's level 1 instead of 6 | kept: a third larger, a third of the time |
| levels 2 and 3 | no gain over 1 in time, 4 to 10 % in size |
| the CSV copy deflated in the zip | kept: a sixth of the bytes for all that follows |
| plain records of a text file read by polars | kept: a quarter of reading and checking |
| one set of all cells when a workbook is read back | no: unique cells drive out those that repeat |
"""


def page(found: Found) -> str:
    """The page docs/benchmarks.md."""
    start = middle(found.start).cpu
    return PAGE.format(
        day=_today(), body=body(found), start=start, load=found.load, tried=TRIED, **machine()
    )


def body(found: Found) -> str:
    """The tables, the targets first."""
    told = ["## Against the targets", "", *targets.table(reached(found)), ""]
    for item in found.workloads:
        told += [f"## {item.name}: {item.words}", "", *table(item), "", *sentences(item), ""]
    if found.validation is not None:
        told += [*_validation_table(found.validation), ""]
    if found.growth:
        told += [*_growth_table(found.growth), ""]
    if found.workloads:
        told += [memory_sentence(found.workloads), ""]
    return "\n".join(told)


def reached(found: Found) -> list[Target]:
    """Each target of which something was measured, with the figure."""
    told = []
    items = {item.name: item for item in found.workloads}
    for name, ratio, peak in targets.LARGE:
        if (item := items.get(name)) is None:
            continue
        against = item.strongest() if ratio >= 1 else item.first_shell()
        if against is None:
            continue
        ours = item.median(OURS)
        words = f"{name}: CPU ÷ *{against}*"
        told.append(Target(words, ratio, ours.cpu / item.median(against).cpu))
        told.append(Target(f"{name}: largest process, MiB", peak, ours.peak))
    if found.validation is not None:
        for who, least in targets.VALIDATION.items():
            if who in found.validation.runs:
                times = found.validation.rate(OURS) / found.validation.rate(who)
                words = f"validation alone: rows a CPU second ÷ {who}"
                told.append(Target(words, least, times, least=True))
    for less, more in pairwise(found.growth):
        grown = _each(more) / _each(less)
        words = f"growth, {less.name} to {more.name}: CPU of a row"
        told.append(Target(words, targets.GROWTH, grown))
    return told


def _each(item: Workload) -> float:
    """CPU microseconds of a row."""
    return item.median(OURS).cpu / item.rows * 1e6


def _validation_table(found: Validation) -> list[str]:
    told = [
        f"## Validation alone: {found.rows:,} rows, CSV",
        "",
        "| who | CPU s | rows a CPU second | largest process MiB |",
        "| --- | ----: | ----------------: | ------------------: |",
    ]
    for who, costs in found.runs.items():
        cost = middle(costs)
        told.append(f"| {who} | {cost.cpu:.2f} | {found.rate(who):,.0f} | {cost.peak:.0f} |")
    return [
        *told,
        "",
        "The gateway's figure is `check`: every rule of the agreement, the lists by date, the",
        "screening against the values of 28 dropped columns, the confined process, and the start",
        "of the program. The others have a pattern for each column, required cells and unique",
        "references: no rule between columns, no dates of codes, no screening, no confinement.",
    ]


def _growth_table(found: list[Workload]) -> list[str]:
    told = [
        "## Growth: one file of 12 columns, to two packages",
        "",
        "| rows | CPU s | CPU µs a row | largest process MiB |",
        "| ---: | ----: | -----------: | ------------------: |",
    ]
    for item in found:
        cost = item.median(OURS)
        told.append(f"| {item.rows:,} | {cost.cpu:.2f} | {_each(item):.0f} | {cost.peak:.0f} |")
    return [*told, "", "The start of two programs is in each figure."]


def keeps_to_memory(item: Workload) -> bool:
    """Whether the largest process of ours keeps to the workload's limit."""
    return item.median(OURS).peak <= _limit(item)


def _limit(item: Workload) -> float:
    """MiB: what is allowed at all, and a little more where a whole large workbook must be read."""
    bounds = {name: peak for name, _, peak in targets.LARGE}
    return max(LIMIT_MIB, bounds.get(item.name, 0.0))


def memory_sentence(workloads: list[Workload]) -> str:
    """Whether the largest process of ours keeps to the limit."""
    worst = max(workloads, key=lambda item: item.median(OURS).peak / _limit(item))
    kept = "keeps to" if keeps_to_memory(worst) else "BREAKS"
    return (
        f"The gateway's largest process for its limit, on {worst.name}, peaked at "
        f"{worst.median(OURS).peak:.0f} MiB: it {kept} the limit of {_limit(worst):.0f} MiB. "
        f"(No figure under {floor():.0f} MiB can be told: the bench's own peak is inherited.)"
    )
