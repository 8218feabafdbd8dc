"""The permitted moves of everything that has a state, and the one way to make a move.

A move is a compare-and-set: it says where it comes from, and does nothing when that is not so. A
worker that wakes from a freeze therefore changes nothing that another has done in the meantime.
"""

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from gateway.store import schema
from gateway.store.database import Transaction

Kind = Literal[
    "drop",
    "window",
    "package",
    "delivery",
    "request",
    "thread",
    "reconciliation",
    "hold",
    "register",
]

MOVES: Mapping[Kind, frozenset[tuple[str, str]]] = {
    "drop": frozenset(
        {
            ("received", "accepted"),
            ("received", "partly-held"),
            ("received", "quarantined"),
            ("received", "duplicate"),
            ("accepted", "sent"),
            ("partly-held", "sent"),
            ("accepted", "withdrawn"),
            ("partly-held", "withdrawn"),
            ("accepted", "replaced"),
            ("partly-held", "replaced"),
        }
    ),
    "window": frozenset({("due", "packed"), ("due", "covered")}),
    "package": frozenset(
        {
            ("sealed", "placed"),
            ("placed", "accepted"),
            ("sealed", "recalled"),
            ("sealed", "superseded"),
            ("placed", "recalled"),
            ("accepted", "recalled"),
            ("placed", "superseded"),
            ("accepted", "superseded"),
            ("recalled", "superseded"),
        }
    ),
    "delivery": frozenset(
        {
            ("sealed", "placed"),
            ("placed", "collected"),
            ("collected", "opened"),
            ("opened", "accepted"),
            ("opened", "queried"),
            ("queried", "accepted"),
            # recalled: no longer served; quarantined: its holder keeps it apart, and has signed so
            ("sealed", "recalled"),
            ("placed", "recalled"),
            ("collected", "recalled"),
            ("opened", "recalled"),
            ("accepted", "recalled"),
            ("queried", "recalled"),
            ("recalled", "quarantined"),
        }
    ),
    "request": frozenset(
        {
            ("open", "approved"),
            ("open", "withdrawn"),
            ("approved", "done"),
            ("approved", "failed"),
        }
    ),
    "thread": frozenset(
        {("open", "answered"), ("answered", "open"), ("answered", "closed"), ("open", "closed")}
    ),
    "reconciliation": frozenset({("sealed", "placed")}),
    "hold": frozenset({("on", "ended")}),
    # informed: the other party knows of it; agreed: both have signed what is to be said or done
    "register": frozenset(
        {
            ("open", "informed"),
            ("open", "agreed"),
            ("open", "closed"),
            ("informed", "agreed"),
            ("informed", "closed"),
            ("agreed", "closed"),
            ("open", "lapsed"),
            ("lapsed", "closed"),
        }
    ),
}

_TABLES: Mapping[Kind, sa.Table] = {
    "drop": schema.drops,
    "window": schema.windows,
    "package": schema.packages,
    "delivery": schema.deliveries,
    "request": schema.requests,
    "thread": schema.threads,
    "reconciliation": schema.reconciliations,
    "hold": schema.holds,
    "register": schema.register_entries,
}


class MoveRefused(Exception):
    """The move is not permitted, or the thing is no longer in the state it was to leave."""

    code = "move.refused"
    hint = "Look at its state with `status`; another worker or command may have acted first."


def advance(
    tx: Transaction,
    kind: Kind,
    key: Mapping[str, Any],
    frm: str,
    to: str,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Move one thing from ``frm`` to ``to``, setting ``values`` with it.

    ``key`` names its primary or unique columns. Raises MoveRefused, having changed nothing.
    """
    if (frm, to) not in MOVES[kind]:
        raise MoveRefused(f"A {kind} may not go from {frm} to {to}.")
    table = _TABLES[kind]
    where = [table.c[name] == value for name, value in key.items()]
    changed = tx.execute(
        sa.update(table).where(table.c.state == frm, *where).values(state=to, **(values or {}))
    ).rowcount
    if changed != 1:
        raise MoveRefused(f"This {kind} is not (or no longer) {frm}.")
