"""Commands of the registers: what there is, a new entry, a step of one, both parties' sign-off."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gateway.agreement.windows import LONDON
from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.entering import OFFICER, TEXT_FILE, agreement_of, at_work, due_of, enter
from gateway.cli.opening import keyring_of
from gateway.cli.queries import written
from gateway.cli.words import say, say_json, say_table
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.statements import LARGEST_SIGNATURE
from gateway.engine.parts import Parts
from gateway.receipts.texts import taken
from gateway.records import registers
from gateway.records.registers import REGISTERS, Kept
from gateway.store import registers as rows
from gateway.store.registers import EntryRow

_FILE = click.Path(path_type=Path)
_ENTRY = click.argument("entry_id", metavar="ENTRY")


@click.group("register")
def register() -> None:
    """The registers: requests, incidents, reviews, training, meetings, looks, feedback."""


register.add_command(enter)


# --- looking --------------------------------------------------------------------------------------


@register.command("list")
@click.option("--register", "only", type=click.Choice(tuple(REGISTERS)), help="Of that one alone.")
@click.option("--all", "ended_too", is_flag=True, help="Entries that have ended as well.")
@JSON
@NOW
@click.pass_obj
def list_entries(
    cli: Cli, only: str | None, ended_too: bool, as_json: bool, now: str | None
) -> None:
    """List the entries: whose, since when, until when. What they say, `register show` tells."""
    with cli.parts(now) as (parts, at), parts.database.transaction() as tx:
        known = rows.listed(tx, (only,) if only else (), ended_too=ended_too)
    if as_json:
        say_json({"entries": [_as_json(row) for row in known]})
        return
    shown = [
        (row.id, row.register, row.party, row.state, str(row.opened_on), due_of(row, at))
        for row in known
    ]
    say_table("Registers", ("Entry", "Register", "Party", "State", "Of", "Due"), shown)
    if not shown:
        say("No entries.")


def _as_json(row: EntryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "register": row.register,
        "party": row.party,
        "state": row.state,
        "opened_on": row.opened_on.isoformat(),
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "made_at": row.made_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
    }


@register.command("show")
@_ENTRY
@click.option("--statement", "target", type=_FILE, help="Write the bytes that both parties sign.")
@NOW
@click.pass_obj
def show(cli: Cli, entry_id: str, target: Path | None, now: str | None) -> None:
    """Show what ENTRY says, its steps, and what may be done next."""
    with cli.parts(now) as (parts, at):
        with parts.database.transaction() as tx:
            kept = registers.read(tx, parts.sealer, entry_id)
        _say_entry(parts, kept, at)
        if target is not None:
            target.write_bytes(registers.statement(kept))
            say(f"Sign it with: gpg --armor --detach-sign {target}")
            say(f"Then: register sign {entry_id} --officer OFFICER --signature {target}.asc")


def _say_entry(parts: Parts, kept: Kept, now: datetime) -> None:
    row, progress = kept.row, kept.progress
    say(f"{progress.rules.title} (clause {progress.rules.clause}): {row.id}, of {row.opened_on}.")
    say(f"  {row.party} answers for it. It is {row.state}.")
    if due := due_of(row, now):
        say(f"  Due: {due}.")
    for name, value in kept.fields.items():
        say(f"  {name}: {value}")
    say(f"  {kept.words}")
    for item in kept.steps:
        step = f"  {item.number}. {item.step}, {item.party}, {item.officer}"
        say(f"{step}, {item.at.astimezone(LONDON):%Y-%m-%d %H:%M}{_standing(parts, kept, item)}")
        if item.words:
            say(f"     {item.words}")
    if kept.proposal is not None:
        say(f"  Both parties sign words with the SHA-256 {kept.proposal[1]}.")
    for party in progress.parties:
        if left := registers.steps_left(progress, party):
            say(f"  {party} may take: {', '.join(left)}.")


def _standing(parts: Parts, kept: Kept, item: registers.Taken) -> str:
    """Of a signature over the words as they are proposed now: whether it counts by today's keys."""
    if item.signature is None or item.number < (kept.progress.proposal or 0):
        return ""
    if registers.stands(parts.officers, parts.openpgp, kept, item):
        return ": signed"
    return ": signed by a key that is not pinned now, or by an officer who has left"


# --- taking steps ---------------------------------------------------------------------------------


@register.command("step")
@_ENTRY
@click.argument("step", metavar="STEP")
@OFFICER
@click.option("--text-file", type=TEXT_FILE, help="A file with words, or -; most steps take some.")
@NOW
@click.pass_obj
def step_taken(
    cli: Cli, entry_id: str, step: str, officer: str, text_file: Path | None, now: str | None
) -> None:
    """Take a STEP of ENTRY that needs no signature; `register show` names those left."""
    words = taken(written(text_file)) if text_file else ""
    with at_work(cli, now) as (parts, at), parts.database.transaction() as tx:
        known = (parts.sealer, parts.officers, entry_id, step, officer, words, at)
        kept = registers.take(tx, *known, agreement_of(parts))
    say(f"Noted: {step} of {entry_id}. It is {kept.row.state}.")


@register.command("sign")
@_ENTRY
@OFFICER
@click.option("--signature", type=_FILE, help="A signature made elsewhere (`register show`).")
@NOW
@click.pass_obj
def sign(cli: Cli, entry_id: str, officer: str, signature: Path | None, now: str | None) -> None:
    """Sign the words proposed in ENTRY for the officer's party; an approver of each party does."""
    with at_work(cli, now) as (parts, at):
        if signature is None:
            signed = _sign_here(parts, entry_id, officer, at if now else None)
        else:
            with signature.open("rb") as file:
                signed = file.read(LARGEST_SIGNATURE + 1)
        known = (parts.sealer, parts.officers, parts.openpgp, entry_id, officer, signed, at)
        kept = registers.sign_off(parts.database, *known, agreement_of(parts))
    if kept.row.state == "agreed":
        say(f"Agreed: both parties have signed the words of {entry_id}.")
    else:
        waiting = ", ".join(sorted(set(kept.progress.parties) - kept.progress.signed))
        say(f"Noted: {entry_id} waits for the signature of {waiting}.")


def _sign_here(parts: Parts, entry_id: str, officer_id: str, faked: datetime | None) -> bytes:
    """The officer's signature, by the keys of who runs this; none where the officer has no key.

    What is wrong then, `sign_off` says. Raises CryptoFault and RegisterRefused.
    """
    officer = next((item for item in parts.officers if item.id == officer_id), None)
    if officer is None or officer.key is None:
        return b""
    with parts.database.transaction() as tx:
        kept = registers.read(tx, parts.sealer, entry_id)
    with OpenPGP(keyring_of(parts.home, officer.id), faked) as openpgp:
        return registers.signed_statement(openpgp, kept, officer.key)


COMMANDS = (register,)
