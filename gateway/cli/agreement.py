"""Commands about the agreement: explain it, check an edited one, sign it; a sender's template."""

import sys
from pathlib import Path

import click

from gateway.agreement.explain import explain
from gateway.agreement.load import AgreementFaults, load_agreement, load_agreements
from gateway.agreement.template import template
from gateway.bootstrap import agreed_now
from gateway.cli import signing
from gateway.cli.context import Cli
from gateway.cli.words import say

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def agreement() -> None:
    """The agreement: what it says, and whether an edited one holds together."""


@agreement.command("explain")
@click.pass_obj
def explain_command(cli: Cli) -> None:
    """Explain every agreement of the home in plain English, clause by clause."""
    for agreed in load_agreements(cli.home.config):
        say(explain(agreed))


@agreement.command("check")
@click.argument("file", type=_FILE)
@click.pass_obj
def check_command(cli: Cli, file: Path) -> None:
    """Judge an edited agreement FILE: every fault at once, with its path. Exit code 0 or 1."""
    if not file.is_file():
        raise click.UsageError("There is no such file.")
    try:
        agreed = load_agreement(file, cli.home.config / "codes")
    except AgreementFaults as faults:
        for fault in faults.faults:
            say(f"{fault.path}: {fault.message}")
        say(f"{len(faults.faults)} faults. Nothing was changed.")
        sys.exit(1)
    say(f"{agreed.agreement.title}: no faults. Its hash is {agreed.hash}.")


@click.command("template")
@click.option("--flow", "flow_id", required=True, help="The flow to make a template of.")
@click.option("--to", type=_FILE, help="Where to write it. Default: <flow>-template.xlsx here.")
@click.pass_obj
def template_command(cli: Cli, flow_id: str, to: Path | None) -> None:
    """Write a blank workbook for senders: headings, drop-down lists and notes."""
    flows = agreed_now(cli.home)
    if flow_id not in flows:
        raise click.UsageError(f"There is no flow {flow_id}. Flows: {', '.join(flows)}.")
    target = to or Path(f"{flow_id}-template.xlsx")
    target.write_bytes(template(flows[flow_id].rule_book(flow_id)))
    say(f"Written: {target}")


for command in signing.COMMANDS:
    agreement.add_command(command)

COMMANDS = (agreement, template_command)
