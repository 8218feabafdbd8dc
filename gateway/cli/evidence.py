"""The evidence pack's command: what proves some days, in one file for a third party."""

from datetime import datetime
from pathlib import Path

import click

from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_json
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
    with cli.parts(now) as (parts, at), only_worker(parts.home.lock, PATIENCE_SECONDS):
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


COMMANDS = (evidence,)
