"""State and ledger agree: the leaves, read from the first, come to the very states of the rows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.receipts.judging import FOLLOWS
from gateway.records.leaf import Fact, commitment
from gateway.store import ledger, states
from gateway.store.database import Transaction

_CODE = "invariant.state-and-ledger"
Leaf = Mapping[str, Any]
# The state to which an event leads what it is about. What depends on its facts is in `_led`.
_TO: Mapping[str, str] = {
    "drop.received": "received",
    "drop.sent": "sent",
    "drop.withdrawn": "withdrawn",
    "drop.replaced": "replaced",
    "window.due": "due",
    "window.packed": "packed",
    "window.covered": "covered",
    "package.sealed": "sealed",
    "package.placed": "placed",
    "package.accepted": "accepted",
    "package.recalled": "recalled",
    "package.superseded": "superseded",
    "delivery.placed": "placed",
    "delivery.recalled": "recalled",
    "request.made": "open",
    "request.done": "done",
    "request.failed": "failed",
    "request.withdrawn": "withdrawn",
    "query.opened": "open",
    "query.answered": "answered",
    "query.closed": "closed",
    "reconciliation.listed": "sealed",
    "reconciliation.placed": "placed",
    "hold.begun": "on",
    "hold.ended": "ended",
    "register.entered": "open",
}


def state_and_ledger(looked: Looked) -> Iterator[Breach]:
    """Hold every row's state and what a leaf says of it against each other, both ways."""
    with looked.parts.database.transaction() as tx:
        rows, told = states.every(tx), dict[str, str]()
        for row in ledger.leaves(tx):
            try:
                leaf = json.loads(row.leaf)
                _lead(told, leaf)
            except (ValueError, KeyError, TypeError):
                continue  # `checkpoints` tells of a leaf that was changed
            for how in _said(tx, looked, row.seq, leaf):
                yield Breach(_CODE, leaf["subject"], how)
    for subject in sorted(rows.keys() | told.keys()):
        row_state, led = rows.get(subject), told.get(subject)
        if row_state is None:
            yield Breach(_CODE, subject, "A leaf tells of it, and its row is gone.")
        elif led is None:
            yield Breach(_CODE, subject, "It has a row, and no leaf tells of it.")
        elif led != row_state and (led, row_state) != ("open", "approved"):
            # which approval was the last needed, the ledger does not say
            yield Breach(_CODE, subject, f"Its row says {row_state}, the ledger {led}.")


def _lead(told: dict[str, str], leaf: Leaf) -> None:
    """Move what a leaf is about to where the leaf leads it."""
    name, subject, facts = leaf["event"], leaf["subject"], leaf["facts"]
    if name in _TO:
        told[subject] = _TO[name]
    elif name == "drop.judged":
        told[subject] = facts["state"]
    elif name == "register.moved":
        told[subject] = facts["to"]
    elif name == "receipt.recorded":
        told[subject] = FOLLOWS.get(told[subject], {}).get(facts["kind"]) or told[subject]
    if name == "package.sealed":
        package = subject.removeprefix("package:")
        told.update(
            {f"delivery:{package}:{party}": "sealed" for party in facts["recipients"].split()}
        )


def _said(tx: Transaction, looked: Looked, seq: int, leaf: Leaf) -> Iterator[str]:
    """What a leaf says of a drop, package or delivery that its row does not bear out."""
    name, (kind, _, key) = leaf["event"], leaf["subject"].partition(":")
    open_to_all: dict[str, Fact] = {}
    committed: dict[str, Fact] = {}
    if kind == "drop" and (drop := looked.by_id.get(key)) is not None:
        if name == "drop.received":
            open_to_all = {"sealed": drop.original}
            committed = {"original": drop.sha256, "size": drop.size}
        elif name == "drop.judged":
            committed = {"rows": drop.rows or 0}
    elif name == "package.sealed" and (package := looked.packages.get(key)) is not None:
        open_to_all = {"zip": package.zip_sha256, "kind": package.kind}
        committed = {
            name: getattr(package, name) for name in ("rows", "updates", "held", "repeats")
        }
    elif name == "delivery.placed" and (delivery := looked.deliveries.get(key)) is not None:
        open_to_all = {"sha256": delivery.sha256, "protection": delivery.protection}
    if any(leaf["facts"].get(name) != value for name, value in open_to_all.items()):
        yield f"Its row is not what the leaf at place {seq} says."
    elif committed:
        salts = ledger.salts_of(tx, seq)
        if any(
            leaf["commits"].get(name) != commitment(salts.get(name, b""), value)
            for name, value in committed.items()
        ):
            yield f"Its row is not what the leaf at place {seq} commits to."
