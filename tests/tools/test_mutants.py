"""The deliberate bugs still fit the code, and say what they are; `make mutants` tries them."""

from pathlib import Path

import pytest
from mutants import Mutant, applied, copy_checkout, mutants, read_mutant

ALL = mutants()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout."""
    return copy_checkout(tmp_path_factory.mktemp("copy"))


def test_there_are_thirty_and_more() -> None:
    assert len(ALL) >= 30


@pytest.mark.parametrize("mutant", ALL, ids=lambda item: item.name)
def test_a_mutant_fits_and_names_tests_there_are(
    mutant: Mutant, copy: Path, checkout: Path
) -> None:
    assert mutant.words.endswith(".")
    assert all((checkout / name.partition("::")[0]).exists() for name in mutant.tests)
    assert applied(copy, mutant.patch, "--check"), "it does not fit any more: make it anew"


def test_a_patch_without_its_heading_is_refused(tmp_path: Path) -> None:
    patch = tmp_path / "bug.patch"
    patch.write_text("Something is wrong.\n--- a\n+++ b\n")
    with pytest.raises(ValueError, match="names no tests"):
        read_mutant(patch)
