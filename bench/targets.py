"""What the gateway is to reach, and how a run of the bench tells whether it did."""

from collections.abc import Sequence
from dataclasses import dataclass

# By workload: CPU against the strongest shell pipeline, and MiB of the largest process. A ratio
# below one is against the pipeline as it would be written at first, which reads workbooks slowly.
LARGE = (("L-csv", 1.3, 512.0), ("L-csv-xlsx", 3.0, 512.0), ("L-xlsx", 0.1, 1331.2))
VALIDATION = {"pandera": 1.0, "frictionless": 25.0}
GROWTH = 1.2


@dataclass(frozen=True)
class Target:
    """A bound and what was measured: at most the bound, or at ``least``."""

    words: str
    bound: float
    measured: float
    least: bool = False

    @property
    def verdict(self) -> str:
        """Whether it is met, and otherwise by what factor it is not."""
        over = self.bound / self.measured if self.least else self.measured / self.bound
        return "meets" if over <= 1 else f"falls short by {over:.1f} ×"


def table(found: Sequence[Target]) -> list[str]:
    """Every target beside its figure, in Markdown."""
    if not found:
        return ["Nothing was measured that has a target."]
    lines = ["| measure | target | measured | verdict |", "| --- | ---: | ---: | --- |"]
    for item in found:
        sign = "≥" if item.least else "≤"
        lines.append(
            f"| {item.words} | {sign} {item.bound:g} | {item.measured:.2f} | {item.verdict} |"
        )
    return lines
