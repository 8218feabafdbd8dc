"""Commands of custody: the vault's audit and export, holds, and retention."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.agreement.windows import london_date
from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.queries import written
from gateway.cli.words import say, say_error, say_json, say_table
from gateway.engine import custody
from gateway.engine.lock import only_worker
from gateway.receipts.texts import taken
from gateway.records import holds
from gateway.records.audit import Audited
from gateway.records.bags import write_bag
from gateway.records.holds import Wanted
from gateway.records.retention import Plan
from gateway.store import holds as hold_rows
from gateway.store.requests import RequestRow

_LONDON = ZoneInfo("Europe/London")
_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
_OFFICER = click.option("--officer", required=True, help="Who asks: an officer of a party.")
_REASON = click.option(
    "--reason-file",
    type=_FILE,
    required=True,
    help="A file with the reason (at most 2,000 characters), or - for what is typed in.",
)


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar in bytes: only on a terminal, and never in JSON."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _start_of(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=_LONDON)


# --- the vault ------------------------------------------------------------------------------------


@click.group()
def vault() -> None:
    """What is kept, sealed: read it all and compare, or write it out for an archive."""


@vault.command("audit")
@JSON
@NOW
@click.pass_obj
def audit_command(cli: Cli, as_json: bool, now: str | None) -> None:
    """Read every object and compare it with the record. Exit code: 0 as kept, 1 not."""
    with (
        cli.parts(now) as (parts, at),
        only_worker(parts, PATIENCE_SECONDS),
        _bar(as_json) as tell,
    ):
        found = custody.audit_vault(parts, at, tell)
    if as_json:
        say_json(_audit_json(found))
    else:
        rows = [(item.sha256, item.kind, item.how) for item in found.wrong]
        say_table("Not as it was kept", ("object", "kind", "how"), rows)
        say(f"{found.objects} objects, {found.size:,} bytes read; {found.destroyed} destroyed.")
        if found.unknown:
            say(f"{len(found.unknown)} files are of interrupted work; nothing refers to them.")
        if found.wrong:
            hint = "Restore them from the backup, and find out who changed them."
            say_error(custody.DAMAGED, f"{len(found.wrong)} objects are not as kept.", hint)
        else:
            say("The vault is as it was kept.")
    sys.exit(1 if found.wrong else 0)


def _audit_json(found: Audited) -> dict[str, object]:
    wrong = [{"sha256": item.sha256, "kind": item.kind, "how": item.how} for item in found.wrong]
    return {
        "objects": found.objects,
        "bytes": found.size,
        "destroyed": found.destroyed,
        "wrong": wrong,
        "unknown": list(found.unknown),
        "sound": not wrong,
    }


@vault.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "since", type=_DAY, help="Kept from that day on.")
@click.option("--to", "until", type=_DAY, help="Kept up to that day, and on it.")
@NOW
@click.pass_obj
def export(
    cli: Cli, folder: Path, since: datetime | None, until: datetime | None, now: str | None
) -> None:
    """Write what is kept, sealed as it is, into a new FOLDER as a BagIt bag."""
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError("That folder is not empty. Name a new one.")
    end = None if until is None else _start_of(until + timedelta(days=1))
    with cli.parts(now) as (parts, at), _bar(False) as tell:
        known = (parts.database, parts.vault, folder.absolute())
        told = write_bag(*known, _start_of(since), end, at, tell)
    say(f"{told.objects} sealed objects, {told.size:,} bytes, written to {folder} as a BagIt bag.")


# --- holds ----------------------------------------------------------------------------------------


@click.group()
def hold() -> None:
    """Holds: while one is on, nothing that it covers is destroyed."""


@hold.command("list")
@JSON
@click.pass_obj
def list_holds(cli: Cli, as_json: bool) -> None:
    """Show every hold, with why it was begun."""
    with cli.parts() as (parts, _):
        with parts.database.transaction() as tx:
            known = hold_rows.every(tx)
        told = [
            {
                "id": row.id,
                "scope": row.scope,
                "flow": row.flow,
                "state": row.state,
                "begun_at": row.begun_at.isoformat(),
                "review_on": row.review_on.isoformat(),
                "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                "reason": holds.reason_of(parts.sealer, row),
            }
            for row in known
        ]
    if as_json:
        say_json({"holds": told})
        return
    shown = ("id", "scope", "flow", "state", "review_on", "reason")
    say_table("Holds", shown, [[str(item[name] or "") for name in shown] for item in told])
    if not told:
        say("No hold was ever begun: everything counts as held. `init` begins the agreement's.")


@hold.command()
@click.option("--flow", help="On that flow alone; without it, on everything.")
@click.option("--reference", help="On one case of that flow, by its reference.")
@click.option("--review", type=_DAY, required=True, help="The day to look at it again.")
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def begin(
    cli: Cli,
    flow: str | None,
    reference: str | None,
    review: datetime,
    officer: str,
    reason_file: Path,
    now: str | None,
) -> None:
    """Begin a hold. One officer may: it takes nothing away."""
    reason = taken(written(reason_file))
    scope: holds.Scope = "case" if reference else "flow" if flow else "everything"
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        if (flow is not None and flow not in parts.agreed) or (reference and not flow):
            raise click.UsageError("Name a flow of the agreement (--flow).")
        who = parts.officers.get(officer)
        wanted = Wanted(scope, reason, review.date(), flow, reference)
        with parts.database.transaction() as tx:
            begun = holds.begin(tx, parts.sealer, parts.keyed, wanted, who.id, at)
    say(f"Hold {begun.id} is on, on {_of(scope, flow)}, until both parties end it.")


def _of(scope: str, flow: str | None) -> str:
    return {"case": f"one case of {flow}", "flow": str(flow)}.get(scope, "everything")


@hold.command("review")
@click.argument("hold_id", metavar="HOLD")
@click.option("--next", "next_day", type=_DAY, required=True, help="The next day to look at it.")
@_OFFICER
@NOW
@click.pass_obj
def review_hold(cli: Cli, hold_id: str, next_day: datetime, officer: str, now: str | None) -> None:
    """Note that HOLD was looked at and stays on."""
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        who = parts.officers.get(officer)
        with parts.database.transaction() as tx:
            holds.review(tx, hold_id, next_day.date(), who.id, at)
    say(f"Hold {hold_id} stays on. It is to be looked at again on {next_day.date()}.")


@hold.command("end")
@click.argument("hold_id", metavar="HOLD")
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def end_hold(cli: Cli, hold_id: str, officer: str, reason_file: Path, now: str | None) -> None:
    """Ask that HOLD end. One approver of each party signs it."""
    reason = taken(written(reason_file))
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        _say_next(custody.ask_end_hold(parts, hold_id, reason, officer, at))


# --- retention ------------------------------------------------------------------------------------


@click.group()
def retention() -> None:
    """What no hold covers any more: list it, and ask that it be destroyed."""


_BEFORE = click.option(
    "--before", type=_DAY, help="Of what was kept before that day; without it, before today."
)


@retention.command()
@_BEFORE
@JSON
@NOW
@click.pass_obj
def plan(cli: Cli, before: datetime | None, as_json: bool, now: str | None) -> None:
    """List what could be destroyed. Nothing is done."""
    with cli.parts(now) as (parts, at), parts.database.transaction() as tx:
        planned = custody.plan_of(parts, tx, _before(before, at))
    if as_json:
        say_json(_plan_json(planned))
        return
    rows = [(item.kind, item.subject, item.sha256) for item in planned.items]
    say_table("Could be destroyed", ("kind", "of", "object"), rows)
    say(f"{len(rows)} could be destroyed, {planned.held} are held, {planned.needed} still needed.")


def _plan_json(planned: Plan) -> dict[str, object]:
    objects = [
        {"sha256": item.sha256, "kind": item.kind, "of": item.subject} for item in planned.items
    ]
    return {
        "before": planned.before.isoformat(),
        "objects": objects,
        "held": planned.held,
        "needed": planned.needed,
        "plan": planned.digest,
    }


@retention.command("apply")
@_BEFORE
@_OFFICER
@_REASON
@NOW
@click.pass_obj
def apply_plan(
    cli: Cli, before: datetime | None, officer: str, reason_file: Path, now: str | None
) -> None:
    """Ask that what `retention plan` lists be destroyed. One approver of each party signs it."""
    reason = taken(written(reason_file))
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        request, planned = custody.ask_destroy(parts, _before(before, at), reason, officer, at)
        say(f"To be destroyed: {len(planned.items)} objects, list {planned.digest}.")
        _say_next(request)


def _before(day: datetime | None, now: datetime) -> datetime:
    """The start of that London day, or of today."""
    today = datetime.combine(london_date(now), datetime.min.time())
    return (day or today).replace(tzinfo=_LONDON)


def _say_next(request: RequestRow) -> None:
    say(f"Request {request.id}: {request.act} of {request.subject}.")
    say("  One approver of each party signs it: `approve`. The next tick carries it out.")


COMMANDS = (vault, hold, retention)
