"""Sections of docs/reliability.md that measuring tools write, each its own and no other."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "reliability.md"
_TITLE = "# What holds, whatever happens\n"


def write_section(name: str, text: str, path: Path = PAGE) -> None:
    """Replace the section ``## name``, or add it at the end; a missing page is begun."""
    told = path.read_text(encoding="utf-8") if path.exists() else _TITLE
    section = f"## {name}\n\n{text.strip()}\n"
    found = re.search(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", told, re.DOTALL | re.MULTILINE)
    if found is None:
        told = f"{told.rstrip()}\n\n{section}"
    else:
        rest = told[found.end() :]
        told = told[: found.start()] + section + (f"\n{rest}" if rest else "")
    path.write_text(told, encoding="utf-8")


def machine_words() -> str:
    """The machine, the day and the commit of a measurement, and the load it began or ended in."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day} ({os.cpu_count()} processors, Python {platform.python_version()}, "
        f"commit {commit or 'unknown'}; load {os.getloadavg()[0]:.1f})"
    )
