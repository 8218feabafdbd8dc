"""`make bench`: how soon the result of an upload shows, and how much memory a large one takes.

    python bench/upload.py [--write] [--times 9] [--bytes 1073741824]

A sender who is signed in to a running gateway sends files of a typical day by the site's form; the
same files are checked by `gateway check`, by turns. Then one of a gigabyte is sent to a gateway
whose agreement lets it in. With --write the figures replace those of docs/benchmarks-site.md.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from livesite import running_site
from memory import forget_peak, peak_mib, resident_mib
from report import machine
from run import make_files
from sitepage import replace_section

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench" / "upload"
ROWS = 50
_ACCEPTED = "Your file was accepted"
_FILES = "files = { formats"
SECTION = """\
Measured by `bench/upload.py` on {day} ({processor}, Python {python}, commit {commit}; load at the
start {load:.1f}), in one run. A typical day's file of {rows} rows, another each time, is checked by
`gateway check` and then sent by the site's form to a gateway that runs with its own settings; the
time is from the first byte sent to the last of the page with the result, which is looked for every
half second, as the page's own script does. Medians of {times}, in seconds of wall time:

| | seconds | least | most |
| :--- | ---: | ---: | ---: |
| `gateway check` | {check:.2f} | {check_least:.2f} | {check_most:.2f} |
| upload to result page | {upload:.2f} | {upload_least:.2f} | {upload_most:.2f} |
| the one beyond the other, by file | {beyond:.2f} | {beyond_least:.2f} | {beyond_most:.2f} |

The bound is one second beyond. {verdict}

Then a file of {bytes:,} bytes was sent in one form to a gateway whose agreement allows so much
(`maximum_bytes`): {sent:.0f} s until it was answered, {judged:.0f} s until its result showed
("{said}"). Resident memory in MiB, its peaks counted anew from just before the upload:

| process | before | peak while it was sent | peak until its result |
| :--- | ---: | ---: | ---: |
{resident}

The file is read by a confined process that ends with it and has a limit of its own.
"""


@dataclass(frozen=True)
class Took:
    """Seconds that a file took: by `gateway check`, and from sending to the result page."""

    check: float
    upload: float


@dataclass(frozen=True)
class Memory:
    """MiB of a process: before a large upload, its peak while sent, and until its result."""

    name: str
    before: float
    sent: float
    judged: float


def made_home(name: str, longest: int = 0) -> Path:
    """A rehearsal home; ``longest``: bytes that its agreement allows a file, if not its own."""
    root = FOLDER / name
    _gateway(root, "init", "--rehearsal")
    if longest:
        for path in (root / "config" / "agreements").glob("*.toml"):
            allowed = f"files = {{ maximum_bytes = {longest}, formats"
            path.write_text(path.read_text().replace(_FILES, allowed))
    return root


def timed_uploads(many: int) -> list[Took]:
    """Check and send files by turns. Raises NotAnswered; a file that is not accepted ends it."""
    root = made_home("typical")
    files = make_files(ROWS, many + 1, "csv")
    took = []
    with running_site(root) as site:
        for file in files:
            began = time.monotonic()
            _gateway(root, "check", "--flow", "notifications", str(file))
            checked = time.monotonic()
            page = site.result(site.send(file))
            if _ACCEPTED not in page:
                sys.exit(f"{file} was not accepted.")
            took.append(Took(checked - began, time.monotonic() - checked))
    return took[1:]  # the first warms both


def large_upload(size: int) -> tuple[list[Memory], float, float, str]:
    """Send a file of so many bytes: memory, seconds to its answer and to its result, and that."""
    root = made_home("large", 2 * size)
    file = _large_file(size)
    with running_site(root) as site:
        services = {name: site.process(name) for name in ("web", "worker")}
        site.ask("/")
        before = {name: resident_mib(pid) for name, pid in services.items()}
        for pid in services.values():
            forget_peak(pid)
        began = time.monotonic()
        place = site.send(file)
        sent, answered = {name: peak_mib(pid) for name, pid in services.items()}, time.monotonic()
        page = site.result(place)
        judged = {name: peak_mib(pid) for name, pid in services.items()}
        found = re.search(r"<h1[^>]*>\s*([^<]*?)\s*</h1>", page)
        memory = [Memory(name, before[name], sent[name], judged[name]) for name in services]
        said = found[1] if found else ""
        return memory, answered - began, time.monotonic() - began, said


def _large_file(size: int) -> Path:
    """An extract of exactly that size: the rows of a typical day, over and over."""
    [typical, *_] = make_files(ROWS, 1, "csv")
    heading, _, rows = typical.read_bytes().partition(b"\r\n")
    path = FOLDER / "large.csv"
    with path.open("wb") as stream:
        stream.write(heading + b"\r\n")
        while stream.tell() < size:
            stream.write(rows)
        stream.truncate(size)
    return path


def section(
    took: Sequence[Took],
    large: tuple[list[Memory], float, float, str],
    size: int,
    day: str,
    load: float,
) -> str:
    """What docs/benchmarks-site.md says of it."""
    told: dict[str, float] = {}
    for name, seconds in (
        ("check", [item.check for item in took]),
        ("upload", [item.upload for item in took]),
        ("beyond", [item.upload - item.check for item in took]),
    ):
        told |= {name: median(seconds), f"{name}_least": min(seconds), f"{name}_most": max(seconds)}
    memory, sent, judged, said = large
    lines = [
        f"| {item.name} | {item.before:.0f} | {item.sent:.0f} | {item.judged:.0f} |"
        for item in memory
    ]
    return SECTION.format(
        day=day,
        load=load,
        rows=ROWS,
        times=len(took),
        **told,
        verdict="It is kept." if told["beyond"] <= 1 else "It is NOT kept.",
        bytes=size,
        sent=sent,
        judged=judged,
        said=said,
        resident="\n".join(lines),
        **machine(),
    )


def _gateway(root: Path, *words: str) -> None:
    command = [sys.executable, "-m", "gateway", "--home", str(root), *words]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")


def main() -> int:
    """Measure, tell, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the figures of the page")
    words.add_argument("--times", type=int, default=9, help="files of a typical day")
    words.add_argument("--bytes", type=int, default=2**30, help="of the large file")
    arguments = words.parse_args()
    load = os.getloadavg()[0]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    took = timed_uploads(arguments.times)
    large = large_upload(arguments.bytes)
    text = section(took, large, arguments.bytes, datetime.now(UTC).date().isoformat(), load)
    sys.stdout.write(text)
    if arguments.write:
        replace_section("upload", text)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
