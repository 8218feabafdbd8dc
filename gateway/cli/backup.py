"""Commands of backups: making one while the service runs, and making a home from one."""

from pathlib import Path

import click

from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_json
from gateway.engine.backup import make_backup
from gateway.engine.restore import restore as restored_from

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@NOW
@JSON
@click.pass_obj
def backup(cli: Cli, folder: Path, now: str | None, as_json: bool) -> None:
    """Make a backup, the new FOLDER, while the service runs. It holds no secret key."""
    with cli.parts(now) as (parts, at):
        made = make_backup(parts, folder.absolute(), at, PATIENCE_SECONDS)
    size = sum(entry.size for entry in made.files)
    if as_json:
        said = made.model_dump(include={"made_at", "origin", "size", "root", "kept_apart"})
        say_json({"folder": str(folder), "files": len(made.files), "bytes": size, **said})
        return
    say(f"{folder}: {len(made.files)} files, {size:,} bytes, {made.size} leaves of the ledger.")
    say(f"Kept apart, and in no backup: {', '.join(made.kept_apart)} (docs/operate.md).")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "target", required=True, type=_FOLDER, help="The home to make.")
@click.option(
    "--keys",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the home's keys/ was kept apart.",
)
@click.option(
    "--checkpoint",
    "shown",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was given out, or a receipt: any number.",
)
@click.option("--accept-loss", is_flag=True, help="Though a checkpoint shows that it is behind.")
def restore(
    folder: Path, target: Path, keys: Path, shown: tuple[Path, ...], accept_loss: bool
) -> None:
    """Make a home from the backup FOLDER. Every file is verified before anything is written."""
    made = restored_from(folder, target.absolute(), keys, shown, accept_loss)
    told = made.manifest
    say(f"{target}: restored, as it was on {told.made_at}, with {told.size} leaves of the ledger.")
    if made.missing:
        say(f"Not among the keys: {', '.join(made.missing)}. See docs/operate.md.")
    if made.behind:
        say(f"{made.behind} events that were shown are gone: nothing is dispatched until both")
        say("parties have approved `ledger recover` (docs/ledger.md).")
    say("Next, with --home: `init`, `doctor --deep`, `ledger verify`; then start the service.")


COMMANDS = (backup, restore)
