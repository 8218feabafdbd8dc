"""`query`: a recipient asks about a package or a row, the sender answers."""

import sys
from pathlib import Path

import click

from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_json, say_table
from gateway.engine.lock import only_worker
from gateway.engine.status import queries_of
from gateway.receipts import threads
from gateway.receipts.threads import Conversation, Correction, Place

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
_THREAD = click.argument("thread_id", metavar="QUERY")
_OFFICER = click.option("--officer", required=True, help="The officer who says it, by id.")
_TEXT = click.option(
    "--text-file",
    type=_FILE,
    required=True,
    help="A file with the text (at most 2,000 characters), or - for what is typed in.",
)


def written(path: Path) -> bytes:
    """The text of a file, or of the input for ``-``: words never stand in a command line."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


@click.group()
def query() -> None:
    """Ask about a package or a row of it, and answer. Rows go by reference, never by a value."""


@query.command("open")
@click.argument("package")
@click.option("--party", required=True, help="The recipient that asks.")
@_OFFICER
@click.option("--reference", help="The row it is about, by its reference.")
@click.option("--heading", help="The column it is about, by its agreed heading.")
@_TEXT
@NOW
@click.pass_obj
def open_query(
    cli: Cli,
    package: str,
    party: str,
    officer: str,
    reference: str | None,
    heading: str | None,
    text_file: Path,
    now: str | None,
) -> None:
    """Ask the sender about PACKAGE, which the party has opened."""
    content, place = written(text_file), Place(reference, heading)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        thread = threads.ask(parts.queries(), package, party, officer, content, at, place)
    say(f"Query {thread.id}: asked. The sender's answer is awaited; the delivery stays as it is.")


@query.command("again")
@_THREAD
@_OFFICER
@_TEXT
@NOW
@click.pass_obj
def ask_again(cli: Cli, thread_id: str, officer: str, text_file: Path, now: str | None) -> None:
    """Ask on, where the answer to QUERY does not settle it."""
    content = written(text_file)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        threads.ask_again(parts.queries(), thread_id, officer, content, at)
    say(f"Query {thread_id}: asked again.")


@query.command("answer")
@_THREAD
@_OFFICER
@click.option("--drop", help="The corrected drop, where there is one.")
@click.option("--package", help="The package that brings the correction.")
@_TEXT
@NOW
@click.pass_obj
def answer(
    cli: Cli,
    thread_id: str,
    officer: str,
    drop: str | None,
    package: str | None,
    text_file: Path,
    now: str | None,
) -> None:
    """Answer QUERY as an officer of the flow's sender."""
    content, named = written(text_file), Correction(drop, package)
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        threads.answer(parts.queries(), thread_id, officer, content, at, named)
    say(f"Query {thread_id}: answered. The asker closes it, or asks again.")


@query.command("close")
@_THREAD
@_OFFICER
@NOW
@click.pass_obj
def close(cli: Cli, thread_id: str, officer: str, now: str | None) -> None:
    """Close QUERY as an officer of the party that asked."""
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        threads.close(parts.queries(), thread_id, officer, at)
    say(f"Query {thread_id}: closed.")


@query.command("list")
@JSON
@click.pass_obj
def list_queries(cli: Cli, as_json: bool) -> None:
    """List the latest queries: who asked about which package, and whether it is answered."""
    with cli.parts() as (parts, _), parts.database.transaction() as tx:
        told = queries_of(tx)
    if as_json:
        say_json(told)
        return
    columns = ("id", "package", "party", "state", "opened_at")
    say_table("Queries", columns, [[row[name] for name in columns] for row in told])
    if not told:
        say("No queries.")


@query.command("show")
@_THREAD
@_OFFICER
@click.pass_obj
def show(cli: Cli, thread_id: str, officer: str) -> None:
    """Show what was said in QUERY to an officer of one of its two parties."""
    with cli.parts() as (parts, _):
        told = threads.read(parts.queries(), thread_id, officer)
    _say_all(told)


def _say_all(told: Conversation) -> None:
    thread, place = told.thread, told.place
    say(f"Query {thread.id} about {thread.package_id}, asked by {thread.party}: {thread.state}.")
    if place.reference:
        say(f"  Reference: {place.reference}")
    if place.heading:
        say(f"  Heading: {place.heading}")
    for item in told.said:
        say(f"{item.number}. {item.officer} ({item.party}), {item.at:%Y-%m-%d %H:%M} UTC:")
        for line in item.text.splitlines():
            say(f"     {line}")
        for what, named in (("drop", item.correction.drop), ("package", item.correction.package)):
            if named:
                say(f"     Corrected by the {what} {named}.")


COMMANDS = (query,)
