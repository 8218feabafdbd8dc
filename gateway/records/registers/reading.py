"""Reading the registers: an entry is opened, and judged by its steps alone.

What is said is sealed together with what it belongs to (entry, place, party, officer, day), so
that no row, and no part of one, can be altered or moved without being seen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.crypto.faults import CryptoFault
from gateway.crypto.sealing import Sealer
from gateway.records.registers.progress import Progress, after, begun
from gateway.records.registers.rules import RegisterRefused
from gateway.store import registers as rows
from gateway.store.database import Transaction
from gateway.store.registers import EntryRow, StepRow


@dataclass(frozen=True)
class Taken:
    """A step that was taken, the first numbered 1. ``digest``: of all that it says."""

    number: int
    step: str
    party: str
    officer: str
    at: datetime
    words: str
    digest: str
    signature: bytes | None


@dataclass(frozen=True)
class Kept:
    """An entry with what it says, its steps, and where it stands."""

    row: EntryRow
    words: str
    fields: Mapping[str, str]
    digest: str
    steps: tuple[Taken, ...]
    progress: Progress

    @property
    def proposal(self) -> tuple[str, str] | None:
        """The words that both parties are to sign, or have signed, and their digest."""
        number = self.progress.proposal
        if number is None:
            return None
        if number == 0:
            return self.words, self.digest
        step = self.steps[number - 1]
        return step.words, step.digest

    def of(self, step: str) -> list[Taken]:
        """The steps of that name, in order."""
        return [item for item in self.steps if item.step == step]


def read(tx: Transaction, sealer: Sealer, entry_id: str) -> Kept:
    """The entry of that id, kept from other writers until the transaction ends.

    Raises RegisterRefused (register.no-entry, register.altered).
    """
    row = rows.lock(tx, entry_id)
    if row is None:
        raise RegisterRefused(
            "register.no-entry",
            "There is no entry of that id.",
            "`register list --all` shows every entry.",
        )
    return opened(sealer, row, rows.steps_of(tx, [row.id])[row.id])


def opened(sealer: Sealer, row: EntryRow, steps: Sequence[StepRow]) -> Kept:
    """An entry opened, and judged by its steps alone. Raises RegisterRefused register.altered."""
    try:
        plain = sealer.open(row.body_sealed, f"register:{row.id}")
        body = json.loads(plain)
        if {name: body[name] for name in named(row)} != named(row):
            raise altered()
        progress = begun(row.register, row.party, body["parties"])
        ended_at = row.made_at if progress.ended else None
        taken = []
        for number, step in enumerate(steps, start=1):
            taken.append(_opened_step(sealer, step, number))
            progress = after(progress, step.step, step.party)
            ended_at = ended_at or (step.made_at if progress.ended else None)
    except (CryptoFault, RegisterRefused, ValueError) as fault:
        raise altered() from fault
    due = None if progress.ico else body["due"]
    if (row.state, moment(row.due_at), row.ended_at) != (progress.state, due, ended_at):
        raise altered()
    digest = hashlib.sha256(plain).hexdigest()
    return Kept(row, body["words"], body["fields"], digest, tuple(taken), progress)


def _opened_step(sealer: Sealer, row: StepRow, number: int) -> Taken:
    plain = sealer.open(row.words_sealed or b"", f"register:{row.entry_id}:{number}")
    told = json.loads(plain)
    if {name: told[name] for name in step_named(row, number)} != step_named(row, number):
        raise altered()
    digest = hashlib.sha256(plain).hexdigest()
    known = (row.step, row.party, row.officer, row.made_at, told["words"], digest, row.signature)
    return Taken(number, *known)


def altered() -> RegisterRefused:
    """Somebody has changed the entry behind the gateway's back."""
    return RegisterRefused(
        "register.altered",
        "The entry is not as it was kept: somebody has written into the database.",
        "Find out by whom; restore the database from the backup. `ledger verify` tells the rest.",
    )


def named(row: EntryRow) -> dict[str, Any]:
    """What an entry's words are sealed together with."""
    return {
        "at": moment(row.made_at),
        "id": row.id,
        "opened_on": row.opened_on.isoformat(),
        "party": row.party,
        "register": row.register,
    }


def step_named(row: StepRow, number: int) -> dict[str, Any]:
    """What a step's words are sealed together with."""
    signed = hashlib.sha256(row.signature).hexdigest() if row.signature is not None else None
    return {
        "at": moment(row.made_at),
        "entry": row.entry_id,
        "number": number,
        "officer": row.officer,
        "party": row.party,
        "signature": signed,
        "step": row.step,
    }


def moment(at: datetime | None) -> str | None:
    """A moment as it is sealed."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
