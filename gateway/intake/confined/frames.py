"""What the confined reader gives the worker, once every part of it has been checked.

These are the worker's own values: nothing here is ever built by the process that reads the file.
"""

from dataclasses import dataclass

from gateway.intake.findings import Finding
from gateway.intake.outcome import Examined
from gateway.records.chunk import Rows

__all__ = [
    "DoneFrame",
    "Examined",
    "FindingsFrame",
    "Frame",
    "Layer",
    "ReaderFailed",
    "TableFrame",
]


@dataclass(frozen=True, slots=True)
class FindingsFrame:
    """Some of the findings, in the order in which they were made."""

    items: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TableFrame:
    """Some of the minimised rows: the source's row number and one cell per field of the flow."""

    rows: Rows


@dataclass(frozen=True, slots=True)
class DoneFrame:
    """The last frame. It comes only when the child has ended well and all it said held together."""

    outcome: Examined


Frame = FindingsFrame | TableFrame | DoneFrame


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the confinement as observed by a probe. ``words`` say what was seen."""

    name: str
    holds: bool
    required: bool
    words: str


class ReaderFailed(Exception):
    """Reading a file ended without an answer that may be used; all frames of it are void.

    ``code`` is the finding to report: ``file.over-limit`` (time, memory or size of the answer) or
    ``file.reader-failed``. The text says why, for the log, and never quotes the file.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why
