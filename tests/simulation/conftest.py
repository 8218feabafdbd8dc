"""What the simulation's tests share: the template, made from the session's own rehearsal home."""

import shutil
from pathlib import Path

import pytest
from world import Template


@pytest.fixture(scope="session")
def template(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What every run is copied from."""
    root = tmp_path_factory.mktemp("simulated") / "home"
    shutil.copytree(template_home, root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    return Template(root)
