"""The matrix: homes made once, one of each struck, recovered, and judged."""

import itertools
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disk import LEAVES, fill, on_a_small_disk
from loaded import Warm
from points import Cell, Fault, Stage, found
from serving import served
from stages import CHECKOUT, RECOVERS, Broken, Run, copied, made
from tracing import Call, calls_of, steady, struck_at, what_was_struck

SAMPLE = CHECKOUT / "samples" / "notifications-2025-03-13.csv"


@dataclass
class Result:
    """What came of a cell: nothing wrong where all three are empty."""

    cell: str
    breaches: list[Any] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    harness: str = ""

    @property
    def well(self) -> bool:
        """Whether it was struck where it was meant to be, and nothing came of it."""
        return not (self.breaches or self.differs or self.harness)


class Matrix:
    """The homes before each stage, their calls when left alone, and what they come to."""

    def __init__(self, folder: Path, bases: Path, stages: Iterable[Stage]) -> None:
        self.folder = folder
        self.bases = made(bases, SAMPLE.read_bytes())
        self.calls: dict[Stage, list[Call]] = {}
        self.outcomes: dict[Stage, Any] = {}
        self._local = threading.local()
        self._warm: list[Warm] = []
        for stage in stages:
            run = copied(self.bases[stage], folder / f"alone-{stage}")
            self.warm.worked(stage, run, [])
            calls = calls_of(run.trace, run.home)
            self.calls[stage] = calls if stage == "served" else steady(calls)
            told = self._recovered(stage, run)
            if told["breaches"]:
                raise Broken(f"a run left alone breaks invariants: {told['breaches']}")
            self.outcomes[stage] = told["outcome"]
            run.end()

    @property
    def warm(self) -> Warm:
        """This thread's loaded program."""
        if not hasattr(self._local, "warm"):
            self._local.warm = Warm()
            self._warm.append(self._local.warm)
        found: Warm = self._local.warm
        return found

    def end(self) -> None:
        """Leave nothing running."""
        for warm in self._warm:
            warm.end()

    def cell(self, number: int, cell: Cell) -> Result:
        """Strike one cell, recover and judge."""
        stage, calls = cell.point.stage, self.calls[cell.point.stage]
        at = found(cell.point, [call.form for call in calls])
        at += {"before": -1, "mid": 0, "after": 1}[cell.when]
        call, result = calls[at], Result(cell.name)
        with self._judged(f"cell-{number}", stage, result) as run:
            self.warm.worked(stage, run, struck_at(call, cell.fault))
            hit = what_was_struck(run.trace, run.home, cell.fault)
            if hit != call.form:
                raise Broken(f"struck {hit or 'nothing'}, and not {call.form}")
        return result

    def sweep(self, stage: Stage, name: str, fault: Fault) -> list[Result]:
        """Fail the Nth such call, N = 1, 2, 3 …, until a run passes untouched."""
        results: list[Result] = []
        for number in itertools.count(1):
            result = Result(f"{stage} · {name} {number} · {fault}")
            with self._judged(f"sweep-{number}", stage, result) as run:
                self.warm.worked(stage, run, struck_at(Call(name, number, ""), fault))
                untouched = not what_was_struck(run.trace, run.home, fault)
            say(result)
            if untouched:
                return results
            results.append(result)
        raise AssertionError("unreachable")

    def full_disk(self, stage: Stage) -> list[Result]:
        """The program on a disk with little room or none; then there is room again."""
        results = []
        for leave in LEAVES:
            result = Result(f"{stage} · full disk, {leave} KiB free")
            run = copied(self.bases[stage], self.folder / f"disk-{leave}")
            with ExitStack() as stack:
                stack.callback(run.end)
                try:
                    stack.enter_context(on_a_small_disk(run))
                    ballast = fill(run.home, leave)
                    self.warm.worked(stage, run, [])
                    ballast.unlink()
                    self._judge(stage, run, result)
                except (Broken, OSError, subprocess.SubprocessError) as error:
                    result.harness = f"{type(error).__name__}: {error}"
            say(result)
            results.append(result)
        return results

    @contextmanager
    def _judged(self, name: str, stage: Stage, result: Result) -> Iterator[Run]:
        """A home for a run to be struck; then it recovers, and the result says how it went."""
        run = copied(self.bases[stage], self.folder / name)
        try:
            yield run
            self._judge(stage, run, result)
        except (Broken, OSError, subprocess.SubprocessError, LookupError) as error:
            result.harness = f"{type(error).__name__}: {error}"
        finally:
            run.end()

    def _judge(self, stage: Stage, run: Run, result: Result) -> None:
        told = self._recovered(stage, run)
        result.breaches = told["breaches"]
        result.differs = different(self.outcomes[stage], told["outcome"])

    def _recovered(self, stage: Stage, run: Run) -> Any:
        if stage == "served":  # the recipient, who has no package or is not believed, tries again
            served(run, None)
        return self.warm.recovered(run, RECOVERS[stage])


def different(alone: Any, now: Any) -> list[str]:
    """What is other than after a run left alone."""
    return [f"{key}: {alone[key]} became {now[key]}" for key in alone if alone[key] != now[key]]


def say(result: Result) -> None:
    """A line for each result as it comes."""
    print(f"{'ok  ' if result.well else 'FAIL'} {result.cell}", flush=True)
    for item in (*result.breaches, *result.differs, result.harness):
        if item:
            print(f"       {item}", flush=True)
