"""`client`: the recipient's client, which also runs alone (gateway/client.py)."""

import sys

import click

from gateway.client import main


@click.command("client", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def client(words: tuple[str, ...]) -> None:
    """List, fetch, verify, open and receipt packages by the API: `client --help`."""
    sys.exit(main(words))


COMMANDS = (client,)
