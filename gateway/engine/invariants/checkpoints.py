"""The ledger is as it was written, and adds to every checkpoint that was given out."""

from collections.abc import Iterator

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import read_keys
from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.engine.logkeeping import checkpoint_files
from gateway.records import ledger
from gateway.records.checkpoints import compare, read, unsound
from gateway.store import guards

_CODE = "invariant.checkpoints"


def checkpoints_hold(looked: Looked) -> Iterator[Breach]:
    """Compute the ledger anew, hold it against each checkpoint, kept or given out."""
    parts = looked.parts
    keys = read_keys(parts.home.log_keys)
    checked = ledger.verify(parts.database)
    for seq in checked.wrong:
        yield Breach(_CODE, f"leaf:{seq}", "It is not as it was written.")
    for size in unsound(parts.database, keys):
        yield Breach(_CODE, f"checkpoint:{size}", "The log does not bear it out.")
    with parts.database.transaction() as tx:
        for name in guards.missing(tx):
            yield Breach(_CODE, f"trigger:{name}", "What refuses deletion is gone or altered.")
        for path in checkpoint_files(parts):
            try:
                stands = compare(tx, read(path.read_text(encoding="utf-8"), keys))
            except FileNotFoundError:
                continue  # a home that has not ticked yet
            except (CryptoFault, OSError, UnicodeDecodeError, KeyError):
                stands = "forked"
            if stands not in ("consistent", "recovered"):
                name = str(path.relative_to(parts.home.root))
                yield Breach(_CODE, f"file:{name}", "The ledger does not add to it.")
