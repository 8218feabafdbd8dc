"""The command that prints a day's digest."""

from datetime import date, datetime

import click

from gateway.agreement.windows import london_date
from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.words import say, say_json
from gateway.engine.digests import mark_of
from gateway.receipts.digest import as_text, digest_of, parties_of


@click.command()
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day; today as far as it has gone, unless given.",
)
@click.option("--party", metavar="PARTY", help="One party's; all parties', unless given.")
@JSON
@NOW
@click.pass_obj
def digest(
    cli: Cli, day: datetime | None, party: str | None, as_json: bool, now: str | None
) -> None:
    """Show what was sent, collected and accepted, what is outstanding, and how much was on time.

    What was done is that of the day; what is outstanding and alarmed is that of now.
    """
    with cli.parts(now) as (parts, at):
        known = parties_of(parts.agreed)
        if party is not None and party not in known:
            raise click.BadParameter(f"there is no party {party}; known: {', '.join(known)}")
        asked = _day(day, at)
        with parts.database.transaction() as tx:
            told = [
                digest_of(tx, parts.agreed, name, asked, at)
                for name in known
                if party in (None, name)
            ]
        mark = mark_of(parts)
    if as_json:
        say_json({"now": at.isoformat(), "digests": [item.as_json(at) for item in told]})
        return
    for item in told:
        say(as_text(item, at, mark))


def _day(day: datetime | None, now: datetime) -> date:
    asked = day.date() if day else london_date(now)
    if asked > london_date(now):
        raise click.BadParameter("that day has not come yet", param_hint="--day")
    return asked


COMMANDS = (digest,)
