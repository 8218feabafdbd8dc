"""`tools/sample_history.py`: it gives a rehearsal a history once, and nothing else anything."""

import subprocess
import sys
from pathlib import Path


def _run(checkout: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(checkout / "tools" / "sample_history.py"), str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_home_that_has_worked_is_left_as_it_is(rehearsal_home, run_gateway, checkout):
    assert run_gateway(rehearsal_home, "tick", "--now", "2026-03-02T16:00").returncode == 0
    before = (rehearsal_home / "var" / "gateway.db").read_bytes()
    ran = _run(checkout, rehearsal_home)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "not needed: this home has its own history" in ran.stdout
    assert (rehearsal_home / "var" / "gateway.db").read_bytes() == before


def test_a_real_home_gets_none(rehearsal_home, checkout):
    (rehearsal_home / "REHEARSAL").unlink()
    ran = _run(checkout, rehearsal_home)
    assert ran.returncode == 0
    assert "not needed" in ran.stdout
    assert not list((rehearsal_home / "inbox").rglob("*.csv"))
