"""Keeping the ledger's checkpoints, and seeing that the ledger only ever adds to them.

A checkpoint is made at the first tick of a London day and whenever something went out or came
back. It lies in ``var/checkpoint`` and in every party's outbox, apart from the database: an older
database that was put back behind the gateway's back is found by it, at the next tick.
"""

from datetime import datetime
from pathlib import Path

from gateway.agreement.windows import london_date
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import NoteSigner, read_keys
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.receipts.witness import FORKED, ROLLED_BACK, SUBJECT
from gateway.records.alarms import clear_about, raise_alarm
from gateway.records.checkpoints import compare, give_out, make_checkpoint, read, signer_name
from gateway.store import alarms, checkpoints, ledger, logs, meta
from gateway.store.checkpoints import CheckpointRow
from gateway.store.database import StoreFault

_FILES, _MAKING = "log:files", "log:checkpoint"
_STANDS = ("consistent", "recovered")
_MOVES = frozenset({"delivery.placed", "receipt.recorded", "request.done", "request.failed"})
_WORDS = {
    "ahead": (
        ROLLED_BACK,
        "A checkpoint that was given out covers more than the ledger holds: an older database was "
        "put back. Nothing is dispatched. Put back the latest database, or see docs/ledger.md.",
    ),
    "forked": (
        FORKED,
        "The ledger is not the one that a checkpoint was given out of: its past has been changed. "
        "Nothing is dispatched. Keep everything as it is, and see docs/ledger.md.",
    ),
}


def new_checkpoint(parts: Parts, now: datetime) -> CheckpointRow:
    """Sign the ledger as it stands and give the checkpoint out. Raises CryptoFault or OSError."""
    path = HomeKeys(parts.home.root).log_key
    with parts.database.transaction() as tx:
        signer = NoteSigner.load(path, signer_name(meta.get(tx, "home.id") or ""))
        row = make_checkpoint(tx, signer, now)
    give_out(row, checkpoint_files(parts), parts.database.confirm)
    return row


def keep_checkpoint(parts: Parts, now: datetime, something_happened: bool) -> list[Fault]:
    """Make a checkpoint where one is due; a fault is alarmed, and it is tried at the next tick."""
    with parts.database.transaction() as tx:
        latest = checkpoints.latest(tx)
    try:
        if latest is None or london_date(latest.made_at) != london_date(now) or something_happened:
            new_checkpoint(parts, now)
        else:  # what could not be given out then is given out now
            give_out(latest, checkpoint_files(parts), parts.database.confirm)
    except (CryptoFault, StoreFault, OSError) as error:
        fault = as_fault(_MAKING, error)
        fault.alarm(parts.database, now)
        return [fault]
    with parts.database.transaction() as tx:
        clear_about(tx, _MAKING, now)
    return []


def ledger_stands(parts: Parts, now: datetime) -> bool:
    """Whether the ledger adds to every checkpoint that lies about; alarmed where it does not.

    A log that the database does not know of was opened after what it holds.

    So do those that receipts have shown: what they raised stands until the ledger is another.
    A file that no known key signed says nothing of the ledger: it is written anew.
    """
    keys = read_keys(parts.home.log_keys)
    with parts.database.transaction() as tx:
        found = {}
        for place in checkpoint_files(parts):
            try:
                seen = read(place.read_text(encoding="utf-8"), keys)
            except (CryptoFault, OSError, UnicodeDecodeError):
                continue
            stands = compare(tx, seen)
            if stands not in _STANDS:
                told = _WORDS["forked" if stands == "forked" else "ahead"]
                found[told[0]] = told[1]
        for code, words in found.items():
            raise_alarm(tx, code, _FILES, words, now)
        clear_about(tx, _FILES, now, but=tuple(found))
        witnessed = any(alarm.subject == SUBJECT for alarm in alarms.open_alarms(tx))
    return not (found or witnessed)


def ledger_stands_for(parts: Parts) -> bool:
    """Whether one flow may go out, as far as the gateway's own checkpoint and the alarms tell.

    The look at the home reads what every party has been given, and alarms.
    """
    with parts.database.transaction() as tx:
        for alarm in alarms.open_alarms(tx):
            if alarm.code in (FORKED, ROLLED_BACK):
                return False
        try:
            text = parts.home.checkpoint.read_text(encoding="utf-8")
            seen = read(text, read_keys(parts.home.log_keys))
        except (CryptoFault, OSError, UnicodeDecodeError):
            return True
        return compare(tx, seen) in _STANDS


def moved_since_checkpoint(parts: Parts) -> bool:
    """Whether something went out or came back since the latest checkpoint was made."""
    with parts.database.transaction() as tx:
        latest = checkpoints.latest(tx)
        if latest is None:
            return True
        [first] = [log.first_seq for log in logs.every(tx) if log.number == latest.log]
        return not _MOVES.isdisjoint(ledger.counted(tx, first + latest.size - 1))


def checkpoint_files(parts: Parts) -> list[Path]:
    """Where the latest checkpoint lies: with the gateway itself, and in every party's outbox."""
    parties = {party.id for agreed in parts.agreed.values() for party in agreed.agreement.parties}
    return [parts.home.checkpoint, *(parts.home.checkpoint_of(party) for party in sorted(parties))]
