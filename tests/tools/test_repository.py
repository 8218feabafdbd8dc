"""The repository itself: links lead somewhere, pins pin, and the set-up says what is missing."""

import os
import re
import subprocess
from pathlib import Path

import pytest

_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
_PINNED = re.compile(r"^[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==[^\s;]+( ; [^\\]+)? \\$")
REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "bench/requirements.txt",
    "fuzz/requirements.txt",
)


def _pages(checkout: Path) -> list[Path]:
    return [*checkout.glob("*.md"), *(checkout / "docs").rglob("*.md")]


def test_every_link_of_the_documents_leads_to_a_file(checkout: Path) -> None:
    broken = [
        f"{page.relative_to(checkout)}: {link}"
        for page in _pages(checkout)
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not broken


def test_every_document_is_in_the_index(checkout: Path) -> None:
    index = (checkout / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (checkout / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_package_is_pinned_by_version_and_hash_and_no_index_is_named(
    name: str, checkout: Path
) -> None:
    lines = (checkout / name).read_text(encoding="utf-8").splitlines()
    heads = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert heads
    assert [line for line in heads if not _PINNED.match(line)] == []
    for at, line in enumerate(lines):
        if line in heads:
            assert lines[at + 1].startswith("    --hash=sha256:"), line


def test_make_help_names_every_command_of_the_contract(checkout: Path) -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=checkout, capture_output=True, text=True, check=True, env=_without_make_flags(),
    ).stdout  # fmt: skip
    listed = set(re.findall(r"^  make ([a-z]+)", said, re.MULTILINE))
    assert listed >= {"demo", "run", "test", "check", "bench", "fuzz", "pins", "format", "clean"}


def test_the_set_up_says_what_is_missing_and_makes_nothing(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "prepare.sh"
    script.write_bytes((checkout / "tools" / "prepare.sh").read_bytes())
    ran = subprocess.run(
        ["bash", str(script), "run"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHON": "/bin/false"},
    )  # fmt: skip
    assert ran.returncode == 1
    assert "/bin/false is not Python 3.11" in ran.stderr
    assert not (tmp_path / ".venv").exists()


def _without_make_flags() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
