"""A new log where the old one lost its end or its past was changed; a new key of checkpoints.

Both are asked for by an officer, and approved by one of each party that signs the agreement. The
new log cites the highest checkpoint that anybody was shown, so that all can see what is gone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.access.approvals import ApprovalRefused, make_request, note_refusal
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import NoteKey, NoteSigner, add_key, make_log_key, read_keys
from gateway.engine.logkeeping import checkpoint_files
from gateway.engine.parts import Parts
from gateway.receipts.recall import ActRefused
from gateway.receipts.witness import SUBJECT
from gateway.records.alarms import clear_about
from gateway.records.checkpoints import (
    Seen,
    compare,
    give_out,
    log_number,
    make_checkpoint,
    read,
    read_text,
    signer_name,
    text_for,
)
from gateway.records.leaf import Fact
from gateway.records.ledger import event, head, open_log, record, size_of
from gateway.store import logs, meta, packages, witnesses
from gateway.store.database import Transaction
from gateway.store.requests import RequestRow

RECOVER, CHANGE_KEYS = "recover-ledger", "change-keys"
Body = Mapping[str, str | int]


@dataclass(frozen=True)
class Gap:
    """What is gone: leaves ``first`` to ``last`` of the cited log, and packages not known here."""

    cited: Seen
    first: int
    last: int
    packages: tuple[str, ...]


def gap_of(parts: Parts) -> Gap | None:
    """What the database has lost, by all that was given out or shown; None where nothing is."""
    with parts.database.transaction() as tx:
        return _gap(parts, tx)


def _gap(parts: Parts, tx: Transaction) -> Gap | None:
    lost = [seen for _, seen in _shown(parts, tx) if _is_lost(tx, seen)]
    if not lost:
        return None
    cited = max(lost, key=lambda seen: (log_number(seen.origin), seen.size))
    return Gap(cited, _first_lost(tx, cited), cited.size, tuple(_unknown(parts, tx)))


def ask_recovery(parts: Parts, officer_id: str, reason: str, now: datetime) -> RequestRow:
    """An officer asks for a new log. Raises ActRefused, ApprovalRefused (ledgered)."""
    gap = gap_of(parts)
    if gap is None:
        raise ActRefused(
            "ledger.stands",
            "The ledger adds to every checkpoint that was given out: nothing is to be recovered.",
            "`ledger verify` shows whether it is sound in itself.",
        )
    body: dict[str, str | int] = {
        "cites": text_for(gap.cited),
        "lost-from": gap.first,
        "lost-to": gap.last,
        "lost-packages": ", ".join(gap.packages) or "none",
        "reason": reason,
    }
    subject = f"log:{log_number(gap.cited.origin)}"
    return _asked(parts, RECOVER, subject, body, officer_id, now)


def ask_key_change(parts: Parts, officer_id: str, reason: str, now: datetime) -> RequestRow:
    """An officer asks for a new key of checkpoints. Raises ApprovalRefused (ledgered)."""
    return _asked(parts, CHANGE_KEYS, "log:key", {"reason": reason}, officer_id, now)


def _asked(
    parts: Parts, act: str, subject: str, body: Body, officer_id: str, now: datetime
) -> RequestRow:
    try:
        with parts.database.transaction() as tx:
            known = parts.sealer, parts.officers
            return make_request(tx, *known, act, subject, body, officer_id, now)
    except ApprovalRefused as refused:
        note_refusal(parts.database, refused, now)
        raise


# --- carrying it out ------------------------------------------------------------------------------


def recover(tx: Transaction, parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    """Open the next log, which cites what was approved, and list what is gone in its leaves.

    Raises ActRefused ledger.shown-more where more has been shown since it was asked.
    """
    cited = read_text(str(body["cites"]))
    gap = _gap(parts, tx)
    if gap is not None and not _covers(cited, gap.cited):
        raise ActRefused(
            "ledger.shown-more",
            "A later checkpoint has been shown since this was asked for.",
            "Ask anew with `ledger recover`, so that nothing that is gone stays unlisted.",
        )
    shown = _shown(parts, tx)
    opened = open_log(tx, log_number(cited.origin), text_for(cited), request.id, now)
    about = f"log:{opened.number}"
    told: dict[str, Fact] = {"log": opened.number, "origin": opened.origin}
    lost: dict[str, Fact] = {"lost-from": body["lost-from"], "lost-to": body["lost-to"]}
    record(tx, event("log.opened", about, facts=told | lost), now)
    for party, seen in shown:
        if compare(tx, seen) == "recovered":
            facts: dict[str, Fact] = {
                "party": party,
                "log": log_number(seen.origin),
                "size": seen.size,
                "root": seen.root.hex(),
            }
            record(tx, event("witness.lost", about, facts=facts), now)
    for package in gap.packages if gap else ():
        record(tx, event("package.lost", f"package:{package}"), now)
    clear_about(tx, SUBJECT, now)


def change_key(parts: Parts, now: datetime) -> None:
    """Make a new key of checkpoints; the old, where it is usable, signs once more with the new.

    Raises CryptoFault or OSError. A second call after a crash makes another new key.
    """
    path = HomeKeys(parts.home.root).log_key
    with parts.database.transaction() as tx:
        name = signer_name(meta.get(tx, "home.id") or "")
    known = read_keys(parts.home.log_keys)
    try:
        before = [NoteSigner.load(path, name)]
    except CryptoFault:  # it is lost: both parties' approval speaks for the new one
        before = []
    coming = path.with_suffix(".next")
    coming.unlink(missing_ok=True)
    make_log_key(coming)
    signer = NoteSigner.load(coming, name)
    add_key(parts.home.log_keys, signer.key)
    parts.database.confirm()
    coming.replace(path)
    with parts.database.transaction() as tx:
        facts: dict[str, Fact] = {"old": known[-1].id.hex() if known else "none"}
        facts["new"] = signer.key.id.hex()
        record(tx, event("ledger.key-changed", "log:key", facts=facts), now)
        row = make_checkpoint(tx, signer, now, before)
    give_out(row, checkpoint_files(parts), parts.database.confirm)


# --- what was shown -------------------------------------------------------------------------------


def _shown(parts: Parts, tx: Transaction) -> list[tuple[str, Seen]]:
    """Each checkpoint that lies about, by whose folder, and the latest that each party has seen."""
    keys = read_keys(parts.home.log_keys)
    found = dict.fromkeys(_in_files(checkpoint_files(parts), keys))
    origins = {log.number: log.origin for log in logs.every(tx)}
    stem = head(tx).origin.rpartition("/")[0]
    for row in witnesses.latest(tx):
        origin = origins.get(row.log, f"{stem}/{row.log}")
        found[row.party, Seen(origin, row.size, row.root)] = None
    return list(found)


def _in_files(files: list[Path], keys: tuple[NoteKey, ...]) -> Iterator[tuple[str, Seen]]:
    for path in files:
        try:
            seen = read(path.read_text(encoding="utf-8"), keys)
        except (CryptoFault, OSError, UnicodeDecodeError):
            continue
        yield ("gateway" if path.parent.name == "var" else path.parent.name), seen


def _is_lost(tx: Transaction, seen: Seen) -> bool:
    return compare(tx, seen) not in ("consistent", "recovered")


def _covers(cited: Seen, seen: Seen) -> bool:
    one, other = log_number(cited.origin), log_number(seen.origin)
    return (one, cited.size) >= (other, seen.size)


def _first_lost(tx: Transaction, cited: Seen) -> int:
    """The first leaf of the cited log that cannot be relied on."""
    verdict = compare(tx, cited)
    log = next((item for item in logs.every(tx) if item.origin == cited.origin), None)
    if log is None:
        return 1
    if verdict == "ahead":
        return size_of(tx, log) + 1
    agreed = [row.size for row in witnesses.consistent(tx, log.number) if row.size < cited.size]
    return max(agreed, default=0) + 1


def _unknown(parts: Parts, tx: Transaction) -> Iterator[str]:
    """Packages that lie in an outbox and that the database does not know."""
    lying = {
        path.name.partition(".")[0]
        for folder in parts.home.outbox.glob("*/*")
        if folder.is_dir()
        for path in folder.glob("*.manifest.json")
    }
    for name in sorted(lying):
        if packages.get(tx, name) is None:
            yield name
