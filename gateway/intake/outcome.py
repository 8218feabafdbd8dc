"""What examining a file comes to, and where the examination is told. No table library is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.intake.findings import Finding


@dataclass(frozen=True)
class Examined:
    """What one file came to. ``rows`` counts data rows; ``sheet`` is None for a CSV.

    ``kept`` and ``missing`` are agreed headings. ``dropped`` are unknown headings as read, each at
    most 120 characters and at most 500 of them; none unless a heading row was recognised.
    ``refused``: the drop is to be quarantined whole.
    """

    sheet: str | None
    rows: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    missing: tuple[str, ...]
    refused: bool


class Sink(Protocol):
    """Where an examination goes: findings and parts of the table in any order, then the outcome."""

    def findings(self, items: Sequence[Finding]) -> None:
        """Take some findings."""
        ...

    def table(self, csv: bytes, rows: int) -> None:
        """Take ``rows`` minimised rows as CSV: a header ``row,<field ids>``, then the records."""
        ...

    def done(self, outcome: Examined) -> None:
        """Take the outcome. Nothing comes after it."""
        ...
