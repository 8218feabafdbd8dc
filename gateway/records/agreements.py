"""The agreement as signed: versions, what each party has said of them, and whether they stand.

A party signs or withdraws by a detached OpenPGP signature, made with its pinned exchange key, over
``{"format": "gateway-agreement-signature/1", agreement, version, hash, party, kind, at}``
(canonical JSON, RFC 8785, and a line feed). Its latest word on a version counts, and only as long
as its signature verifies: a row that somebody wrote into the database is worth nothing.
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import rfc8785

from gateway.agreement.load import Agreed
from gateway.agreement.windows import london_date
from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins
from gateway.crypto.statements import verify_statement
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store import agreements as rows
from gateway.store.agreements import SignatureRow, VersionRow
from gateway.store.database import Database, Transaction

FORMAT = "gateway-agreement-signature/1"
Word = Literal["signed", "withdrawn"]
LARGEST = 64 * 1024  # bytes of a statement
_GOOD: set[bytes] = set()  # digests of what has verified in this process, keyring and all


class StatementRefused(Refusal):
    """What a party says of an agreement is not taken. Codes: agreement.*"""


@dataclass(frozen=True)
class Standing:
    """How an agreement stands: who has not signed it as it is now, and who has withdrawn.

    ``changed``: an earlier version was signed by all. ``signed_on``: the day of the last party's
    signature, where all have signed.
    """

    unsigned: tuple[str, ...]
    withdrawn: tuple[str, ...]
    changed: bool
    signed_on: date | None

    @property
    def in_force(self) -> bool:
        """Whether every party has signed it as it stands."""
        return not self.unsigned and not self.withdrawn


def is_known(tx: Transaction, agreement_id: str) -> bool:
    """Whether any version of that agreement was ever seen here."""
    return bool(rows.versions(tx, agreement_id))


def note_version(tx: Transaction, agreed: Agreed, now: datetime) -> None:
    """Keep a version's canonical form when it is first seen: packages name theirs by its hash."""
    agreement = agreed.agreement
    if agreed.hash in {row.hash for row in rows.versions(tx, agreement.id)}:
        return
    start = agreement.effective_from
    body = agreed.canonical
    rows.add_version(tx, VersionRow(agreed.hash, agreement.id, agreement.version, body, start, now))
    facts = {"agreement": agreement.id, "version": agreement.version}
    record(tx, event("agreement.seen", f"agreement:{agreement.id}", agreed.hash, facts), now)


def statement_of(agreed: Agreed, party: str, word: Word, at: datetime) -> bytes:
    """What a party signs. Raises StatementRefused agreement.not-a-party."""
    if party not in {item.id for item in agreed.agreement.signatories}:
        raise StatementRefused(
            "agreement.not-a-party",
            "That is no party that signs the agreement.",
            "`agreement status` names those that do.",
        )
    said = {
        "format": FORMAT,
        "agreement": agreed.agreement.id,
        "version": agreed.agreement.version,
        "hash": agreed.hash,
        "party": party,
        "kind": word,
        "at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return rfc8785.dumps(said) + b"\n"


def sign_statement(openpgp: OpenPGP, statement: bytes, signer: str) -> bytes:
    """The detached signature by a key of that keyring. Raises CryptoFault."""
    with tempfile.TemporaryDirectory(prefix="agreement-") as folder:
        said, made = Path(folder, "statement"), Path(folder, "signature")
        said.write_bytes(statement)
        openpgp.detach_sign(said, made, signer)
        return made.read_bytes()


def take_statement(
    database: Database,
    openpgp: OpenPGP,
    pins: Pins,
    agreed: Agreed,
    statement: bytes,
    signature: bytes,
    party: str,
    word: Word,
    now: datetime,
) -> SignatureRow:
    """Keep that ``party`` has said that word of a version, once its signature is verified.

    Raises StatementRefused, or CryptoFault (signature.*, key.*, pins.*).
    """
    said, at = _read(agreed, statement)
    if (said["party"], said["kind"]) != (party, word):
        raise StatementRefused(
            "agreement.statement-of-another",
            "The statement is another party's, or says the contrary.",
            "Look what it says, and who has signed it.",
        )
    key = pins.exchange_of(party)
    verify(openpgp, statement, signature, key)
    digest = hashlib.sha256(signature).hexdigest()
    row = SignatureRow(agreed.hash, party, said["kind"], key, statement, signature, at, now)
    with database.transaction() as tx:
        note_version(tx, agreed, now)
        own = [item for item in rows.signatures(tx, agreed.hash) if item.party == party]
        if own and at <= own[-1].signed_at:
            raise StatementRefused(
                "agreement.statement-old",
                "That party has said something later of this agreement.",
                "Make a new statement with `agreement statement`, and have it signed.",
            )
        rows.add_signature(tx, row)
        facts = {"party": party, "key": key, "signature": digest}
        name = "agreement.signed" if row.kind == "signed" else "agreement.withdrawn"
        record(tx, event(name, f"agreement:{agreed.agreement.id}", agreed.hash, facts), now)
    return row


def _read(agreed: Agreed, statement: bytes) -> tuple[dict[str, Any], datetime]:
    try:
        if len(statement) > LARGEST:
            raise ValueError
        said = json.loads(statement)
        at = datetime.fromisoformat(said["at"])
        if said["kind"] not in get_args(Word):
            raise ValueError
        same = statement_of(agreed, said["party"], said["kind"], at) == statement
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise StatementRefused(
            "agreement.statement-malformed",
            "That is no statement about an agreement.",
            "`agreement statement` writes one; it is signed byte for byte as it is.",
        ) from None
    if not same:
        raise StatementRefused(
            "agreement.statement-of-another",
            "The statement is about another agreement, or about another version of this one.",
            "Make a new one with `agreement statement`, read the agreement, and sign that.",
        )
    return said, at


def verify(openpgp: OpenPGP, statement: bytes, signature: bytes, key: str) -> None:
    """Raises CryptoFault (signature.*, key.*) unless that key signed the statement."""
    verify_statement(openpgp, statement, signature, key)


# --- how it stands --------------------------------------------------------------------------------


def standing(database: Database, openpgp: OpenPGP, pins: Pins, agreed: Agreed) -> Standing:
    """How the agreement stands, by signatures that verify now. Raises CryptoFault for gpg's own."""
    with database.transaction() as tx:
        said = rows.signatures(tx, agreed.hash)
        earlier = [
            rows.signatures(tx, row.hash)
            for row in rows.versions(tx, agreed.agreement.id)
            if row.hash != agreed.hash
        ]
    parties = [party.id for party in agreed.agreement.signatories]
    told = {row.party: row for row in said}  # the last word of each; one that fails is none
    latest = {party: row for party, row in told.items() if _stands(openpgp, pins, agreed.hash, row)}
    unsigned = tuple(party for party in parties if party not in latest)
    withdrawn = tuple(
        party for party in parties if party in latest and latest[party].kind == "withdrawn"
    )
    changed = any({row.party for row in found} >= set(parties) for found in earlier)
    days = [london_date(row.signed_at) for row in latest.values() if row.kind == "signed"]
    whole = not unsigned and not withdrawn
    return Standing(unsigned, withdrawn, changed, max(days) if whole and days else None)


def _stands(openpgp: OpenPGP, pins: Pins, agreement_hash: str, row: SignatureRow) -> bool:
    """Whether a row says what was signed, by its party's key: the one pinned now, or an earlier.

    A signature outlives its key (design §8): a party whose key was renewed has still signed. The
    gateway's keyring has only keys that were pinned here, so no stranger's can pass for one; a key
    revoked as lost takes with it what it signed.
    """
    try:
        said = json.loads(row.statement)
        seen = b"\0".join((row.statement, row.signature, row.fingerprint.encode()))
    except (ValueError, TypeError):
        return False
    told = (said.get("hash"), said.get("party"), said.get("kind"), said.get("format"))
    if told != (agreement_hash, row.party, row.kind, FORMAT):
        return False
    owners = {(party, role) for party, role, key in pins.each() if key == row.fingerprint}
    if owners - {(row.party, "exchange")}:
        return False
    digest = hashlib.sha256(seen + str(openpgp.changed_at).encode()).digest()
    if digest in _GOOD:  # a tick looks every few seconds, and gpg takes its time
        return True
    try:
        verify(openpgp, row.statement, row.signature, row.fingerprint)
    except CryptoFault as fault:
        if not fault.code.startswith(("signature.", "key.")):
            raise
        return False
    _GOOD.add(digest)
    return True
