"""Both parties sign off the same words: a detached OpenPGP signature of an approver of each.

What is signed is one line of canonical JSON (RFC 8785), ``{"format": "gateway-signoff/1", entry,
register, party, opened_on, digest}``, with the SHA-256 of the words as they are sealed, salt
included. A signature therefore serves for one entry and for no other words; words proposed anew
are signed anew.
"""

import tempfile
from datetime import datetime
from pathlib import Path

import rfc8785

from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import require_usable
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.sealing import Sealer
from gateway.crypto.statements import verify_statement
from gateway.records.registers.keeping import take_signed
from gateway.records.registers.progress import after
from gateway.records.registers.reading import Kept, Taken, read
from gateway.records.registers.rules import RegisterRefused
from gateway.records.registers.staff import Person, Staff, require_signer
from gateway.store.database import Database, Transaction

_CODES = {
    "signature.missing": "register.not-signed",
    "signature.wrong-key": "register.wrong-key",
    "signature.bad": "register.bad-signature",
}


def statement(kept: Kept) -> bytes:
    """What an approver of each party signs. Raises RegisterRefused where nothing is proposed."""
    proposal = kept.proposal
    if proposal is None:
        raise RegisterRefused(
            "register.too-early",
            "There are no words yet that the parties could sign.",
            "Propose some with the step `proposed`, in a register that has it.",
        )
    said = {
        "digest": proposal[1],
        "entry": kept.row.id,
        "format": "gateway-signoff/1",
        "opened_on": kept.row.opened_on.isoformat(),
        "party": kept.row.party,
        "register": kept.row.register,
    }
    return rfc8785.dumps(said) + b"\n"


def signed_statement(openpgp: OpenPGP, kept: Kept, signer: str) -> bytes:
    """Sign the statement with a key of that keyring. Raises CryptoFault and RegisterRefused."""
    with tempfile.TemporaryDirectory(prefix="signoff-") as folder:
        said, made = Path(folder, "statement"), Path(folder, "signature")
        said.write_bytes(statement(kept))
        openpgp.detach_sign(said, made, signer)
        return made.read_bytes()


def sign_off(
    database: Database,
    sealer: Sealer,
    officers: Staff,
    openpgp: OpenPGP,
    entry_id: str,
    officer_id: str,
    signature: bytes,
    now: datetime,
    agreement_hash: str = "",
) -> Kept:
    """Count an approver's signature over `statement`; with the last one the words are agreed.

    Earlier signatures over the same words are judged anew by then. Gives the entry as it is then.
    Raises RegisterRefused, with nothing changed, and what ``officers.get`` raises.
    """
    with database.transaction() as tx:
        kept, officer, key = _judged(tx, sealer, officers, entry_id, officer_id)
    said = statement(kept)
    _require_signed(openpgp, said, signature, key, now)
    for earlier in _signed(kept):
        if not stands(officers, openpgp, kept, earlier):
            raise _not_proven()
    with database.transaction() as tx:
        kept, officer, _ = _judged(tx, sealer, officers, entry_id, officer_id)
        if statement(kept) != said:
            raise RegisterRefused(
                "register.changed",
                "Other words were proposed in the meantime.",
                "Read them (`register show`), and sign those.",
            )
        return take_signed(tx, sealer, kept, officer, signature, now, agreement_hash)


def stands(officers: Staff, openpgp: OpenPGP, kept: Kept, taken: Taken) -> bool:
    """Whether a sign-off counts by what is pinned now: its officer in office, its signature good.

    Of words already agreed that says no more than that: an officer may have left since.
    """
    officer = next((item for item in officers if item.id == taken.officer), None)
    if officer is None or taken.signature is None or officer.party != taken.party:
        return False
    try:
        key = require_signer(officer)
        _verify(openpgp, statement(kept), taken.signature, key)
    except RegisterRefused:
        return False
    except CryptoFault as fault:
        if not _is_of_signer(fault):
            raise
        return False
    return True


def _signed(kept: Kept) -> list[Taken]:
    """The sign-offs of the words as they are proposed now."""
    since = kept.progress.proposal or 0
    return [item for item in kept.of("agreed") if item.number > since]


def _judged(
    tx: Transaction, sealer: Sealer, officers: Staff, entry_id: str, officer_id: str
) -> tuple[Kept, Person, str]:
    """The entry, the officer who may sign it now, and the officer's key."""
    officer = officers.get(officer_id)
    key = require_signer(officer)
    kept = read(tx, sealer, entry_id)
    after(kept.progress, "agreed", officer.party)
    return kept, officer, key


def _require_signed(
    openpgp: OpenPGP, said: bytes, signature: bytes, key: str, now: datetime
) -> None:
    try:
        require_usable(openpgp, key, now, "sign")
        _verify(openpgp, said, signature, key)
    except CryptoFault as fault:
        if not _is_of_signer(fault):
            raise
        code = _CODES.get(fault.code, "register.key-unusable")
        raise RegisterRefused(code, fault.args[0], fault.hint) from fault


def _verify(openpgp: OpenPGP, said: bytes, signature: bytes, key: str) -> None:
    verify_statement(openpgp, said, signature, key)


def _is_of_signer(fault: CryptoFault) -> bool:
    """Whether it lies with the signature or its key, and not with gpg or this computer."""
    return fault.code.startswith(("signature.", "key."))


def _not_proven() -> RegisterRefused:
    return RegisterRefused(
        "register.not-proven",
        "The other party's signature counts no more: its officer has gone, or the key has.",
        "Propose the words anew (`proposed`), and have an approver of each party sign them.",
    )
