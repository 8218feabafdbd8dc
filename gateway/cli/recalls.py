"""Commands that ask for an act on what was sent. Two other officers approve; a tick carries out."""

from pathlib import Path

import click

from gateway.cli.context import NOW, PATIENCE_SECONDS, Cli
from gateway.cli.queries import written
from gateway.cli.words import say
from gateway.engine.acts import asking_about, asking_about_drop
from gateway.engine.lock import only_worker
from gateway.receipts.recall import ask_recall
from gateway.receipts.release import Attested, ask_release
from gateway.receipts.supersede import ask_supersede
from gateway.store.requests import RequestRow

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
_OFFICER = click.option("--officer", required=True, help="Who asks: an officer of the sender.")
_REASON = click.option(
    "--reason-file",
    type=_FILE,
    required=True,
    help="A file with the reason (at most 2,000 characters), or - for what is typed in.",
)


@click.command()
@click.argument("package")
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def recall(cli: Cli, package: str, officer: str, reason_file: Path, now: str | None) -> None:
    """Ask that PACKAGE be withdrawn: served no longer, and kept apart by whoever has it."""
    reason = written(reason_file)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        asking = asking_about(parts, package, officer, at)
        _say_next(ask_recall(asking, package, reason))


@click.command()
@click.argument("package")
@click.option("--drop", required=True, help="The corrected drop, which waits for its window.")
@click.option("--alone", is_flag=True, help="Take rows from that drop alone, none from before.")
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def supersede(
    cli: Cli,
    package: str,
    drop: str,
    alone: bool,
    officer: str,
    reason_file: Path,
    now: str | None,
) -> None:
    """Ask that a corrected drop make a new package in the place of PACKAGE."""
    reason = written(reason_file)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        asking = asking_about(parts, package, officer, at)
        _say_next(ask_supersede(asking, package, drop, "alone" if alone else "merged", reason))


@click.command()
@click.argument("drop")
@click.option("--rows", required=True, help="The held rows by number, such as 3,7.")
@click.option("--codes", required=True, help="The findings attested to, such as screen.name.")
@_OFFICER
@NOW
@click.pass_obj
def release(cli: Cli, drop: str, rows: str, codes: str, officer: str, now: str | None) -> None:
    """Ask that held rows of DROP travel: two officers attest that their findings are mistaken.

    They look at their own file; the gateway shows nobody the row.
    """
    attested = Attested.of(drop, rows, codes)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        _say_next(ask_release(asking_about_drop(parts, drop, officer, at), attested))


def _say_next(request: RequestRow) -> None:
    say(f"Request {request.id}: {request.act} of {request.subject}.")
    say("  Two other approvers of the party sign it: `approve`. The next tick carries it out.")


COMMANDS = (recall, supersede, release)
