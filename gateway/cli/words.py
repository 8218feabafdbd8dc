"""How the command line speaks: errors with a code and a next step, tables, JSON."""

import errno
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.intake.judge import Progress as Tell

_OS_CODES = {
    errno.ENOENT: "file.absent",
    errno.ENOTDIR: "file.absent",
    errno.EACCES: "disk.denied",
    errno.EPERM: "disk.denied",
    errno.EROFS: "disk.denied",
    errno.ENOSPC: "disk.full",
    errno.EDQUOT: "disk.full",
}


def console() -> Console:
    """The terminal, or a plain 100-column page where output is piped."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 100)


def say(text: str = "") -> None:
    """Print a line."""
    console().print(text, markup=False, soft_wrap=True)


def say_error(code: str, message: str, hint: str) -> None:
    """Say on the error stream what happened and what to do next."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    err.print(f"gateway: {message} [{code}]", markup=False)
    if hint:
        err.print(f"  What to do: {hint}", markup=False)


def say_os_error(error: OSError) -> None:
    """Say what the system would not do, with which file."""
    code = _OS_CODES.get(error.errno or 0, "disk.failed")
    about = f": {error.filename}" if error.filename is not None else ""
    words = f"{error.strerror or type(error).__name__}{about}"
    say_error(code, words, "Check the path, its rights and the disk, then run it again.")


def say_json(value: Any) -> None:
    """Print a value as JSON with stable order of keys as made."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; nothing where there are no rows."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console().print(table)


@contextmanager
def progress(quiet: bool) -> Iterator[Tell | None]:
    """A progress bar for long files: only on a terminal, and never in JSON."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(stage: str, done: int, total: int | None) -> None:
            bar.update(task, description=f"{stage}: {done:,} rows", completed=done, total=total)

        yield tell
