"""What senders ask of the worker: the columns of a drop, and that a newer drop stands for it.

Whoever asks has been judged (`onsite`); here it is judged that the drop is theirs.
"""

import json
from datetime import datetime
from typing import Any

from gateway.dispatch.sealing import public_dropped
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.intake.change import ChangeRefused, replace_drop
from gateway.store import drops
from gateway.store.drops import DropRow

PATIENCE_SECONDS = 10.0


def columns(parts: Parts, drop_id: str, party: str, flow: str, names: bool) -> dict[str, Any]:
    """What became of a drop's columns; the headings of dropped ones only where asked for.

    ``listed``: those that the agreement names; the others may say anything. Raises ChangeRefused.
    """
    drop = require_drop(parts, drop_id, party, flow)
    if drop.columns_sealed is None:
        raise ChangeRefused(
            "drop.not-judged", "The drop is not judged yet.", "Look again in a moment."
        )
    told = json.loads(parts.sealer.open(drop.columns_sealed, f"columns:{drop.id}"))
    dropped = public_dropped(parts.flow(flow), told["dropped"])
    return {
        "kept": told["kept"],
        "missing": told["missing"],
        "listed": list(dropped.listed),
        "others": dropped.others,
        "dropped": told["dropped"] if names else [],
    }


def replace(
    parts: Parts, older: str, newer: str, party: str, flow: str, now: datetime
) -> dict[str, str]:
    """Let a newer drop of the party and flow stand for an older one. Raises ChangeRefused."""
    with only_worker(parts, PATIENCE_SECONDS):
        old = require_drop(parts, older, party, flow)
        replace_drop(parts.database, old.id, require_drop(parts, newer, party, flow).id, now)
    return {"drop": newer}


def require_drop(parts: Parts, drop_id: str, party: str, flow: str) -> DropRow:
    """A drop of the party and flow. Raises ChangeRefused."""
    with parts.database.snapshot() as tx:
        drop = drops.get(tx, drop_id)
    if drop is None or (drop.party, drop.flow) != (party, flow):
        raise ChangeRefused(
            "drop.unknown",
            "There is no drop of that id of this party and flow.",
            "The list of drops shows those there are.",
        )
    return drop
