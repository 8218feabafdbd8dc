"""What the vault keeps is there, as it was kept: the audit's own look, without its leaf."""

from collections.abc import Iterator

from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.records import audit

_HOW = {
    "missing": "It is missing.",
    "altered": "Its bytes are not what was kept.",
    "not-held": "The bucket holds it no longer under its lock.",
    "unread": "The bucket does not answer.",
    "unrecorded": "The ledger tells of it, and its row is gone.",
    "not-destroyed": "It is there, though it was destroyed.",
}


def vault_is_whole(looked: Looked) -> Iterator[Breach]:
    """Read every object whole and compare it with its name."""
    originals = {drop.original for drop in looked.drops}
    for wrong in audit.look(looked.parts.database, looked.parts.vault).wrong:
        is_original = wrong.kind == "original" or wrong.sha256 in originals
        code = "invariant.original" if is_original else "invariant.retained"
        yield Breach(code, f"object:{wrong.sha256}", _HOW[wrong.how])
