"""`register enter`: an entry in each of the registers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from gateway.agreement.windows import LONDON
from gateway.cli.context import NOW, PATIENCE_SECONDS, Cli
from gateway.cli.queries import written
from gateway.cli.words import say
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.receipts.texts import taken
from gateway.records import registers
from gateway.records.registers import REGISTERS, wanted
from gateway.records.registers.rules import REQUESTS
from gateway.records.registers.wanted import INCIDENTS, Wanted, last_day
from gateway.store.registers import EntryRow

TEXT_FILE = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
OFFICER = click.option("--officer", required=True, help="Whose act it is: an officer, by id.")
_DAY = click.DateTime(["%Y-%m-%d"])
_TEXT = click.option(
    "--text-file",
    type=TEXT_FILE,
    required=True,
    help="A file with the words (at most 2,000 characters), or - for what is typed in.",
)


@contextmanager
def at_work(cli: Cli, now: str | None) -> Iterator[tuple[Parts, datetime]]:
    """The home's parts, while no worker is at work."""
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        yield parts, at


def agreement_of(parts: Parts) -> str:
    """The hash of the agreement whose registers they are."""
    return next(iter(parts.agreed.values())).hash


def due_of(row: EntryRow, now: datetime) -> str:
    """Until when something of an entry is due, as people read it; empty where nothing is."""
    if row.due_at is None or row.ended_at is not None:
        return ""
    if row.register == "incident":
        day = f"{row.due_at.astimezone(LONDON):%Y-%m-%d %H:%M}"
    else:
        day = str(last_day(row.due_at))
    return f"{day} (past)" if row.due_at <= now else day


@click.group()
def enter() -> None:
    """Make an entry, for which the officer's party answers."""


def _enter(cli: Cli, officer: str, now: str | None, build: Callable[[datetime], Wanted]) -> None:
    with at_work(cli, now) as (parts, at), parts.database.transaction() as tx:
        known = (parts.sealer, parts.officers, build(at), officer, at, agreement_of(parts))
        row = registers.enter(tx, *known)
        due = due_of(row, at)
    say(f"Entry {row.id}: {REGISTERS[row.register].title}, of {row.opened_on}.")
    if due:
        say(f"  Due: {due}.")


@enter.command()
@click.argument("kind", type=click.Choice(REQUESTS))
@OFFICER
@click.option("--received", type=_DAY, required=True, help="When it came in.")
@click.option("--due", type=_DAY, help="Where it is to be answered sooner than the Act says.")
@_TEXT
@NOW
@click.pass_obj
def request(
    cli: Cli,
    kind: Literal["foi", "press", "correspondence"],
    officer: str,
    received: datetime,
    due: datetime | None,
    text_file: Path,
    now: str | None,
) -> None:
    """A freedom of information request, a press request, or a letter, that came to the party."""
    words, last = taken(written(text_file)), due.date() if due else None
    _enter(cli, officer, now, lambda at: wanted.request(kind, received.date(), words, at, last))


@enter.command()
@click.argument("kind", type=click.Choice(INCIDENTS))
@OFFICER
@click.option("--aware", required=True, help="When the party became aware of it, ISO 8601.")
@_TEXT
@NOW
@click.pass_obj
def incident(
    cli: Cli,
    kind: Literal["loss", "wrongful-disclosure"],
    officer: str,
    aware: str,
    text_file: Path,
    now: str | None,
) -> None:
    """A loss or wrongful disclosure: the other party is told at once, the ICO's clock runs."""
    words, aware_at = taken(written(text_file)), moment_of(aware)
    _enter(cli, officer, now, lambda at: wanted.incident(kind, aware_at, words, at))


@enter.command()
@OFFICER
@click.option("--held", type=_DAY, required=True, help="When the review was held.")
@click.option("--by", "held_by", required=True, help="Who held it: bodies or posts.")
@_TEXT
@NOW
@click.pass_obj
def review(
    cli: Cli, officer: str, held: datetime, held_by: str, text_file: Path, now: str | None
) -> None:
    """A review of the agreement, with its outcome: an approver of each party then signs it."""
    words = taken(written(text_file))
    _enter(cli, officer, now, lambda at: wanted.review(held.date(), held_by, words, at))


@enter.command()
@OFFICER
@click.option("--person", required=True, help="Who was trained: an officer's id, or another's.")
@click.option("--completed", type=_DAY, required=True, help="When.")
@click.option("--until", type=_DAY, required=True, help="The last day that it counts.")
@_TEXT
@NOW
@click.pass_obj
def training(
    cli: Cli,
    officer: str,
    person: str,
    completed: datetime,
    until: datetime,
    text_file: Path,
    now: str | None,
) -> None:
    """That a person of the officer's party was trained: in what, the words say."""
    words = taken(written(text_file))
    days = completed.date(), until.date()
    _enter(cli, officer, now, lambda at: wanted.training(person, *days, words, at))


@enter.command()
@OFFICER
@click.option("--held", type=_DAY, required=True, help="When the bodies met.")
@click.option("--attended", multiple=True, required=True, help="A party that was there; repeat.")
@click.option("--next", "next_day", type=_DAY, help="The day by which they meet next.")
@_TEXT
@NOW
@click.pass_obj
def meeting(
    cli: Cli,
    officer: str,
    held: datetime,
    attended: tuple[str, ...],
    next_day: datetime | None,
    text_file: Path,
    now: str | None,
) -> None:
    """A meeting of the bodies: what was agreed, the words say."""
    words, last = taken(written(text_file)), next_day.date() if next_day else None
    _enter(cli, officer, now, lambda at: wanted.meeting(held.date(), attended, words, at, last))


@enter.command()
@OFFICER
@NOW
@click.pass_obj
def monitoring(cli: Cli, officer: str, now: str | None) -> None:
    """That the officer looked at the party's online account just now."""
    _enter(cli, officer, now, wanted.look)


@enter.command()
@OFFICER
@_TEXT
@NOW
@click.pass_obj
def feedback(cli: Cli, officer: str, text_file: Path, now: str | None) -> None:
    """Feedback that the officer's party gives the other, which acknowledges it."""
    words = taken(written(text_file))
    _enter(cli, officer, now, lambda at: wanted.feedback(words, at))


def moment_of(text: str) -> datetime:
    """A moment as people write it; London's where it has no offset."""
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=LONDON)
        at.astimezone(UTC)  # whose calendar may not have such a day
    except (ValueError, OverflowError) as error:
        raise click.BadParameter("Write it like 2026-03-02T16:00.") from error
    return at
