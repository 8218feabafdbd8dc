"""`acknowledge`: a named officer's signed receipt."""

from pathlib import Path

import click

from gateway.cli.context import NOW, Cli
from gateway.cli.opening import receipt_of_officer
from gateway.cli.words import say
from gateway.receipts.receipt import ReceiptKind


@click.command()
@click.argument("package")
@click.option("--party", required=True, help="The recipient that the officer acts for.")
@click.option("--officer", required=True, help="Who accepts: the officer's id.")
@click.option("--query", "kind", flag_value="queried", help="Say that there is a query about it.")
@click.option(
    "--quarantine", "kind", flag_value="quarantined", help="A recalled package is kept apart."
)
@click.option("--to", type=click.Path(path_type=Path), help="The folder for the receipt.")
@NOW
@click.pass_obj
def acknowledge(
    cli: Cli,
    package: str,
    party: str,
    officer: str,
    kind: ReceiptKind | None,
    to: Path | None,
    now: str | None,
) -> None:
    """Sign, as a named officer, that PACKAGE (its file, or its id) is accepted.

    In a rehearsal the receipt is laid into the party's inbox, unless --to names a folder; else
    beside the package, to be sent. The next tick takes it.
    """
    said = kind or "accepted"
    path = receipt_of_officer(cli.home, package, party, officer, said, to, now)
    say(f"Signed by {officer}: {party} has {said} the package. Send it with its .asc:")
    say(f"  {path}")


COMMANDS = (acknowledge,)
