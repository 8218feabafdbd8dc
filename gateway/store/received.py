"""What a party received in a flow: packages with their deliveries, as its pages show them."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import deliveries, packages, threads
from gateway.store.threads import ThreadRow


@dataclass(frozen=True)
class Received:
    """A package as one party has it. ``state`` is the delivery's, ``package_state`` its own."""

    id: str
    flow: str
    day: date
    number: int
    kind: str
    package_state: str
    rows: int
    held: int
    superseded_by: str | None
    state: str
    size: int
    placed_at: datetime | None
    collected_at: datetime | None


_SHOWN = (
    packages.c.id,
    packages.c.flow,
    packages.c.day,
    packages.c.number,
    packages.c.kind,
    packages.c.state.label("package_state"),
    packages.c.rows,
    packages.c.held,
    packages.c.superseded_by,
    deliveries.c.state,
    deliveries.c.size,
    deliveries.c.placed_at,
    deliveries.c.collected_at,
)
_ASKED = sa.select(*_SHOWN).join(deliveries, deliveries.c.package_id == packages.c.id)


def between(tx: Transaction, party: str, flow: str, first: date, last: date) -> list[Received]:
    """What was placed for the party, of those days (both included), in order."""
    rows = tx.execute(
        _ASKED.where(
            packages.c.flow == flow,
            packages.c.day >= first,
            packages.c.day <= last,
            deliveries.c.party == party,
            deliveries.c.placed_at.is_not(None),
        ).order_by(packages.c.day, packages.c.number)
    ).mappings()
    return [Received(**row) for row in rows]


def in_states(tx: Transaction, party: str, flow: str, states: tuple[str, ...]) -> list[Received]:
    """The party's deliveries of a flow in those states, oldest package first.

    They are states that few have. The flow is told apart here: asked for with them, SQLite would
    go through all packages of the flow instead.
    """
    rows = tx.execute(
        _ASKED.where(deliveries.c.party == party, deliveries.c.state.in_(states)).order_by(
            packages.c.day, packages.c.number
        )
    ).mappings()
    return [Received(**row) for row in rows if row["flow"] == flow]


def threads_in_state(tx: Transaction, party: str, flow: str, state: str) -> list[ThreadRow]:
    """The threads that a party opened in a flow and that are in that state, oldest first."""
    rows = tx.execute(
        sa.select(threads)
        .where(threads.c.state == state, threads.c.party == party, threads.c.flow == flow)
        .order_by(threads.c.opened_at, threads.c.id)
    ).mappings()
    return [ThreadRow(**row) for row in rows]
