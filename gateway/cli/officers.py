"""Commands of officers: who they are and who is away; requests, approvals; tokens of programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gateway.access.absences import acting_for
from gateway.access.absences import away as be_away
from gateway.access.approvals import (
    approve,
    body_of,
    parties_deciding,
    request_of,
    signed_statement,
    statement,
    withdraw_request,
)
from gateway.access.officers import Officers
from gateway.access.tokens import (
    DEFAULT_DAYS,
    SCOPES,
    TokenRefused,
    make_token,
    require_fit,
    revoke_token,
)
from gateway.cli.context import JSON, NOW, PATIENCE_SECONDS, Cli
from gateway.cli.opening import keyring_of
from gateway.cli.words import say, say_json, say_table
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.statements import LARGEST_SIGNATURE
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.engine.status import requests_of
from gateway.store import requests, tokens
from gateway.store.requests import RequestRow
from gateway.store.tokens import TokenRow

_FILE = click.Path(path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])
_OFFICER = click.option("--officer", "officer_id", required=True, help="Who it is, by id.")


@contextmanager
def _at_work(cli: Cli, now: str | None) -> Iterator[tuple[Parts, datetime]]:
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        yield parts, at


# --- officers -------------------------------------------------------------------------------------


@click.command("officers")
@NOW
@click.pass_obj
def list_officers(cli: Cli, now: str | None) -> None:
    """List the officers, their roles and keys, and who acts for whom today."""
    with cli.parts(now) as (parts, at), parts.database.transaction() as tx:
        today = at.astimezone(ZoneInfo("Europe/London")).date()
        rows = []
        for officer in parts.officers:
            acting = acting_for(tx, parts.officers, officer.id, today)
            away = "" if acting == officer else acting.id
            key = officer.key[-16:] if officer.key else "none"
            rows.append((officer.id, officer.party, ", ".join(officer.roles), key, away))
    say_table("Officers", ("Officer", "Party", "Roles", "Key ends in", "Acting today"), rows)
    if not rows:
        say("No officers are named. docs/officers.md says how config/officers.toml is written.")


@click.command()
@click.argument("officer_id", metavar="OFFICER")
@click.option("--deputy", required=True, help="Who acts meanwhile; the officer's own id: nobody.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day away.")
@click.option("--until", "last", type=_DAY, required=True, help="The last day away.")
@NOW
@click.pass_obj
def away(
    cli: Cli, officer_id: str, deputy: str, first: datetime, last: datetime, now: str | None
) -> None:
    """Say that OFFICER is away, and who acts meanwhile. What is told later counts."""
    begin, end = first.date(), last.date()
    with _at_work(cli, now) as (parts, at), parts.database.transaction() as tx:
        be_away(tx, parts.officers, officer_id, deputy, begin, end, at)
    days = f"{_plain(begin)} to {_plain(end)}"
    if deputy == officer_id:
        say(f"{officer_id} is here from {days}.")
    else:
        say(f"{officer_id} is away from {days}; {deputy} acts meanwhile.")


def _plain(day: date) -> str:
    return f"{day:%-d %B %Y}"


# --- requests -------------------------------------------------------------------------------------


@click.group()
def request() -> None:
    """What officers have asked for: show, list, withdraw."""


@request.command("list")
@click.option("--all", "ended_too", is_flag=True, help="Those that have ended as well.")
@JSON
@click.pass_obj
def list_requests(cli: Cli, ended_too: bool, as_json: bool) -> None:
    """List the requests that wait for approval, or to be carried out."""
    states = () if ended_too else ("open", "approved")
    with cli.parts() as (parts, _), parts.database.transaction() as tx:
        told = requests_of(tx, states)
    if as_json:
        say_json(told)
        return
    columns = ("id", "act", "subject", "party", "state", "approvals")
    headings = ("Request", *(name.capitalize() for name in columns[1:]))
    say_table("Requests", headings, [[str(row[name]) for name in columns] for row in told])
    if not told:
        say("No requests.")


@request.command("show")
@click.argument("request_id", metavar="REQUEST")
@click.option("--statement", "target", type=_FILE, help="Write the bytes that an approver signs.")
@click.pass_obj
def show_request(cli: Cli, request_id: str, target: Path | None) -> None:
    """Show what REQUEST asks for, and who has approved it."""
    with cli.parts() as (parts, _), parts.database.transaction() as tx:
        row = request_of(tx, request_id)
        approvals = requests.approvals_of(tx, request_id)
        body = body_of(parts.sealer, row)
    say(f"Request {row.id}: {row.act} of {row.subject}, for {row.party}. It is {row.state}.")
    say(f"  Asked by {row.requested_by} on {row.requested_at:%Y-%m-%d %H:%M} UTC.")
    for name, value in body.items():
        say(f"  {name}: {value}")
    say(f"  SHA-256 of all this: {row.digest}")
    say(f"  {_who_decides(parts.officers, row)}")
    for item in approvals:
        way = "on the site" if item.statement is not None else f"key {item.fingerprint}"
        say(f"  Approved by {item.officer}, {item.at:%Y-%m-%d %H:%M} UTC, {way}.")
    if row.fault:
        say(f"  It could not be done: {row.fault}.")
    if target is not None:
        target.write_bytes(statement(row))
        say(f"Sign it with: gpg --armor --detach-sign {target}")
        say(f"Then: approve {row.id} --officer OFFICER --signature {target}.asc")


def _who_decides(officers: Officers, row: RequestRow) -> str:
    parties = parties_deciding(officers, row)
    if len(parties) == 1:
        return f"Two other approvers of {parties[0]} decide about it."
    return f"One approver of each of {', '.join(parties)} decides about it."


@request.command("withdraw")
@click.argument("request_id", metavar="REQUEST")
@_OFFICER
@NOW
@click.pass_obj
def take_back(cli: Cli, request_id: str, officer_id: str, now: str | None) -> None:
    """Take REQUEST back while it is open: who asked may, and any approver who decides."""
    with _at_work(cli, now) as (parts, at):
        withdraw_request(parts.database, parts.officers, request_id, officer_id, at)
    say(f"Withdrawn: request {request_id}. Nothing of it will be done.")


@click.command("approve")
@click.argument("request_id", metavar="REQUEST")
@_OFFICER
@click.option("--signature", type=_FILE, help="A signature made elsewhere (`request show`).")
@NOW
@click.pass_obj
def approve_request(
    cli: Cli, request_id: str, officer_id: str, signature: Path | None, now: str | None
) -> None:
    """Approve REQUEST with the officer's own key, here or by a signature made elsewhere."""
    with _at_work(cli, now) as (parts, at):
        if signature is None:
            signed = _sign_here(parts, request_id, officer_id, at if now else None)
        else:
            with signature.open("rb") as file:
                signed = file.read(LARGEST_SIGNATURE + 1)
        known = parts.officers, parts.openpgp, request_id, officer_id, signed, at
        row = approve(parts.database, *known, gateway=parts.pins.gateway)
    if row.state == "approved":
        say(f"Approved: request {row.id} has the approvals it needs. The next tick carries it out.")
    else:
        say(f"Noted: request {row.id} needs the approval of another officer.")


def _sign_here(parts: Parts, request_id: str, officer_id: str, faked: datetime | None) -> bytes:
    """The officer's signature, by the keys of who runs this; none where there is nothing to sign.

    Why there is nothing to sign, `approve` then says and ledgers. Raises CryptoFault.
    """
    with parts.database.transaction() as tx:
        row = requests.get(tx, request_id)
    officer = next((item for item in parts.officers if item.id == officer_id), None)
    if row is None or officer is None or officer.key is None:
        return b""
    with OpenPGP(keyring_of(parts.home, officer.id), faked) as openpgp:
        return signed_statement(openpgp, row, officer.key)


# --- tokens ---------------------------------------------------------------------------------------


@click.group()
def token() -> None:
    """What a party's program shows to be let in: make, list, revoke."""


@token.command("make")
@click.option("--party", required=True, help="Whose program it is.")
@click.option("--flow", "flow_id", required=True, help="The flow it works for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), required=True)
@click.option("--days", default=DEFAULT_DAYS, show_default=True, help="How long it lives.")
@NOW
@click.pass_obj
def make(
    cli: Cli, party: str, flow_id: str, scopes: tuple[str, ...], days: int, now: str | None
) -> None:
    """Make a token and print it, this once: it is kept nowhere."""
    with _at_work(cli, now) as (parts, at):
        if flow_id not in parts.agreed:
            raise TokenRefused(
                "token.flow", "There is no such flow here.", f"Flows: {', '.join(parts.agreed)}."
            )
        require_fit(parts.flow(flow_id), party, scopes)
        with parts.database.transaction() as tx:
            text = make_token(tx, party, flow_id, scopes, days, at)
    click.echo(text)
    click.echo("Hand it over by a safe way: nobody can show it again.", err=True)


@token.command("list")
@NOW
@click.pass_obj
def list_tokens(cli: Cli, now: str | None) -> None:
    """List the tokens by their public halves: whose, what for, until when."""
    with cli.parts(now) as (parts, at), parts.database.transaction() as tx:
        rows = [
            (row.prefix, row.party, row.flow, row.scopes, _life(row, at), _used(row))
            for row in tokens.listed(tx)
        ]
    say_table("Tokens", ("Prefix", "Party", "Flow", "Scopes", "State", "Last used"), rows)
    if not rows:
        say("No tokens.")


@token.command("revoke")
@click.argument("prefix")
@NOW
@click.pass_obj
def revoke(cli: Cli, prefix: str, now: str | None) -> None:
    """Let the token with that PREFIX be worth nothing from now on."""
    with _at_work(cli, now) as (parts, at), parts.database.transaction() as tx:
        revoke_token(tx, prefix, at)
    say(f"Revoked: {prefix}. It lets nobody in any more.")


def _life(row: TokenRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    return f"{'ended' if now >= row.expires_at else 'until'} {row.expires_at:%Y-%m-%d}"


def _used(row: TokenRow) -> str:
    return f"{row.last_used_at:%Y-%m-%d}" if row.last_used_at else "never"


COMMANDS = (list_officers, away, request, approve_request, token)
