"""Commands of the exchange: check, tick, withdraw, replace, open, password."""

import sys
from pathlib import Path

import click

from gateway.bootstrap import agreed_now, moment, open_examiner
from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.opening import open_for, password_for, receipts_of_opening
from gateway.cli.words import progress, say, say_error, say_json
from gateway.dispatch.manifest import KIND_WORDS
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.engine.tick import TickReport, tick
from gateway.engine.tick import as_json as tick_json
from gateway.intake import check as check_file
from gateway.intake.change import replace_drop, withdraw_drop
from gateway.intake.findings import words
from gateway.intake.report import Wording, as_text
from gateway.intake.report import as_json as check_json
from gateway.settings import SettingsFault

_PATIENCE_SECONDS = 60.0
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--flow", "flow_id", required=True, help="The flow the file is for.")
@JSON
@NOW
@click.pass_obj
def check(cli: Cli, file: Path, flow_id: str, as_json: bool, now: str | None) -> None:
    """Say what intake would say of FILE. Nothing is sent or kept.

    Exit code: 0 accepted whole, 1 errors or quarantine, 2 usage.
    """
    if not file.is_file():
        raise click.UsageError("There is no such file.")
    flows = agreed_now(cli.home)
    if flow_id not in flows:
        raise click.UsageError(f"There is no flow {flow_id}. Flows: {', '.join(flows)}.")
    at, _ = moment(cli.home, now)
    with open_examiner(cli.home, flow_id) as (agreed, examiner), progress(as_json) as tell:
        verdict = check_file(examiner, agreed.agreement.flow(flow_id), file, at, tell)
        wording = Wording(agreed.rule_book(flow_id))
    if as_json:
        say_json(check_json(verdict, wording))
    else:
        for line in as_text(verdict, verdict.state, wording):
            say(line)
    sys.exit(0 if verdict.state == "accepted" else 1)


@click.command("tick")
@JSON
@NOW
@click.pass_obj
def tick_once(cli: Cli, as_json: bool, now: str | None) -> None:
    """Do everything that is due, once: intake, windows, deliveries. Exit code 0."""
    with cli.parts(now) as (parts, at):
        _refuse_beside_workers(parts)
        with progress(as_json) as tell, only_worker(parts, _PATIENCE_SECONDS):
            report = tick(parts, at, tell)
        if as_json:
            say_json(tick_json(parts, report))
            return
        for item in report.arrivals.processed:
            say(f"Drop {item.drop_id} ({item.flow}):")
            wording = Wording(parts.agreed[item.flow].rule_book(item.flow))
            for line in as_text(item.verdict, item.state, wording):
                say(f"  {line}")
            say(f"  Report: {item.report}")
        _say_rest(report)


def _refuse_beside_workers(parts: Parts) -> None:
    if parts.settings.queue.engine == "distributed":
        raise SettingsFault(
            "queue.distributed",
            "In this home several workers share the work, and a tick would do all of it beside.",
            "Run `gateway run`: `watch` has every flow looked at when it starts.",
        )


def _say_rest(report: TickReport) -> None:
    for refusal in report.arrivals.refusals:
        message, fix = words(refusal.finding)
        say(f"Not taken, in the inbox of {refusal.candidate.flow}: {message} {fix}")
    for flow_id, count in report.arrivals.unfinished.items():
        say(f"Still arriving or unfinished in {flow_id}: {count}")
    for receipt in report.returns.recorded:
        kind, about = receipt.receipt.kind, receipt.receipt.package
        say(f"Receipt: {receipt.receipt.party} has {kind} {about}.")
    for not_taken in report.returns.refused:
        say(f"Receipt of {not_taken.party} not taken ({not_taken.code}); its reports say why.")
    for act in report.acts:
        say(f"{f'Failed ({act.code})' if act.code else 'Done'}: the {act.act} of {act.subject}.")
    for window in report.waiting_windows:
        say(f"The window of {window.day} for {window.flow} waits for a drop seen before it.")
    for package in report.dispatched:
        say(f"Package {package.package_id}: {package.sentence}")
    for placed in report.placed:
        say(f"  placed for {placed.party}: {placed.path}")
    for fault in (*report.arrivals.faults, *report.returns.faults, *report.faults):
        say_error(fault.code, fault.words, "")
    done = (report.arrivals.processed, report.returns.recorded, report.returns.refused)
    if not any((*done, report.acts, report.dispatched, report.placed)):
        say("Nothing was due.")


@click.command()
@click.argument("drop_id", metavar="DROP")
@NOW
@click.pass_obj
def withdraw(cli: Cli, drop_id: str, now: str | None) -> None:
    """Withdraw DROP before its window: none of its rows travels. The original stays sealed."""
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        withdraw_drop(parts.database, drop_id, at)
    say(f"Withdrawn: {drop_id}. Nothing of it will travel; the sealed original stays in the vault.")


@click.command()
@click.argument("drop_id", metavar="DROP")
@click.argument("by", metavar="NEWER")
@NOW
@click.pass_obj
def replace(cli: Cli, drop_id: str, by: str, now: str | None) -> None:
    """Let the drop NEWER stand for DROP, before its window."""
    with cli.parts(now) as (parts, at), only_worker(parts, _PATIENCE_SECONDS):
        replace_drop(parts.database, drop_id, by, at)
    say(f"Replaced: {by} now stands for {drop_id}.")


@click.command("open")
@click.argument("package", type=_FILE)
@click.option("--party", required=True, help="As which recipient to open it.")
@click.option("--to", required=True, type=_FILE, help="The folder for data.xlsx.")
@click.option("--password-file", type=_FILE, help="A file whose first line is the password.")
@click.option("--receipt", is_flag=True, help="Sign the receipts collected and opened.")
@NOW
@click.pass_obj
def open_command(
    cli: Cli,
    package: Path,
    party: str,
    to: Path,
    password_file: Path | None,
    receipt: bool,
    now: str | None,
) -> None:
    """Verify, decrypt and unzip PACKAGE, check its manifest, and write data.xlsx."""
    opened = open_for(cli.home, package, party, to, password_file)
    outer = opened.outer
    say(f"Opened and verified: {outer.package}, from {outer.sender} to {outer.recipient}.")
    say(f"  {KIND_WORDS[outer.kind]}")
    counts = outer.counts
    say(
        f"  {counts.sent} rows, {counts.updates} of them updates; {counts.held} held by the sender."
    )
    say(
        f"  Signed by the gateway's key {outer.signed_by} on {opened.signed_at:%Y-%m-%d %H:%M} UTC."
    )
    say(f"  Under the agreement {outer.agreement}, hash {outer.agreement_hash}.")
    for path in opened.files.values():
        say(f"  {path}")
    if receipt:
        say("Receipts, signed with the party's key (send each with its .asc):")
        for path in receipts_of_opening(cli.home, outer, party, to, now):
            say(f"  {path}")


@click.command()
@click.argument("package", type=_FILE)
@click.option("--party", required=True, help="A recipient of the package.")
@click.pass_obj
def password(cli: Cli, package: Path, party: str) -> None:
    """Print the zip's password. In a rehearsal only."""
    say(password_for(cli.home, package.name, party))


COMMANDS = (check, tick_once, withdraw, replace, open_command, password)
