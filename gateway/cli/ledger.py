"""Commands of the ledger: verify, head, checkpoint, prove, export; recover, rotate-key."""

import sys
from pathlib import Path

import click

from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.words import say, say_error, say_json
from gateway.crypto.notes import read_keys
from gateway.engine.lock import only_worker
from gateway.engine.logkeeping import new_checkpoint
from gateway.engine.recovery import ask_key_change, ask_recovery, gap_of
from gateway.records import ledger as book
from gateway.records.checkpoints import unsound
from gateway.records.logfiles import export_log, proof_of
from gateway.store import checkpoints
from gateway.store.requests import RequestRow

_PATIENCE_SECONDS = 60.0
_OFFICER = click.option("--officer", required=True, help="Who asks: an officer of a signatory.")
_REASON = click.option("--reason", required=True, help="Why, in a sentence; kept encrypted.")


@click.group()
def ledger() -> None:
    """The record of everything that happened: verify it, prove it, give it out."""


@ledger.command()
@JSON
@click.pass_obj
def verify(cli: Cli, as_json: bool) -> None:
    """Compute the whole ledger anew, and every checkpoint. Exit code: 0 sound, 1 not."""
    with cli.parts() as (parts, _):
        checked = book.verify(parts.database)
        wrong = unsound(parts.database, read_keys(parts.home.log_keys))
    if as_json:
        told = {"leaves": checked.leaves, "wrong_leaves": list(checked.wrong)}
        say_json({**told, "wrong_checkpoints": wrong, "sound": not (checked.wrong or wrong)})
    elif checked.wrong or wrong:
        places = ", ".join(map(str, checked.wrong)) or "none"
        sizes = ", ".join(map(str, wrong)) or "none"
        say_error(
            "ledger.unsound",
            f"The ledger is not as it was written. Leaves: {places}. Checkpoints: {sizes}.",
            "Stop the gateway, keep the database as it is, and see docs/ledger.md.",
        )
    else:
        say(f"The ledger is sound: {checked.leaves} leaves, each in its place.")
    sys.exit(1 if checked.wrong or wrong else 0)


@ledger.command()
@JSON
@click.pass_obj
def head(cli: Cli, as_json: bool) -> None:
    """Show how many leaves there are, the root over them, and the latest checkpoint."""
    with cli.parts() as (parts, _), parts.database.transaction() as tx:
        now, latest = book.head(tx), checkpoints.latest(tx)
    if as_json:
        told = {"log": now.log, "origin": now.origin, "size": now.size, "root": now.root.hex()}
        say_json({**told, "checkpoint": latest.note if latest else None})
        return
    say(f"{now.origin}: {now.size} leaves, root {now.root.hex()}")
    say(latest.note if latest else "No checkpoint has been made yet: the next tick makes one.")


@ledger.command()
@NOW
@click.pass_obj
def checkpoint(cli: Cli, now: str | None) -> None:
    """Sign the ledger as it stands, and place the checkpoint for the parties."""
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        say(new_checkpoint(parts, at).note)


@ledger.command()
@click.argument("seq", type=click.IntRange(min=1))
@click.pass_obj
def prove(cli: Cli, seq: int) -> None:
    """Prove by JSON that the leaf at place SEQ is under the latest checkpoint."""
    with cli.parts() as (parts, _), parts.database.transaction() as tx:
        proof = proof_of(tx, seq)
    if proof is None:
        say_error(
            "ledger.no-proof",
            "No checkpoint covers a leaf at that place.",
            "`ledger head` shows how many there are; `ledger checkpoint` makes a new one.",
        )
        sys.exit(1)
    say_json(proof)


@ledger.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@NOW
@click.pass_obj
def export(cli: Cli, folder: Path, now: str | None) -> None:
    """Write the whole log into a new FOLDER, for anyone to verify without the gateway."""
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError("That folder is not empty. Name a new one.")
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        new_checkpoint(parts, at)
        with parts.database.transaction() as tx:
            size = export_log(tx, parts.home.log_keys, folder)
    say(f"{size} leaves written to {folder}. Verify them with tools/verify_evidence.py.")


@ledger.command()
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def recover(cli: Cli, officer: str, reason: str, now: str | None) -> None:
    """Ask for a new log, where the ledger does not add to a checkpoint that was shown.

    It cites the last checkpoint that anybody was shown, and lists what is gone. Dispatch goes on
    when an approver of each party has signed.
    """
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        gap = gap_of(parts)
        row = ask_recovery(parts, officer, reason, at)
    if gap is not None:
        say(f"Gone: leaves {gap.first} to {gap.last} of {gap.cited.origin}.")
        for package in gap.packages:
            say(f"  {package} lies in an outbox, and the database does not know it.")
    _say_next(row)


@ledger.command("rotate-key")
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def rotate_key(cli: Cli, officer: str, reason: str, now: str | None) -> None:
    """Ask for a new key of checkpoints, because the old is due, known to others, or lost."""
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        row = ask_key_change(parts, officer, reason, at)
    _say_next(row)


def _say_next(request: RequestRow) -> None:
    say(f"Request {request.id}: {request.act} of {request.subject}.")
    say("  An approver of each party signs it: `approve`. The next tick carries it out.")


COMMANDS = (ledger,)
