"""`rehearse`: a test package to a party by the real route, until its three receipts are back."""

import click

from gateway.cli.context import NOW, PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_error
from gateway.engine.faults import as_fault
from gateway.engine.lock import only_worker
from gateway.engine.rehearse import rehearse


@click.command("rehearse")
@click.argument("party")
@click.option("--flow", "flow_id", help="Which flow that it receives. Default: the first.")
@NOW
@click.pass_obj
def rehearse_command(cli: Cli, party: str, flow_id: str | None, now: str | None) -> None:
    """Send PARTY a made-up package by the real route. It ends when its receipts are back."""
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        begun = rehearse(parts, party, at, flow_id)
    say(f"Begun: {begun.package_id}, with made-up rows marked REHEARSAL.")
    for placed in begun.placed:
        if placed.fault is None:
            say(f"  placed for {placed.party}: {placed.path}")
        else:
            fault = as_fault(placed.subject, placed.fault)
            say_error(fault.code, fault.words, "The next tick tries again.")
    say(f"{party} collects, opens and accepts it, as any package. `status` shows how far it is.")


COMMANDS = (rehearse_command,)
