"""The crash matrix: its points are all there, it knows what it struck, and a sample of it holds."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SAMPLE = 8


@pytest.fixture(scope="module")
def faults(checkout: Path) -> dict[str, ModuleType]:
    """The matrix's own modules."""
    folder = str(checkout / "tools" / "faults")
    sys.path.insert(0, folder)
    try:
        return {name: __import__(name) for name in ("points", "tracing", "table")}
    finally:
        sys.path.remove(folder)


def test_there_are_180_cells_and_the_sample_is_spread(faults):
    points = faults["points"]
    cells, sample = points.every_cell(), points.sample()
    assert len({cell.name for cell in cells}) == 180
    assert {cell.fault for cell in sample} == set(points.FAULTS)
    assert {cell.when for cell in sample} == set(points.WHEN)
    assert {cell.point.stage for cell in sample} == {"intake", "window", "served", "receipt"}
    assert len(sample) == SAMPLE


def test_a_call_is_known_without_what_is_random(faults):
    form, home = faults["tracing"].form, Path("/h")
    told = (
        'rename("/h/var/work/drops/f/20260302-7a06c1d88d97/.sealing-x_1.part/part", "/h/var/a") = 0'
    )
    assert form(told, home) == "rename var/work/drops/f/DROP/PART/part var/a"
    assert form("fsync(8</h/var/vault/.8e8fa39f65c53232.part>) = 0", home) == "fsync var/vault/PART"
    sealed = "ab" * 32
    assert form(f'link("/h/var/vault/ab/{sealed}") = 0', home) == "link var/vault/SHA"
    assert form('openat(AT_FDCWD, "/elsewhere/file", O_RDONLY) = 3', home) is None
    assert form('openat(AT_FDCWD, "/h/keys/home.key", O_RDONLY) = 3', home) is None


def test_a_fault_that_struck_nothing_or_something_else_is_told(faults, tmp_path):
    struck, home = faults["tracing"].what_was_struck, Path("/h")
    trace = tmp_path / "trace"
    trace.write_text("fsync(8</h/var/a>) = 0\n")
    assert struck(trace, home, "EIO") == struck(trace, home, "SIGKILL") == ""
    trace.write_text("fsync(8</h/var/a>) = 0\nfsync(8</h/var/b>) = -1 EIO (INJECTED)\n")
    assert struck(trace, home, "EIO") == "fsync var/b"
    trace.write_text("fsync(8</h/var/a>) = ?\n+++ killed by SIGKILL +++\n")
    assert struck(trace, home, "SIGKILL") == "fsync var/a"
    begun = "7 fsync(8</h/var/a> <unfinished ...>\n8 fsync(9</h/var/b>) = 0\n"
    trace.write_text(f"{begun}7 <... fsync resumed>) = ?\n7 +++ killed by SIGKILL +++\n")
    assert struck(trace, home, "SIGKILL") == "fsync var/a"


def test_the_table_counts_what_held(faults):
    points, table = faults["points"], faults["table"].table
    cells = points.every_cell()
    well = {cell.name: cell.name != cells[0].name for cell in cells}
    told = table(cells, well)
    assert told.startswith("179 of 180 cells held, measured on ")
    assert "| intake | seen | 2/3 | 3/3 | 3/3 |" in told


@pytest.mark.slow
def test_a_sample_of_the_matrix_holds(checkout, need_program, faults):
    for name in ("strace", "sftp", "ssh-keygen"):
        need_program(name)
    if not faults["tracing"].has_strace():
        reason = "programs may not be traced here (ptrace)"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    words = [sys.executable, str(checkout / "tools" / "faults"), "--sample"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=280)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{SAMPLE}/{SAMPLE} cells well" in ran.stdout
