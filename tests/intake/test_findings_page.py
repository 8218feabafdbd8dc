"""`docs/findings.md` says what the code says."""

import subprocess
import sys
from pathlib import Path

from gateway.intake.findings import KINDS
from gateway.intake.findings_page import COMMAND, findings_page


def test_the_committed_page_is_the_generated_one(checkout: Path) -> None:
    committed = (checkout / "docs" / "findings.md").read_text(encoding="utf-8")
    assert committed == findings_page(), f"write it anew: {COMMAND}"


def test_the_command_at_its_head_writes_it(checkout: Path) -> None:
    words = COMMAND.split(" > ")[0].split()[1:]
    made = subprocess.run([sys.executable, *words], cwd=checkout, capture_output=True, check=True)
    assert made.stdout.decode() == findings_page()


def test_every_code_stands_on_the_page_once() -> None:
    page = findings_page()
    assert all(page.count(f"| `{code}` |") == 1 for code in KINDS)
