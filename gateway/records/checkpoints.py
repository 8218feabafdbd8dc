"""Checkpoints: the gateway's signed word on how many leaves its log has, and the root over them.

The form is C2SP's tlog-checkpoint, a signed note of three lines: the log's origin, its size, and
the root in base64. Whoever has seen one can tell later whether the log still adds to it alone.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import NoteKey, NoteSigner, open_note, sign_note, text_of
from gateway.crypto.outputs import kept_if_whole
from gateway.records.leaf import Fact
from gateway.records.ledger import Head, event, head, record, root_at, size_of
from gateway.records.merkle import HASH_SIZE
from gateway.store import checkpoints as rows
from gateway.store import ledger, logs
from gateway.store.checkpoints import CheckpointRow
from gateway.store.database import Database, Transaction
from gateway.store.logs import LogRow

Agreement = Literal["consistent", "ahead", "forked", "unknown", "recovered"]
_READABLE = 0o640


@dataclass(frozen=True)
class Seen:
    """What a checkpoint says: the root over the first ``size`` leaves of the log ``origin``."""

    origin: str
    size: int
    root: bytes


def signer_name(home_id: str) -> str:
    """The name of a home's keys of checkpoints."""
    return f"gateway/{home_id}"


def text_for(now: Head | Seen) -> str:
    """The three lines that are signed."""
    return f"{now.origin}\n{now.size}\n{base64.b64encode(now.root).decode()}\n"


def log_number(origin: str) -> int:
    """The number of the log of that origin; 0 for what is no log's origin."""
    number = origin.rpartition("/")[2]
    return int(number) if number.isdecimal() else 0


def read_text(text: str) -> Seen:
    """What the text of a note says. Raises CryptoFault checkpoint.malformed.

    Lines after the third are extensions, which C2SP has a reader pass over.
    """
    lines = text.split("\n")
    try:
        origin, size, told = lines[:3]
        root = base64.b64decode(told, validate=True)
        whole = origin and size == str(int(size)) and len(root) == HASH_SIZE and int(size) >= 0
        if not whole or not text.endswith("\n"):
            raise ValueError
    except (ValueError, binascii.Error):
        raise CryptoFault(
            "checkpoint.malformed",
            "That is no checkpoint of a ledger.",
            "Get it anew: it may have been cut or altered on its way.",
        ) from None
    return Seen(origin, int(size), root)


def read(note: str, known: Iterable[NoteKey]) -> Seen:
    """What a note says that a known key signed. Raises CryptoFault note.*, checkpoint.malformed."""
    return read_text(open_note(note, known)[0])


def unverified(note: str) -> Seen:
    """What a note says, whoever signed it. Raises CryptoFault."""
    return read_text(text_of(note))


def make_checkpoint(
    tx: Transaction, signer: NoteSigner, now: datetime, before: Sequence[NoteSigner] = ()
) -> CheckpointRow:
    """Sign the log as it stands; where nothing was added since, the latest is given again.

    ``before``: keys that sign it as well, so that who knows them comes to trust the new one.
    The leaf that tells of a checkpoint comes after it and is in the next: it adds nothing.
    """
    stands = head(tx)
    latest = rows.latest(tx)
    if latest is not None and (latest.log, latest.size + 1) == (stands.log, stands.size):
        return latest
    row = CheckpointRow(
        stands.log, stands.size, stands.root, sign_note(text_for(stands), [*before, signer]), now
    )
    rows.add(tx, row)
    facts: dict[str, Fact] = {"log": row.log, "size": row.size, "root": row.root.hex()}
    record(tx, event("checkpoint.made", f"log:{row.log}", facts=facts), now)
    return row


def compare(tx: Transaction, seen: Seen) -> Agreement:
    """How our log stands to what somebody has seen of it.

    ``consistent``: it only adds to that. ``ahead``: they have seen more than we have.
    ``forked``: it had another root then. ``unknown``: we have no such log. ``recovered``: one of
    these three, and a later log cites what was lost, as both parties have approved.
    """
    every = logs.every(tx)
    log = next((item for item in every if item.origin == seen.origin), None)
    stands: Agreement
    if log is None:
        stands = "unknown"
    elif seen.size > size_of(tx, log):
        stands = "ahead"
    else:
        stands = "consistent" if root_at(tx, log, seen.size) == seen.root else "forked"
    if stands != "consistent" and any(_cites(item, seen, stands) for item in every):
        return "recovered"
    return stands


def _cites(log: LogRow, seen: Seen, stands: Agreement) -> bool:
    """Whether a log was opened because of what was seen, or of more than that."""
    if log.cites is None:
        return False
    cited = read_text(log.cites)
    if cited.origin == seen.origin:
        return seen.size <= cited.size
    return stands != "forked" and log_number(seen.origin) < log_number(cited.origin)


def unsound(database: Database, known: Iterable[NoteKey]) -> list[int]:
    """The sizes of kept checkpoints that no known key signed, or that the log does not bear out."""
    keys, wrong = tuple(known), []
    with database.transaction() as tx:
        for row in rows.every(tx):
            try:
                seen = read(row.note, keys)
            except CryptoFault:
                wrong.append(row.size)
                continue
            same = (seen.size, seen.root) == (row.size, row.root)
            if not same or _compared(tx, seen) != "consistent":
                wrong.append(row.size)
    return wrong


def _compared(tx: Transaction, seen: Seen) -> Agreement:
    try:
        return compare(tx, seen)
    except KeyError:  # a leaf is gone
        return "forked"


def give_out(
    row: CheckpointRow, targets: Iterable[Path], confirm: Callable[[], None] = lambda: None
) -> None:
    """Write a checkpoint durably into files, in place of earlier ones. Raises OSError.

    ``confirm`` raises where another may have given out a later one (`dispatch.place.place`).
    """
    for target in targets:
        if target.is_file() and target.read_text(encoding="utf-8") == row.note:
            continue
        with kept_if_whole(target) as part:
            part.write_text(row.note, encoding="utf-8")
            confirm()
        target.chmod(_READABLE)


def nothing_since(tx: Transaction, row: CheckpointRow) -> bool:
    """Whether nothing but the leaf that tells of it was added after a checkpoint."""
    log = logs.latest(tx)
    first = log.first_seq if log else 1
    return ledger.last_seq(tx) - first + 1 <= row.size + 1
