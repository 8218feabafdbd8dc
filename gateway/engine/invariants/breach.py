"""What holds at every moment between two ticks, by code, and what a breach of it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORDS: Mapping[str, str] = {
    "invariant.one-place": (
        "Every drop is in exactly one of staged, sent, held, quarantined and pending, with its "
        "rows there."
    ),
    "invariant.original": "The sealed bytes of every drop are in the vault, and are what was kept.",
    "invariant.retained": "No other object that the vault keeps is missing or altered.",
    "invariant.one-package": "One package is visible for each window and recipient.",
    "invariant.visible": "Everything visible opens, verifies and matches its manifest.",
    "invariant.field-list": "Nothing outside the field list is in any output.",
    "invariant.plaintext": "No plaintext lies outside ciphertext.",
    "invariant.state-and-ledger": (
        "State and ledger agree: each move has its leaf, each leaf its row."
    ),
    "invariant.checkpoints": "The ledger is as it was written, and its checkpoints are consistent.",
    "invariant.recovery": "Recovery is idempotent: a second one changes nothing.",
}


@dataclass(frozen=True)
class Breach:
    """One thing that does not hold. ``how`` says what is wrong, and never quotes a cell's value."""

    code: str
    subject: str
    how: str

    def __post_init__(self) -> None:
        if self.code not in WORDS:
            raise ValueError("an invariant has one of the codes above")

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"code": self.code, "subject": self.subject, "how": self.how}
