"""A rehearsal home at work, and the command line in the test's own process."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rehearsing import AtWork, make_reader

from gateway.cli import main
from gateway.intake.confined.reader import Reader

Call = Callable[..., SimpleNamespace]


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this folder."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home and what tests do with it."""
    return AtWork(rehearsal_home, shared_reader)


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> Call:
    """``call(home, "status")``: a command in this very process; its exit code and what it said."""

    def run(home: Path, *words: str, path: Path | None = None) -> SimpleNamespace:
        with monkeypatch.context() as patch:
            patch.chdir(checkout)
            patch.setattr(sys, "argv", ["gateway", "--home", str(home), *words])
            if path is not None:
                patch.setenv("PATH", str(path))
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=said.out, stderr=said.err)

    return run
