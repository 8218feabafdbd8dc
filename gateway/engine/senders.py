"""What senders ask of the worker: a drop's columns, a newer drop for an older, answers to queries.

Whoever asks has been judged (`onsite`); here it is judged that the drop or the query is theirs.
"""

import json
from datetime import datetime
from typing import Any

from gateway.dispatch.sealing import public_dropped
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.intake.change import ChangeRefused, replace_drop
from gateway.receipts import threads as queries
from gateway.receipts.threads import Conversation, Correction, QueryRefused
from gateway.store import drops, threads
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
    with only_worker(parts.home.lock, PATIENCE_SECONDS):
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


def conversation(
    parts: Parts, thread_id: str, party: str, flow: str, officer: str | None
) -> dict[str, Any]:
    """A query to the flow's sender, opened for an officer of that party. Raises QueryRefused."""
    _require_query(parts, thread_id, party, flow)
    return _told(queries.read(parts.queries(), thread_id, _named(officer)))


def answer(
    parts: Parts,
    thread_id: str,
    party: str,
    flow: str,
    officer: str | None,
    text: str,
    drop: str | None,
    now: datetime,
) -> dict[str, str]:
    """Answer a query in an officer's name; ``drop`` corrects what was sent.

    Raises QueryRefused, TextRefused.
    """
    _require_query(parts, thread_id, party, flow)
    with only_worker(parts.home.lock, PATIENCE_SECONDS):
        correction = Correction(drop)
        queries.answer(parts.queries(), thread_id, _named(officer), text.encode(), now, correction)
    return {"query": thread_id}


def _require_query(parts: Parts, thread_id: str, party: str, flow: str) -> None:
    with parts.database.snapshot() as tx:
        thread = threads.get(tx, thread_id)
    if thread is None or thread.flow != flow or parts.flow(flow).sender != party:
        raise QueryRefused(
            "query.unknown",
            "There is no query of that id to this party.",
            "The page of each package lists its queries.",
        )


def _named(officer: str | None) -> str:
    if officer is None:
        raise QueryRefused(
            "query.no-officer",
            "Queries are read and answered by named officers, and you are none.",
            "Ask an administrator to name you as one, or let an officer of yours answer.",
        )
    return officer


def _told(read: Conversation) -> dict[str, Any]:
    return {
        "reference": read.place.reference,
        "heading": read.place.heading,
        "said": [
            {
                "party": entry.party,
                "officer": entry.officer,
                "at": entry.at.isoformat(),
                "text": entry.text,
                "drop": entry.correction.drop,
                "package": entry.correction.package,
            }
            for entry in read.said
        ],
    }
