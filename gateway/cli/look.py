"""Commands that only look: status."""

import click

from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.words import say, say_json, say_table
from gateway.engine.status import status_of


@click.command()
@JSON
@NOW
@click.pass_obj
def status(cli: Cli, as_json: bool, now: str | None) -> None:
    """Show drops, packages, deliveries, deadlines, keys and alarms."""
    with cli.parts(now) as (parts, at):
        told = status_of(parts, at)
    if as_json:
        say_json(told)
        return
    if told["rehearsal"]:
        say("REHEARSAL: nothing here is secret or real.")
    _tables(told)
    if not told["alarms"]:
        say("No alarms.")


def _tables(told: dict[str, list[dict[str, object]]]) -> None:
    shapes = {
        "alarms": ("Alarms", ("code", "subject", "words")),
        "deadlines": ("Due next", ("flow", "day", "due_at")),
        "outstanding": ("Outstanding", ("owed", "party", "flow", "package", "due_at", "late")),
        "drops": ("Drops", ("id", "flow", "state", "rows", "accepted", "held", "repeats")),
        "packages": ("Packages", ("id", "kind", "state", "rows", "updates", "held")),
        "deliveries": ("Deliveries", ("package", "party", "state", "placed_at")),
        "receipts": ("Receipts", ("kind", "package", "party", "officer", "way", "recorded_at")),
        "requests": ("Requests", ("id", "act", "subject", "party", "state", "approvals")),
        "windows": ("Windows", ("flow", "day", "state", "missed", "package")),
        "keys": ("Keys", ("party", "role", "state", "days_left")),
    }
    for key, (title, columns) in shapes.items():
        rows = [
            ["" if row[name] is None else str(row[name]) for name in columns] for row in told[key]
        ]
        say_table(title, [name.replace("_", " ") for name in columns], rows)


COMMANDS = (status,)
