"""What is vendored of the front end is what the pinned packages give, byte by byte."""

import subprocess
import sys
from pathlib import Path

import pytest

_NO_NPM = 3


def test_the_vendored_files_are_those_of_the_pinned_packages(checkout: Path) -> None:
    program = checkout / "tools" / "vendor_frontend.py"
    ran = subprocess.run(
        [sys.executable, str(program), "--check"], capture_output=True, text=True, check=False
    )
    if ran.returncode == _NO_NPM:
        pytest.skip(ran.stderr.strip())  # nobody needs npm but who changes the front end
    assert ran.returncode == 0, ran.stderr


def test_every_vendored_file_has_its_licence(checkout: Path) -> None:
    folder = checkout / "gateway" / "web" / "static" / "vendor"
    licences = {path.name: path.read_text() for path in folder.glob("LICENCE-*.txt")}
    assert len(licences) == 2
    for text in licences.values():
        assert "Permission is hereby granted, free of charge" in text
