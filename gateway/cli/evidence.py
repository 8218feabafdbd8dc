"""What proves some days, in one file for a third party; and how every clause stands."""

from datetime import datetime
from pathlib import Path

import click

from gateway.agreement.explain import STANDING
from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_json
from gateway.engine.assurance import as_html, assurance_of
from gateway.engine.evidence import export_pack
from gateway.engine.lock import only_worker

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def evidence() -> None:
    """Give out what proves what happened, for anyone to verify without the gateway."""


@evidence.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "first", type=_DAY, required=True, help="The first day, YYYY-MM-DD.")
@click.option("--to", "until", type=_DAY, required=True, help="The last day, included.")
@click.option("--case", metavar="REF", help="Only packages known to have carried this reference.")
@NOW
@JSON
@click.pass_obj
def export(
    cli: Cli,
    file: Path,
    first: datetime,
    until: datetime,
    case: str | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Write an evidence pack of some days (London's) into FILE, a zip."""
    if file.exists():
        raise click.UsageError("That file is there already. Name a new one.")
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        made = export_pack(parts, file, (first.date(), until.date()), case, at)
    told = {
        "file": str(file),
        "sha256": made.sha256,
        "size": made.size,
        "leaves": made.leaves,
        "packages": list(made.packages),
        "receipts": made.receipts,
    }
    if as_json:
        say_json(told)
        return
    say(f"{file}: {made.leaves} events, {len(made.packages)} packages, {made.receipts} receipts.")
    say(f"SHA-256 {made.sha256}. Verify it with tools/verify_evidence.py (docs/evidence.md).")


@click.command()
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page here."
)
@JSON
@NOW
@click.pass_obj
def assurance(cli: Cli, page: Path | None, as_json: bool, now: str | None) -> None:
    """Show each clause of the agreement: its control, a live figure, what bears it out."""
    with cli.parts(now) as (parts, at):
        report = assurance_of(parts, at)
    if page is not None:
        page.write_text(as_html(report), encoding="utf-8")
        say(f"{len(report.clauses)} clauses written to {page}.")
    elif as_json:
        say_json(report.as_json())
    else:
        for item in report.clauses:
            say(f"{item.clause.number}  {item.clause.title}: {STANDING[item.clause.enforced]}")
            say(f"    {item.standing.figure}")


COMMANDS = (evidence, assurance)
