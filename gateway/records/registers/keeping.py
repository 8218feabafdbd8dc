"""Keeping the registers: an entry made, a step taken, in the caller's transaction.

The ledger has each entry, step and move, with the officer as a commitment.
"""

import secrets
from datetime import datetime

import rfc8785

from gateway.crypto.sealing import Sealer
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.records.registers.progress import Progress, after, begun, rule_of
from gateway.records.registers.reading import Kept, moment, named, read, step_named
from gateway.records.registers.rules import GATEWAY, RegisterRefused
from gateway.records.registers.staff import Person, Staff, require_writer
from gateway.records.registers.wanted import Wanted, said
from gateway.store import people
from gateway.store import registers as rows
from gateway.store.database import Transaction
from gateway.store.registers import EntryRow, StepRow

# Those that an agent of a party keeps as well: its own people's training, its own account.
_OF_AGENTS = frozenset({"training", "monitoring"})


# --- making an entry ------------------------------------------------------------------------------


def enter(
    tx: Transaction,
    sealer: Sealer,
    officers: Staff,
    wanted: Wanted,
    officer_id: str,
    now: datetime,
    agreement_hash: str = "",
) -> EntryRow:
    """Make an entry, for which the officer's party answers.

    A look at the account that is noted already is not noted again; the earlier one is given.
    Raises RegisterRefused, and what ``officers.get`` raises.
    """
    officer = officers.get(officer_id)
    require_writer(officer)
    progress = begun(wanted.register, officer.party, officers.signatories)
    _require_fit(officers, wanted, officer)
    if wanted.person is not None:
        _require_own_person(tx, officers, wanted.person, officer)
    if wanted.register == "monitoring":
        known = rows.of_day(tx, "monitoring", officer.party, wanted.opened_on)
        if known is not None:
            return known
    earlier = _followed(tx, sealer, wanted, officer)
    entry = _made(sealer, progress, wanted, now)
    rows.add(tx, entry)
    facts: dict[str, Fact] = {"register": entry.register, "party": entry.party}
    subject, who = f"register:{entry.id}", {"officer": officer.id}
    record(tx, event("register.entered", subject, agreement_hash, facts, who), now)
    if wanted.person is not None:
        kept = read(tx, sealer, entry.id)
        _add(tx, sealer, kept, "completed", officer.party, wanted.person, "", now, agreement_hash)
    if _is_followed(tx, entry):
        earlier.append(("followed", read(tx, sealer, entry.id)))
    for step, kept in earlier:
        _add(tx, sealer, kept, step, officer.party, officer.id, "", now, agreement_hash)
    return read(tx, sealer, entry.id).row


def _require_fit(officers: Staff, wanted: Wanted, officer: Person) -> None:
    signs = officer.party in officers.signatories
    if not signs and wanted.register not in _OF_AGENTS:
        raise RegisterRefused(
            "register.not-a-party",
            "That officer's party has not signed the agreement itself.",
            "An officer of a party that signs it makes the entry.",
        )
    if wanted.person == officer.id:
        raise RegisterRefused(
            "register.own-training",
            "Nobody notes their own training.",
            "Another officer of the party does.",
        )
    if wanted.register == "meeting" and not set(officers.signatories) <= set(wanted.attended):
        raise RegisterRefused(
            "register.attended",
            "A meeting of the bodies is one that all of them attended.",
            f"They are {', '.join(officers.signatories)}.",
        )


def _require_own_person(tx: Transaction, officers: Staff, who: str, officer: Person) -> None:
    """A party notes the training of its own people, each by the one id that is asked for."""
    person = people.get(tx, who)
    if person is not None and person.officer is not None:
        raise RegisterRefused(
            "register.person",
            "That person is an officer, and known in the registers as the officer.",
            f"Enter it for {person.officer}.",
        )
    parties = {item.party for item in officers if item.id == who}
    parties |= {person.party} if person is not None else set()
    if parties - {officer.party}:
        raise RegisterRefused(
            "register.not-yours",
            "That is another party's person.",
            "An officer of that party notes their training.",
        )


def _followed(
    tx: Transaction, sealer: Sealer, wanted: Wanted, officer: Person
) -> list[tuple[str, Kept]]:
    """The entries that the new one ends: a person's earlier training, the meeting before.

    Raises RegisterRefused where what is on record lasts as long.
    """
    if wanted.person is not None and wanted.due_at is not None:
        noted = rows.trained(tx, "completed", wanted.person)
        known = [row for row in noted if row.party == officer.party]
        if any(row.due_at >= wanted.due_at for row in known):
            raise RegisterRefused(
                "register.repeated",
                "Training of that person that lasts as long is on record already.",
                "`register list --register training` shows it. Nothing was changed.",
            )
        return [("renewed", read(tx, sealer, row.entry_id)) for row in known]
    if wanted.register == "meeting":
        before = rows.listed(tx, ("meeting",), ended_too=False)
        return [
            ("followed", read(tx, sealer, row.id))
            for row in before
            if row.opened_on <= wanted.opened_on
        ]
    return []


def _is_followed(tx: Transaction, entry: EntryRow) -> bool:
    """Whether a later meeting was entered before this one: then nothing waits for the next."""
    known = rows.listed(tx, ("meeting",), ended_too=False)
    return entry.register == "meeting" and any(row.opened_on > entry.opened_on for row in known)


def _made(sealer: Sealer, progress: Progress, wanted: Wanted, now: datetime) -> EntryRow:
    entry_id = f"{wanted.register}-{secrets.token_hex(6)}"
    bare = EntryRow(
        entry_id,
        wanted.register,
        progress.party,
        progress.state,
        wanted.opened_on,
        wanted.due_at,
        b"",
        now,
        now if progress.ended else None,
    )
    said_of_it = {
        **named(bare),
        "due": moment(wanted.due_at),
        "fields": dict(wanted.fields),
        "parties": list(progress.parties),
        "salt": secrets.token_hex(16),
        "words": wanted.words,
    }
    sealed = sealer.seal(rfc8785.dumps(said_of_it), f"register:{entry_id}")
    return EntryRow(**(vars(bare) | {"body_sealed": sealed}))


# --- taking a step --------------------------------------------------------------------------------


def take(
    tx: Transaction,
    sealer: Sealer,
    officers: Staff,
    entry_id: str,
    step: str,
    officer_id: str,
    words: str,
    now: datetime,
    agreement_hash: str = "",
) -> Kept:
    """An officer takes a step that needs no signature; the entry after it.

    Raises RegisterRefused, and what ``officers.get`` raises; nothing is changed then.
    """
    officer = officers.get(officer_id)
    require_writer(officer)
    kept = read(tx, sealer, entry_id)
    rule = rule_of(kept.progress, step)
    if rule.signed:
        raise RegisterRefused(
            "register.not-signed",
            "That step takes an officer's signature.",
            "Sign it with `register sign`.",
        )
    if not rule.by_hand:
        raise RegisterRefused(
            "register.not-by-hand",
            "That step comes with another act, and by nobody's hand.",
            "`register show` tells the steps that may be taken.",
        )
    if words or rule.words:
        words = said(words)
    known = (officer.party, officer.id, words, now, agreement_hash)
    return _add(tx, sealer, kept, step, *known)


def take_signed(
    tx: Transaction,
    sealer: Sealer,
    kept: Kept,
    officer: Person,
    signature: bytes,
    now: datetime,
    agreement_hash: str = "",
) -> Kept:
    """Add an officer's sign-off, whose signature `signing` has verified. Raises RegisterRefused."""
    known = (officer.party, officer.id, "", now, agreement_hash, signature)
    return _add(tx, sealer, kept, "agreed", *known)


def lapse(tx: Transaction, sealer: Sealer, entry_id: str, now: datetime) -> None:
    """Training has come to its end: time alone has brought it. Raises RegisterRefused."""
    kept = read(tx, sealer, entry_id)
    if kept.row.due_at is None or now < kept.row.due_at:
        raise RegisterRefused(
            "register.too-early", "It has not lapsed.", "Nothing is to be done about it."
        )
    _add(tx, sealer, kept, "lapsed", kept.row.party, GATEWAY, "", now, "")


def _add(
    tx: Transaction,
    sealer: Sealer,
    kept: Kept,
    step: str,
    party: str,
    officer: str,
    words: str,
    now: datetime,
    agreement_hash: str,
    signature: bytes | None = None,
) -> Kept:
    """Add a step to an entry as it stands, with all that follows from it."""
    entry = kept.row
    moved = after(kept.progress, step, party)
    bare = StepRow(entry.id, step, party, officer, None, signature, now)
    told = {**step_named(bare, moved.number), "salt": secrets.token_hex(16), "words": words}
    sealed = sealer.seal(rfc8785.dumps(told), f"register:{entry.id}:{moved.number}")
    rows.add_step(tx, StepRow(**(vars(bare) | {"words_sealed": sealed})))
    subject, who = f"register:{entry.id}", {"officer": officer}
    facts: dict[str, Fact] = {"register": entry.register, "party": party, "step": step}
    record(tx, event("register.step", subject, agreement_hash, facts, who), now)
    if moved.state != kept.progress.state:
        changed: dict[str, Fact] = {
            "register": entry.register,
            "party": entry.party,
            "to": moved.state,
        }
        happened = event("register.moved", subject, agreement_hash, changed)
        values = {"ended_at": now} if moved.ended else {}
        key, frm = {"id": entry.id}, kept.progress.state
        move(tx, "register", key, frm, moved.state, happened, now, values)
    if moved.ico and not kept.progress.ico:
        rows.set_due(tx, entry.id, None)
    return read(tx, sealer, entry.id)
