"""What the fuzzer found so far, and what broke a target once: each must hold in every target."""

from pathlib import Path

import pytest
from fuzz_targets import HERE, TARGETS

CORPUS = HERE / "corpus"
MOST = 300 * 1024  # bytes in the repository


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_over_its_corpus(name: str) -> None:
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        TARGETS[name](path.read_bytes())


def test_the_corpus_is_small_and_every_target_has_one() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_tells_good_from_bad(name: str) -> None:
    """It takes anything without a word, the emptiest input included."""
    for data in (b"", b"\0", b"{}", b"[" * 100_000, Path(__file__).read_bytes()):
        TARGETS[name](data)
