"""A sample of the simulation (`make simulate` is the whole), and that it sees what is wrong."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from history import Run, run
from world import Template

from gateway.dispatch.gather import Gatherer

SEEDS = range(1, 31)  # always these: what fails must fail again. `make simulate` seeks others
SAMPLE_SECONDS = 15.0  # of processor time, after which no further seed is begun
MOST = 20  # fortnights that a planted bug has to be found in


def told(done: Run) -> str:
    """What went wrong, and how to see it again."""
    return "\n".join([f"make simulate SEED={done.seed}", *done.wrong, "", *done.told])


@pytest.mark.slow
def test_nothing_is_violated(template: Template, tmp_path: Path) -> None:
    end = time.process_time() + SAMPLE_SECONDS
    for seed in SEEDS:
        done = run(seed, template, tmp_path)
        assert not done.wrong, told(done)
        if time.process_time() > end:
            return


def test_a_seed_lives_the_same_history_again(template: Template, tmp_path: Path) -> None:
    one, other = (run(7, template, tmp_path) for _ in range(2))
    assert one.told == other.told
    assert one.counts == other.counts


def found(template: Template, tmp_path: Path, words: str) -> bool:
    """Whether some run notices, in these words."""
    runs = (run(seed, template, tmp_path, "fortnight") for seed in range(2, MOST))
    return any(words in how for done in runs for how in done.wrong)


def test_it_would_see_a_row_sent_twice(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gatherer, "_digests", lambda *_: {})
    assert found(template, tmp_path, "carries a row that had been sent so before")


def test_it_would_see_a_row_lost(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Iterator[Any]] = Gatherer._staged

    def without_the_second(self: Gatherer, *words: Any) -> Iterator[Any]:
        for at, item in enumerate(real(self, *words)):
            if at != 1:
                yield item

    monkeypatch.setattr(Gatherer, "_staged", without_the_second)
    assert found(template, tmp_path, "was accepted and never delivered")


def test_it_would_see_a_drop_forgotten_by_a_restart(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.engine.arrivals.claimed_before", lambda *_: iter(()))
    assert found(template, tmp_path, "A file was laid")
