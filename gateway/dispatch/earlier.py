"""Rows that were judged under an earlier version of the agreement, laid out as it holds now.

A field keeps its id from version to version. What is agreed no longer does not travel; what is
agreed newly is blank; and where a field is required now that was none then, the drop waits: its
sender sends it again, under the new version.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.model import Flow
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.store import agreements
from gateway.store.database import Transaction
from gateway.store.drops import DropRow

CODE = "drop.of-earlier-version"


@dataclass(frozen=True)
class Layout:
    """Where each field of the flow lies in a staged row; None: it was no field then."""

    places: tuple[int | None, ...]
    fits: bool


def layout(tx: Transaction, flow: Flow, agreement_hash: str) -> Layout:
    """How rows lie that were judged under that version. It fits nothing if it is not known."""
    version = agreements.version(tx, agreement_hash)
    then = [] if version is None else _fields(json.loads(version.body), flow.id)
    places = tuple(then.index(field.id) if field.id in then else None for field in flow.fields)
    fields = zip(flow.fields, places, strict=True)
    lacking = any(place is None and field.required for field, place in fields)
    return Layout(places, bool(then) and not lacking)


def _fields(body: dict[str, dict[str, list[dict[str, object]]]], flow_id: str) -> list[str]:
    flows = [flow for flow in body["agreement"]["flows"] if flow["id"] == flow_id]
    fields = flows[0]["fields"] if flows else []
    assert isinstance(fields, list)  # noqa: S101  the body was validated when it was kept
    return [field["id"] for field in fields]


def fitting(
    tx: Transaction, flow: Flow, agreement_hash: str, waiting: Sequence[DropRow], now: datetime
) -> list[DropRow]:
    """Of the drops that wait, those whose rows can travel as agreed now; the others are alarmed."""
    known = {hash_: layout(tx, flow, hash_) for hash_ in {drop.agreement_hash for drop in waiting}}
    fit = [
        drop
        for drop in waiting
        if drop.agreement_hash == agreement_hash or known[drop.agreement_hash].fits
    ]
    about = f"flow:{flow.id}"
    if len(fit) == len(waiting):
        clear_alarm(tx, CODE, about, now)
        return fit
    words = (
        f"{len(waiting) - len(fit)} of the drops that wait came under an earlier version of the "
        "agreement, which had not all the columns that are required now. Their rows do not travel. "
        "Drop the extracts again, and withdraw those drops."
    )
    raise_alarm(tx, CODE, about, words, now)
    return fit
