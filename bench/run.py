"""`make bench`: the gateway beside the shell pipeline, on the same files, in one run.

    python bench/run.py [--write] [--small 5] [--large 3] [--rows 200000] [--only S-csv …]

Needs the shared folder's workload generator and pipeline (GATEWAY_SHARED names it; by default it
lies beside the checkout). With --write the figures replace docs/benchmarks.md and
bench/results.json. Exit code 1 when a process of ours took more memory than is allowed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pipeline
import report
from exchange import Exchange
from measure import Cost, adopt_orphans
from pipeline import Pipeline, Variant
from report import OURS, Workload

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench"


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def shared() -> Path:
    """The folder with the generator and the pipeline; ends with a message where it is not."""
    folder = Path(os.environ.get("GATEWAY_SHARED") or CHECKOUT.parent / "shared") / "bench"
    if not (folder / "make_workload.py").is_file():
        sys.exit(
            f"There is no make_workload.py in {folder}. Name its folder's parent: GATEWAY_SHARED=…"
        )
    return folder


def make_files(generator: Path, rows: int, count: int, kind: str) -> list[Path]:
    """Workload files, made if they are not there yet: the same arguments give the same bytes."""
    folder = FOLDER / "files" / f"{count}x{rows}-{kind}"
    if len(list(folder.glob(f"day*.{kind}"))) != count:
        words = [str(folder), "--rows", str(rows), "--files", str(count), "--format", kind]
        subprocess.run([sys.executable, str(generator), *words], check=True)
    return sorted(folder.glob(f"day*.{kind}"))


def run_workload(
    item: Workload,
    files: list[Path],
    repeats: int,
    ours: Exchange,
    shell: Pipeline,
    ways: list[Variant],
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


def plan(
    arguments: argparse.Namespace, generator: Path
) -> list[tuple[Workload, list[Path], int, list[Variant]]]:
    """What is to be measured: the workload, its files, how often, and against what."""
    small, large = arguments.small, arguments.large
    csv_ways, xlsx_ways = list(pipeline.FOR_CSV), list(pipeline.FOR_XLSX)
    native_ways = [way for way in csv_ways if way is not pipeline.CSVKIT]
    wanted = {
        "S-csv": ("a typical day, CSV", 50, 1, "csv", small, csv_ways),
        "S-xlsx": ("a typical day, XLSX", 50, 1, "xlsx", small, xlsx_ways),
        "S20-csv": ("twenty files at once, CSV", 50, 20, "csv", small, native_ways),
        "L-csv": ("one very large file, CSV", arguments.rows, 1, "csv", large, native_ways),
    }
    planned = []
    for name, (words, rows, count, kind, repeats, ways) in wanted.items():
        if not arguments.only or name in arguments.only:
            files = make_files(generator, rows, count, kind)
            size = sum(file.stat().st_size for file in files) / 2**20
            each = f"{count} × {rows}" if count > 1 else f"{rows:,}"
            told = f"{words}, {each} rows, {size:.2f} MiB"
            planned.append((Workload(name, told, rows, count), files, repeats, ways))
    return planned


def parsed() -> argparse.Namespace:
    """The words of the command line."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the page and the results")
    words.add_argument("--small", type=int, default=5, help="runs of the 50-row files")
    words.add_argument("--large", type=int, default=3, help="runs of the large file")
    words.add_argument("--rows", type=int, default=200_000, help="rows of the large file")
    words.add_argument("--only", nargs="*", default=[], help="S-csv, S-xlsx, S20-csv, L-csv")
    return words.parse_args()


def main() -> int:
    """Measure, tell, and write if asked."""
    arguments = parsed()
    scripts = shared()
    load = os.getloadavg()[0]
    adopt_orphans()
    work = FOLDER / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    path = pipeline.prepare_tools(FOLDER, say)
    ours = Exchange(work)
    shell = Pipeline(scripts / "baseline.sh", path, work)
    try:
        start: list[Cost] = [ours.start() for _ in range(5)]
        planned = plan(arguments, scripts / "make_workload.py")
        for item, files, repeats, ways in planned:
            run_workload(item, files, repeats, ours, shell, ways)
    finally:
        shell.close()
        shutil.rmtree(work, ignore_errors=True)
    workloads = [item for item, *_ in planned]
    for item in workloads:
        say("\n".join(["", f"{item.name}: {item.words}", *report.table(item)]))
        say("\n".join(report.sentences(item)))
    say("\n" + report.memory_sentence(workloads))
    day = datetime.now(UTC).date().isoformat()
    if arguments.write:
        results = json.dumps(report.as_json(workloads, start, day, load), indent=1) + "\n"
        (CHECKOUT / "bench" / "results.json").write_text(results)
        (CHECKOUT / "docs" / "benchmarks.md").write_text(report.page(workloads, start, day, load))
        say("Written: docs/benchmarks.md and bench/results.json.")
    return 0 if all(item.median(OURS).peak <= report.LIMIT_MIB for item in workloads) else 1


if __name__ == "__main__":
    sys.exit(main())
