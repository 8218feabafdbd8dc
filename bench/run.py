"""`make bench`: the gateway beside the shell pipeline and other validators, in one run.

    python bench/run.py [--write] [--small 5] [--large 3] [--rows 200000] [--only S-csv …]

The files are made by `workload.py`. With --write the figures replace docs/benchmarks.md and
bench/results.json. Exit code 1 when a process of ours took more memory than is allowed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pipeline
import report
from exchange import Exchange, Package
from measure import adopt_orphans, measure
from pipeline import Pipeline, Tools, Variant
from report import OURS, Found, Validation, Workload

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench"


LARGE = 100_000  # rows, from which a run is repeated as a large one is


@dataclass(frozen=True)
class Planned:
    """A workload, its files, how often it is run, against what, and what its package holds."""

    item: Workload
    files: list[Path]
    repeats: int
    ways: tuple[Variant, ...]
    package: Package


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_files(rows: int, count: int, kind: str, *, narrow: bool = False) -> list[Path]:
    """Workload files, made if they are not there yet: the same arguments give the same bytes."""
    folder = FOLDER / "files" / f"{count}x{rows}{'-narrow' if narrow else ''}-{kind}"
    if len(list(folder.glob(f"day*.{kind}"))) != count:
        # By a process of its own: what this one holds at its fullest shows in all that it starts.
        asked = [str(folder), "--rows", str(rows), "--files", str(count), "--format", kind]
        words = [*asked, *(["--narrow"] if narrow else [])]
        script = CHECKOUT / "bench" / "workload.py"
        subprocess.run([sys.executable, str(script), *words], check=True)
    return sorted(folder.glob(f"day*.{kind}"))


def run_workload(
    item: Workload,
    files: list[Path],
    repeats: int,
    ours: Exchange,
    shell: Pipeline,
    ways: Sequence[Variant],
) -> None:
    """Everyone in turn, as often as asked."""
    runnable = []
    for way in ways:
        why = shell.can(way)
        if why is None:
            runnable.append(way)
        else:
            item.absent[way.name] = why
    for turn in range(1, repeats + 1):
        intake, window = ours.run(files, item.rows)
        item.add(OURS, intake + window)
        item.stages.setdefault("intake", []).append(intake)
        item.stages.setdefault("window", []).append(window)
        for way in runnable:
            item.add(way.name, shell.run(way, files, item.rows))
        cpu = ", ".join(f"{who} {costs[-1].cpu:.2f}" for who, costs in item.runs.items())
        say(f"  {item.name}, {turn} of {repeats}, CPU s: {cpu}")


def plan(arguments: argparse.Namespace) -> list[Planned]:
    """What is to be measured."""
    csv_ways, xlsx_ways = pipeline.FOR_CSV, pipeline.FOR_XLSX
    native = tuple(way for way in csv_ways if way is not pipeline.CSVKIT)
    large = arguments.rows
    wanted: dict[str, tuple[str, int, int, str, tuple[Variant, ...], Package]] = {
        "S-csv": ("a typical day, CSV", 50, 1, "csv", csv_ways, "xlsx"),
        "S-xlsx": ("a typical day, XLSX", 50, 1, "xlsx", xlsx_ways, "xlsx"),
        "S20-csv": ("twenty files at once, CSV", 50, 20, "csv", native, "xlsx"),
        "L-csv": ("one very large file, CSV to CSV", large, 1, "csv", native, "csv"),
        "L-csv-xlsx": ("the same, its package a workbook", large, 1, "csv", native, "xlsx"),
        "L-xlsx": ("one very large workbook", large, 1, "xlsx", xlsx_ways, "xlsx"),
    }
    planned = []
    for name, (words, rows, count, kind, ways, package) in wanted.items():
        if not arguments.only or name in arguments.only:
            files = make_files(rows, count, kind)
            size = sum(file.stat().st_size for file in files) / 2**20
            each = f"{count} × {rows}" if count > 1 else f"{rows:,}"
            item = Workload(name, f"{words}, {each} rows, {size:.2f} MiB", rows, count)
            repeats = arguments.large if name.startswith("L") else arguments.small
            planned.append(Planned(item, files, repeats, ways, package))
    return planned


def validate(arguments: argparse.Namespace, ours: Exchange, tools: Tools) -> Validation | None:
    """The gateway's `check` beside other validators, in turn."""
    if arguments.only and "validation" not in arguments.only:
        return None
    [file] = make_files(arguments.validated, 1, "csv")
    found = Validation(arguments.validated)
    here = CHECKOUT / "bench"
    for _ in range(arguments.large):
        found.add(OURS, ours.validated(file))
        for name in report.VALIDATORS if tools.python else ():
            command = [str(tools.python), "-B", str(here / f"by_{name}.py"), str(file)]
            found.add(name, measure(command, os.environ, FOLDER / "work"))
        told = ", ".join(f"{who} {costs[-1].cpu:.2f}" for who, costs in found.runs.items())
        say(f"  validation, CPU s: {told}")
    return found


def grow(arguments: argparse.Namespace, ours: Exchange) -> list[Workload]:
    """The whole exchange of one narrow file, ten times as many rows each time."""
    if arguments.only and "growth" not in arguments.only:
        return []
    found = []
    for rows in arguments.growth:
        item = Workload(f"{rows:,} rows", "12 columns, CSV", rows)
        files = make_files(rows, 1, "csv", narrow=True)
        for _ in range(arguments.small if rows < LARGE else arguments.large):
            intake, window = ours.run(files, rows)
            item.add(OURS, intake + window)
        say(f"  growth, {item.name}: {item.median(OURS).cpu:.2f} CPU s")
        found.append(item)
    return found


def parsed() -> argparse.Namespace:
    """The words of the command line."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the page and the results")
    words.add_argument("--small", type=int, default=5, help="runs of the 50-row files")
    words.add_argument("--large", type=int, default=3, help="runs of the large file")
    words.add_argument("--rows", type=int, default=200_000, help="rows of the large file")
    words.add_argument(
        "--only", nargs="*", default=[], help="names of workloads, validation, growth"
    )
    words.add_argument("--validated", type=int, default=20_000, help="rows of validation alone")
    decades = [1_000, 10_000, 100_000, 1_000_000]
    words.add_argument("--growth", type=int, nargs="*", default=decades, help="rows, rising")
    return words.parse_args()


def main() -> int:
    """Measure, tell, and write if asked."""
    arguments = parsed()
    load = os.getloadavg()[0]
    adopt_orphans()
    work = FOLDER / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tools = pipeline.prepare_tools(FOLDER, say)
    planned = plan(arguments)
    packages: tuple[Package, ...] = ("xlsx", "csv")
    ours = {package: Exchange(work, package) for package in packages}
    shell = Pipeline(tools.path, work)
    try:
        start = [ours["xlsx"].start() for _ in range(5)]
        for each in planned:
            run_workload(each.item, each.files, each.repeats, ours[each.package], shell, each.ways)
        validation = validate(arguments, ours["xlsx"], tools)
        growth = grow(arguments, ours["xlsx"])
    finally:
        shell.close()
        shutil.rmtree(work, ignore_errors=True)
    found = Found([each.item for each in planned], start, validation, growth, load)
    say("\n" + report.body(found))
    if arguments.write:
        results = json.dumps(report.as_json(found), indent=1) + "\n"
        (CHECKOUT / "bench" / "results.json").write_text(results)
        (CHECKOUT / "docs" / "benchmarks.md").write_text(report.page(found))
        say("Written: docs/benchmarks.md and bench/results.json.")
    return 0 if all(map(report.keeps_to_memory, found.workloads)) else 1


if __name__ == "__main__":
    sys.exit(main())
