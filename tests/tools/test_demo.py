"""`make demo`: it tells the whole exchange, and fails where something is not as it should be."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def _demo(script: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(script), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.slow
def test_the_demo_ends_well_and_every_artefact_is_where_it_says(
    checkout: Path, tmp_path: Path
) -> None:
    ran = _demo(checkout / "tools" / "demo.py", tmp_path / "demo")
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
    table = ran.stdout[ran.stdout.index("What happened, and where it lies") :]
    cells = [line.split("│")[2].strip() for line in table.splitlines() if line.startswith("│")]
    artefacts = [cell for cell in cells if cell.startswith(("home", "opened", "evidence"))]
    assert len(artefacts) == 17
    assert all((tmp_path / "demo" / artefact).exists() for artefact in artefacts)


def test_the_demo_fails_loudly_when_a_sample_is_not_what_it_should_be(
    checkout: Path, tmp_path: Path
) -> None:
    place = tmp_path / "checkout"
    for part in ("gateway", "config", "tools", "samples"):
        shutil.copytree(checkout / part, place / part)
    for sample in (place / "samples").glob("notifications-*.csv"):
        sample.write_text("not,an,extract\r\n1,2,3\r\n")
    ran = _demo(place / "tools" / "demo.py", tmp_path / "demo")
    assert ran.returncode == 1
    assert "The demo failed: the sample was not judged as it should be." in ran.stdout
    assert '"state": "quarantined"' in ran.stdout
