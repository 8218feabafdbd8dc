"""Rows of the registers' entries and their steps: what is said is sealed; dates and states are not.

An entry changes by its lifecycle alone and is never removed; a step is only ever added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, packages, receipts, register_entries, register_steps

_MANY = 500  # values asked for at once


@dataclass(frozen=True)
class EntryRow:
    """An entry of a register. ``party`` answers for it; ``opened_on``: when it came in or was."""

    id: str
    register: str
    party: str
    state: str
    opened_on: date
    due_at: datetime | None
    body_sealed: bytes
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class StepRow:
    """One step of an entry. ``signature``: an officer's, over what both parties are to sign."""

    entry_id: str
    step: str
    party: str
    officer: str
    words_sealed: bytes | None
    signature: bytes | None
    made_at: datetime


@dataclass(frozen=True)
class TrainedRow:
    """Who is trained, by which entry, and when that ends."""

    entry_id: str
    person: str
    party: str
    state: str
    due_at: datetime


# --- writing --------------------------------------------------------------------------------------


def add(tx: Transaction, entry: EntryRow) -> None:
    """An entry was made."""
    tx.execute(sa.insert(register_entries).values(**vars(entry)))


def add_step(tx: Transaction, step: StepRow) -> None:
    """A step was taken."""
    tx.execute(sa.insert(register_steps).values(**vars(step)))


def set_due(tx: Transaction, entry_id: str, due_at: datetime | None) -> None:
    """When the entry is due from now on; None: nothing about it is due any more."""
    table = register_entries
    tx.execute(sa.update(table).where(table.c.id == entry_id).values(due_at=due_at))


def lock(tx: Transaction, entry_id: str) -> EntryRow | None:
    """The entry, kept from other writers until the transaction ends; None where there is none."""
    asked = sa.select(register_entries).where(register_entries.c.id == entry_id)
    row = tx.execute(asked.with_for_update()).mappings().first()
    return EntryRow(**row) if row else None


# --- reading --------------------------------------------------------------------------------------


def get(tx: Transaction, entry_id: str) -> EntryRow | None:
    """The entry of that id, or None."""
    asked = sa.select(register_entries).where(register_entries.c.id == entry_id)
    row = tx.execute(asked).mappings().first()
    return EntryRow(**row) if row else None


def listed(
    tx: Transaction, registers: Sequence[str] = (), *, ended_too: bool = True
) -> list[EntryRow]:
    """The entries of those registers (none named: of all), oldest first."""
    table = register_entries
    asked = sa.select(table).order_by(table.c.made_at, table.c.id)
    if registers:
        asked = asked.where(table.c.register.in_(registers))
    if not ended_too:
        asked = asked.where(table.c.ended_at.is_(None))
    return [EntryRow(**row) for row in tx.execute(asked).mappings()]


def ended(tx: Transaction, register: str, limit: int) -> list[EntryRow]:
    """The entries of a register that have ended, those of the latest days first."""
    table = register_entries
    asked = sa.select(table).where(table.c.register == register, table.c.ended_at.is_not(None))
    order = (table.c.opened_on.desc(), table.c.id)
    return [EntryRow(**row) for row in tx.execute(asked.order_by(*order).limit(limit)).mappings()]


def of_day(tx: Transaction, register: str, party: str, day: date) -> EntryRow | None:
    """A party's first entry of that register and day, or None."""
    table = register_entries
    asked = sa.select(table).where(
        table.c.register == register, table.c.party == party, table.c.opened_on == day
    )
    row = tx.execute(asked.order_by(table.c.made_at, table.c.id)).mappings().first()
    return EntryRow(**row) if row else None


def steps_of(tx: Transaction, entry_ids: Iterable[str]) -> dict[str, list[StepRow]]:
    """The steps of those entries, in order, by entry."""
    found: dict[str, list[StepRow]] = {entry_id: [] for entry_id in entry_ids}
    table = register_steps
    columns = [column for column in table.c if column.name != "id"]
    wanted = list(found)
    for start in range(0, len(wanted), _MANY):
        some = table.c.entry_id.in_(wanted[start : start + _MANY])
        for row in tx.execute(sa.select(*columns).where(some).order_by(table.c.id)).mappings():
            found[row["entry_id"]].append(StepRow(**row))
    return found


def trained(tx: Transaction, step: str, person: str | None = None) -> list[TrainedRow]:
    """Training that has not been ended, of one person where given; its end, the latest last."""
    entries, steps = register_entries, register_steps
    asked = (
        sa.select(entries.c.id, steps.c.officer, entries.c.party, entries.c.state, entries.c.due_at)
        .join(steps, steps.c.entry_id == entries.c.id)
        .where(
            entries.c.register == "training",
            entries.c.state.in_(("open", "lapsed")),
            entries.c.due_at.is_not(None),
            steps.c.step == step,
        )
        .order_by(entries.c.due_at)
    )
    if person is not None:
        asked = asked.where(steps.c.officer == person)
    return [TrainedRow(*row) for row in tx.execute(asked)]


def signed_parties(tx: Transaction, entry_id: str, step: str) -> set[str]:
    """The parties whose officers took that step of the entry with a signature."""
    table = register_steps
    asked = sa.select(table.c.party).where(
        table.c.entry_id == entry_id, table.c.step == step, table.c.signature.is_not(None)
    )
    return set(tx.scalars(asked))


# --- looks at the account -------------------------------------------------------------------------


def sent_before(tx: Transaction, party: str, moment: datetime) -> bool:
    """Whether anything was placed for a party before then."""
    asked = sa.select(deliveries.c.id).where(
        deliveries.c.party == party, deliveries.c.placed_at < moment
    )
    return tx.execute(asked.limit(1)).first() is not None


def collected_since(tx: Transaction, party: str, since: datetime, packed_since: date) -> bool:
    """Whether the party has collected a package since then; of those packed since that day."""
    asked = (
        sa.select(receipts.c.id)
        .join(deliveries, deliveries.c.id == receipts.c.delivery_id)
        .join(packages, packages.c.id == deliveries.c.package_id)
        .where(
            packages.c.day >= packed_since,
            deliveries.c.party == party,
            receipts.c.kind == "collected",
            receipts.c.at >= since,
        )
    )
    return tx.execute(asked.limit(1)).first() is not None


def noted_since(tx: Transaction, register: str, party: str, day: date) -> bool:
    """Whether the party has an entry of that register of that day or later."""
    table = register_entries
    asked = sa.select(table.c.id).where(
        table.c.register == register, table.c.party == party, table.c.opened_on >= day
    )
    return tx.execute(asked.limit(1)).first() is not None
